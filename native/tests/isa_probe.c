/* Says which instruction set NATIVERANGER_ISA made the library choose, and what a step with NR_ISA_AUTO returns. */
#include "nativeranger.h"

#include <stdio.h>

int main(void) {
    double gradient = 1.0, sum = 1.0;
    const char *forced = nr_isa_forced();
    printf("chosen %s, forced %s, status %s\n", nr_isa_name(nr_isa()), forced ? forced : "(none)",
           nr_status_name(nr_accumulate(NR_FLOAT64, NR_ISA_AUTO, 1, &gradient, &sum)));
    return nr_isa_available(NR_ISA_SCALAR) == 1 ? 0 : 1;
}
