/* SeedRanger needs the mean of its second moment before it can choose an update: one pass for each pair of moments, one for
 * the update. */
#ifndef NR_CPU_SEED_STEP_H
#define NR_CPU_SEED_STEP_H

#include "cpu/runs.h"

#include <stddef.h>

namespace nr::NR_LANES {

template <class T>
struct seed_body {
    const task<T> &a;
    seed_choice choice;

    template <class V>
    NR_INLINE void run(int64_t &i, int64_t count) const {
        const constants<V> k = spread_constants<V>(a.k);
        for (; count - i >= V::width; i += V::width)
            seed_lane(a, k, choice, i);
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
    step_runs<T>(moments, run_general<radam, T>, sum_updates<radam, T>, t, false);
    canonical_sum sum;
    sum.add<T>(plain_term<T>{v}, 0, n);
    return sum.result() / as_double(n);
}

template <class T>
void step_seed_ranger(const nr_options &o, const task<T> &a, const nr_tensor &t) {
    const int64_t n = t.outer * t.rows * t.inner;
    seed_scalars now;
    __builtin_memcpy(&now, t.scalars, sizeof now);

    seed_choice choice = seed_choice::fast;
    if (!seed_move_fast(o, t.step, advance_moments(a, t, n, a.s[0], a.s[1]), now)) {
        if (now.slow_in_use == 0.0) {
            __builtin_memcpy(a.s[2], a.s[0], static_cast<size_t>(n) * sizeof(T));
            __builtin_memcpy(a.s[3], a.s[1], static_cast<size_t>(n) * sizeof(T));
            seed_start_slow(t.step, now);
        }
        choice = seed_move_slow(o, advance_moments(a, t, n, a.s[2], a.s[3]), now);
    }

    const seed_body<T> body = {a, choice};
    int64_t i = 0;
    for_each_lane<T, full_width<T>>(i, n, body);
    if (followers_reset(a))
        now = {};
    __builtin_memcpy(t.scalars, &now, sizeof now);
}

} // namespace nr::NR_LANES

#endif
