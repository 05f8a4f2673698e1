/* SeedRanger needs the mean of its second moment before it can choose an update: one pass for each pair of moments, one for
 * the update. */
#ifndef NR_CPU_SEED_STEP_H
#define NR_CPU_SEED_STEP_H

#include "cpu/runs.h"

namespace nr::NR_LANES {

template <class V, class T = typename V::element>
NR_INLINE V choose_update(seed_choice choice, const constants<V> &k, const V (&s)[state_arrays]) {
    if (choice == seed_choice::fast)
        return seed_update(k, s[0], s[1]);
    if (choice == seed_choice::slow)
        return seed_update(k, s[2], s[3]);
    return seed_blended_update(k, s[0], s[1], s[2], s[3]);
}

template <class T>
struct seed_body {
    const task<T> &a;
    seed_choice choice;

    template <class V>
    NR_INLINE void run(int64_t &i, int64_t count) const {
        const constants<V> k = spread_constants<V>(a.k);
        for (; count - i >= V::width; i += V::width) {
            V p = V::load(a.p + i);
            V s[state_arrays];
            for (int j = 0; j < state_arrays; ++j)
                s[j] = V::load(a.s[j] + i);
            if (choice != seed_choice::none)
                p = p - k.step_size * choose_update(choice, k, s);
            p = p * k.decay;
            if (a.follower_count != 0) {
                p = move_followers(a, i, p, s);
                for (int j = 0; j < state_arrays; ++j)
                    s[j].store(a.s[j] + i);
            }
            p.store(a.p + i);
            if (a.flags.zero)
                V::all(T(0)).store(a.g + i);
        }
    }
};

/* Moves one pair of moments, and returns the mean of the second. */
template <class T>
double advance_moments(const task<T> &a, const nr_tensor &t, int64_t n, T *m, T *v) {
    task<T> moments = a;
    moments.s[0] = m;
    moments.s[1] = v;
    moments.follower_count = 0;
    moments.flags.moves = false;
    moments.flags.one_leader = false;
    moments.flags.followers = false;
    moments.flags.zero = false;
    step_runs<T>(moments, run_general<radam, T>, sum_updates<radam, T>, t);
    canonical_sum sum;
    sum.add<T>(plain_term<T>{v}, 0, n);
    return sum.result() / as_double(n);
}

template <class T>
void step_seed_ranger(const nr_options &o, const task<T> &a, const nr_tensor &t) {
    const int64_t n = t.outer * t.rows * t.inner;
    seed_scalars now;
    __builtin_memcpy(&now, t.scalars, sizeof now);

    const double before = now.smoothed;
    now.smoothed = seed_smooth(o.seed_alpha, before, advance_moments(a, t, n, a.s[0], a.s[1]));
    seed_choice choice = seed_choice::fast;
    if (!seed_fast(o, t.step, now.smoothed, before)) {
        if (now.slow_in_use == 0.0) {
            __builtin_memcpy(a.s[2], a.s[0], static_cast<size_t>(n) * sizeof(T));
            __builtin_memcpy(a.s[3], a.s[1], static_cast<size_t>(n) * sizeof(T));
            now = {now.smoothed, now.smoothed, as_double(t.step), 1.0};
        }
        now.slow_step += 1.0;
        const double slow_before = now.slow_smoothed;
        now.slow_smoothed = seed_smooth(o.seed_alpha, slow_before, advance_moments(a, t, n, a.s[2], a.s[3]));
        choice = seed_slow_choice(o, now.slow_step, now.slow_smoothed, slow_before);
    }

    const seed_body<T> body = {a, choice};
    int64_t i = 0;
    for_each_lane<T, full_width<T>>(i, n, body);
    for (int j = 0; j < a.follower_count; ++j)
        if (a.followers[j].moves && a.followers[j].reset)
            now = {};
    __builtin_memcpy(t.scalars, &now, sizeof now);
}

} // namespace nr::NR_LANES

#endif
