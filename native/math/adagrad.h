/* AdaGrad (Duchi, Hazan and Singer 2011). */
#ifndef NR_MATH_ADAGRAD_H
#define NR_MATH_ADAGRAD_H

#include "math/constants.h"
#include "math/flush.h"
#include "math/quotient.h"

namespace nr::NR_LANES {

struct adagrad {
    static constexpr int states = 1;
    static constexpr bool divides_by_root = true;

    /* S += g g */
    template <class V, class Flags>
    static NR_INLINE void advance(const constants<V> &, const Flags &, V g, V *s) {
        s[0] = flush(s[0] + g * g);
    }

    /* g / (sqrt(S) + eps) */
    template <class V, class Flags>
    static NR_INLINE V update(const constants<V> &k, const Flags &f, V g, const V *s) {
        return quotient<adagrad>(k, f, g, s);
    }

    template <class V>
    static NR_INLINE V numerator(V g, const V *) {
        return g;
    }
    template <class V, class Flags>
    static NR_INLINE V radicand(const Flags &, const V *s) {
        return s[0];
    }
    template <class V>
    static NR_INLINE V divisor(const constants<V> &k, V root) {
        return root + k.epsilon;
    }
};

} // namespace nr::NR_LANES

#endif
