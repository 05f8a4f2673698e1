/* libFuzzer finds the inputs. */
#include "calls.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz::call(data, size);
    return 0;
}
