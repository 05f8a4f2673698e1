#ifndef NR_MATH_ROOT_UNITS_H
#define NR_MATH_ROOT_UNITS_H

#include <stdint.h>

namespace nr {

/* Who takes the AVX-512 square roots of a step (cpu/groups.h); its bits do not depend on it. */
enum class root_units : int8_t {
    divider,    /* the processor's own instruction, in the unit that divides */
    both,       /* some roots are multiplied, so that neither unit waits for the other */
    multipliers /* all roots are multiplied */
};

} // namespace nr

#endif
