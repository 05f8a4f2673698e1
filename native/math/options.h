/* What an algorithm's options say of it. */
#ifndef NR_MATH_OPTIONS_H
#define NR_MATH_OPTIONS_H

#include "nativeranger.h"

namespace nr {

inline bool asks(uint32_t flags, uint32_t bit) { return (flags & bit) != 0; }

/* How many state arrays an algorithm uses. */
inline int states_of(const nr_options &o) {
    switch (o.algorithm) {
    case NR_SGD:
        return o.beta1 != 0.0 ? 1 : 0;
    case NR_ADAGRAD:
        return 1;
    case NR_ADAM:
        return asks(o.flags, NR_AMSGRAD) ? 3 : 2;
    case NR_RADAM:
        return 2;
    default:
        return 4;
    }
}

} // namespace nr

#endif
