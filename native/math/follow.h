/* Arrays that follow the parameter: Lookahead's slow weights (Zhang et al. 2019), averages. */
#ifndef NR_MATH_FOLLOW_H
#define NR_MATH_FOLLOW_H

#include "math/flush.h"

namespace nr::NR_LANES {

/* f += weight (p - f) */
template <class V>
NR_INLINE V follow(V follower, V p, V weight) {
    return follower + weight * (p - follower);
}

/* Pullback of the momentum at a sync: b = weight b + (1-weight) momentum */
template <class V>
NR_INLINE V pull_back(V b, V momentum, V weight, V rest) {
    return flush(weight * b + rest * momentum);
}

} // namespace nr::NR_LANES

#endif
