/* Stochastic gradient descent, with momentum and Nesterov's variant (Sutskever et al. 2013). */
#ifndef NR_MATH_SGD_H
#define NR_MATH_SGD_H

#include "math/constants.h"
#include "math/flush.h"

namespace nr::NR_LANES {

struct sgd {
    static constexpr int states = 0;
    static constexpr bool divides_by_root = false;

    template <class V, class Flags>
    static NR_INLINE void advance(const constants<V> &, const Flags &, V, V *) {}

    template <class V, class Flags>
    static NR_INLINE V update(const constants<V> &, const Flags &, V g, const V *) {
        return g;
    }
};

struct sgd_momentum {
    static constexpr int states = 1;
    static constexpr bool divides_by_root = false;

    /* b = g on the first step, without dampening; then b = mu b + (1-dampening) g */
    template <class V, class Flags>
    static NR_INLINE void advance(const constants<V> &k, const Flags &f, V g, V *s) {
        s[0] = flush(f.first ? g : k.beta1 * s[0] + k.beta1_rest * g);
    }

    template <class V, class Flags>
    static NR_INLINE V update(const constants<V> &k, const Flags &f, V g, const V *s) {
        return f.nesterov ? g + k.beta1 * s[0] : s[0];
    }
};

} // namespace nr::NR_LANES

#endif
