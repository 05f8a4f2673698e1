/* Opens device 0 of the driver that the environment names, in a process of its own: prints the status and the reason. */
#include "nativeranger_cuda.h"

#include <stdio.h>

int main(void) {
    nr_cuda_device *device = NULL;
    char message[512] = "";
    const nr_status status = nr_cuda_open(NULL, 0, &device, message, sizeof message);
    printf("%s: %s\n", nr_cuda_status_name(status), message);
    return nr_cuda_close(device) == NR_OK ? 0 : 1;
}
