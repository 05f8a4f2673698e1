/* Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019), AMSGrad (Reddi, Kale and Kumar 2018). */
#ifndef NR_MATH_ADAM_H
#define NR_MATH_ADAM_H

#include "math/moments.h"

namespace nr::NR_LANES {

struct adam {
    static constexpr int states = 2;
    static constexpr bool divides_by_root = true;

    template <class V, class Flags>
    static NR_INLINE void advance(const constants<V> &k, const Flags &f, V g, V *s) {
        s[0] = first_moment(k, g, s[0]);
        s[1] = second_moment(k, g, s[1]);
        if (f.maximum)
            s[2] = select(s[2] >= s[1], s[2], s[1]); /* a NaN in v wins */
    }

    /* m / (sqrt(v or vmax) c + eps) */
    template <class V, class Flags>
    static NR_INLINE V update(const constants<V> &k, const Flags &f, V g, const V *s) {
        return quotient<adam>(k, f, g, s);
    }

    template <class V>
    static NR_INLINE V numerator(V, const V *s) {
        return s[0];
    }
    template <class V, class Flags>
    static NR_INLINE V radicand(const Flags &f, const V *s) {
        V v = s[1];
        if (f.maximum)
            v = s[2];
        return v;
    }
    template <class V>
    static NR_INLINE V divisor(const constants<V> &k, V root) {
        return root * k.root_scale + k.epsilon;
    }
};

} // namespace nr::NR_LANES

#endif
