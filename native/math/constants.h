/* The constants of one step, one element or one lane each, every one rounded from double to the element type once. */
#ifndef NR_MATH_CONSTANTS_H
#define NR_MATH_CONSTANTS_H

#include "math/lane.h"
#include "math/scalars.h"

#include "nativeranger.h"

namespace nr::NR_LANES {

template <class V>
struct constants {
    V gradient_scale;
    V clip_value;
    V clip_factor;
    V weight_decay; /* L2: added to the gradient */
    V beta1;
    V beta1_rest; /* 1 - beta1, or 1 - dampening for momentum */
    V beta2;
    V beta2_rest;
    V epsilon;
    V root_scale; /* Adam's c = 1/sqrt(bc2) */
    V bias2;      /* bc2 */
    V step_size;
    V decay; /* decoupled: the factor of the parameter, 1 if there is none */
};

template <class T>
NR_INLINE constants<T> round_constants(const nr_options &options, const step_scalars &scalars) {
    constants<T> c;
    const bool momentum = options.algorithm == NR_SGD;
    c.gradient_scale = T(options.gradient_scale);
    c.clip_value = T(options.clip_value);
    c.clip_factor = T(options.clip_factor);
    c.weight_decay = T(options.weight_decay);
    c.beta1 = T(options.beta1);
    c.beta1_rest = T(1.0 - (momentum ? options.dampening : options.beta1));
    c.beta2 = T(options.beta2);
    c.beta2_rest = T(1.0 - options.beta2);
    c.epsilon = T(options.epsilon);
    c.root_scale = T(scalars.root_scale);
    c.bias2 = T(scalars.bias2);
    c.step_size = T(scalars.step_size);
    c.decay = T(scalars.decay);
    return c;
}

/* The same constants in every element of a lane. */
template <class V>
NR_INLINE constants<V> spread_constants(const constants<typename V::element> &c) {
    return {V::all(c.gradient_scale), V::all(c.clip_value), V::all(c.clip_factor), V::all(c.weight_decay),
            V::all(c.beta1),          V::all(c.beta1_rest), V::all(c.beta2),       V::all(c.beta2_rest),
            V::all(c.epsilon),        V::all(c.root_scale), V::all(c.bias2),       V::all(c.step_size),
            V::all(c.decay)};
}

} // namespace nr::NR_LANES

#endif
