/* RAdam (Liu et al. 2020). The rectification is part of the step size; see scalars.h. */
#ifndef NR_MATH_RADAM_H
#define NR_MATH_RADAM_H

#include "math/moments.h"

namespace nr::NR_LANES {

struct radam {
    static constexpr int states = 2;
    static constexpr bool divides_by_root = true;

    template <class V, class Flags>
    static NR_INLINE void advance(const constants<V> &k, const Flags &, V g, V *s) {
        s[0] = first_moment(k, g, s[0]);
        s[1] = second_moment(k, g, s[1]);
    }

    /* m / (sqrt(v) + eps), or m while the variance of 1/sqrt(v) is intractable */
    template <class V, class Flags>
    static NR_INLINE V update(const constants<V> &k, const Flags &f, V g, const V *s) {
        return f.rectified ? quotient<radam>(k, f, g, s) : s[0];
    }

    template <class V>
    static NR_INLINE V numerator(V, const V *s) {
        return s[0];
    }
    template <class V, class Flags>
    static NR_INLINE V radicand(const Flags &, const V *s) {
        return s[1];
    }
    template <class V>
    static NR_INLINE V divisor(const constants<V> &k, V root) {
        return root + k.epsilon;
    }
};

} // namespace nr::NR_LANES

#endif
