/* SeedRanger: the listing of the source article with its smallest repairs. It keeps two pairs of moments, fast (m, v) and
 * slow (m', v'), and chooses between them by comparing smoothed means of v. */
#ifndef NR_MATH_SEED_RANGER_H
#define NR_MATH_SEED_RANGER_H

#include "math/moments.h"

namespace nr {

enum class seed_choice { none, fast, slow, blended };

/* The doubles of nr_tensor.scalars. */
struct seed_scalars {
    double smoothed;      /* S */
    double slow_smoothed; /* S' */
    double slow_step;     /* t' */
    double slow_in_use;   /* 1 once m' is in use */
};

} // namespace nr

namespace nr::NR_LANES {

/* m / (sqrt(v) + eps), with either pair */
template <class V>
NR_INLINE V seed_update(const constants<V> &k, V m, V v) {
    return m / (root(v) + k.epsilon);
}

/* (m+m') / (2 sqrt((b2 v + (1-b2) v')/bc2) + eps) */
template <class V>
NR_INLINE V seed_blended_update(const constants<V> &k, V m, V v, V slow_m, V slow_v) {
    const V two = V::all(typename V::element(2));
    return (m + slow_m) / (two * root((k.beta2 * v + k.beta2_rest * slow_v) / k.bias2) + k.epsilon);
}

/* S = alpha S + (1-alpha) mean(v) */
NR_INLINE double seed_smooth(double alpha, double smoothed, double mean) {
    return alpha * smoothed + (1.0 - alpha) * mean;
}

/* True if the fast moments decide alone: t <= k or S > S0 or t <= N. */
NR_INLINE bool seed_fast(const nr_options &o, int64_t t, double smoothed, double before) {
    return t <= o.seed_period || smoothed > before || static_cast<double>(t) <= o.threshold;
}

NR_INLINE seed_choice seed_slow_choice(const nr_options &o, double slow_step, double smoothed, double before) {
    if (slow_step <= static_cast<double>(o.seed_period))
        return seed_choice::none;
    return smoothed > before || slow_step <= o.threshold ? seed_choice::slow : seed_choice::blended;
}

/* The fast moments have moved, and this is the mean of v. True if they decide alone. */
NR_INLINE bool seed_move_fast(const nr_options &o, int64_t t, double mean, seed_scalars &now) {
    const double before = now.smoothed;
    now.smoothed = seed_smooth(o.seed_alpha, before, mean);
    return seed_fast(o, t, now.smoothed, before);
}

/* The slow moments come into use, as copies of the fast ones. */
NR_INLINE void seed_start_slow(int64_t t, seed_scalars &now) {
    now.slow_smoothed = now.smoothed;
    now.slow_step = static_cast<double>(t);
    now.slow_in_use = 1.0;
}

/* The slow moments have moved, and this is the mean of v'. */
NR_INLINE seed_choice seed_move_slow(const nr_options &o, double mean, seed_scalars &now) {
    now.slow_step += 1.0;
    const double before = now.slow_smoothed;
    now.slow_smoothed = seed_smooth(o.seed_alpha, before, mean);
    return seed_slow_choice(o, now.slow_step, now.slow_smoothed, before);
}

} // namespace nr::NR_LANES

#endif
