/* The two moments that Adam, RAdam and SeedRanger share. */
#ifndef NR_MATH_MOMENTS_H
#define NR_MATH_MOMENTS_H

#include "math/constants.h"
#include "math/flush.h"
#include "math/quotient.h"

namespace nr::NR_LANES {

/* m = b1 m + (1-b1) g */
template <class V>
NR_INLINE V first_moment(const constants<V> &k, V g, V m) {
    return flush(k.beta1 * m + k.beta1_rest * g);
}

/* v = b2 v + (1-b2) (g g) */
template <class V>
NR_INLINE V second_moment(const constants<V> &k, V g, V v) {
    return flush(k.beta2 * v + k.beta2_rest * (g * g));
}

} // namespace nr::NR_LANES

#endif
