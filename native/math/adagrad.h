/* AdaGrad (Duchi, Hazan and Singer 2011). */
#ifndef NR_MATH_ADAGRAD_H
#define NR_MATH_ADAGRAD_H

#include "math/constants.h"
#include "math/flush.h"

namespace nr::NR_LANES {

struct adagrad {
    static constexpr int states = 1;

    /* S += g g */
    template <class V, class Flags>
    static NR_INLINE void advance(const constants<V> &, const Flags &, V g, V *s) {
        s[0] = flush(s[0] + g * g);
    }

    /* g / (sqrt(S) + eps) */
    template <class V, class Flags>
    static NR_INLINE V update(const constants<V> &k, const Flags &, V g, const V *s) {
        return g / (root(s[0]) + k.epsilon);
    }
};

} // namespace nr::NR_LANES

#endif
