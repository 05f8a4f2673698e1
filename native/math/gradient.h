/* From the raw gradient to the one that the moments see. */
#ifndef NR_MATH_GRADIENT_H
#define NR_MATH_GRADIENT_H

#include "math/constants.h"

namespace nr::NR_LANES {

/* Statistics of the row that an element belongs to; see nr_row. */
template <class V>
struct row {
    V scale;
    V mean;
    V denominator;
};

/* min(max(g, -limit), limit); NaN passes. */
template <class V>
NR_INLINE V clip(V g, V limit) {
    g = select(limit < g, limit, g);
    const V low = V::all(typename V::element(0)) - limit;
    return select(g < low, low, g);
}

/* What looks at one element alone. */
template <class V, class Flags>
NR_INLINE V scale_and_clip(const constants<V> &k, const Flags &f, V g) {
    if (f.scale)
        g = g * k.gradient_scale;
    if (f.clip)
        g = clip(g, k.clip_value);
    return g;
}

/* What needs no row. */
template <class V, class Flags>
NR_INLINE V prepare_element(const constants<V> &k, const Flags &f, V g) {
    g = scale_and_clip(k, f, g);
    if (f.factor)
        g = g * k.clip_factor;
    return g;
}

/* Adaptive clipping, then L2 decay: the gradient whose row mean is taken. */
template <class V, class Flags>
NR_INLINE V prepare_before_mean(const constants<V> &k, const Flags &f, V g, V p, V row_scale) {
    g = prepare_element(k, f, g);
    if (f.adaptive)
        g = g * row_scale;
    if (f.l2)
        g = g + k.weight_decay * p;
    return g;
}

template <class V, class Flags>
NR_INLINE V prepare_gradient(const constants<V> &k, const Flags &f, V g, V p, const row<V> &r) {
    g = prepare_before_mean(k, f, g, p, r.scale);
    if (f.centre_gradient)
        g = g - r.mean;
    if (f.standardise)
        g = g / r.denominator;
    return g;
}

} // namespace nr::NR_LANES

#endif
