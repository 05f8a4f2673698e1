/* One tensor of a call, in the terms of the loops: typed pointers, constants rounded to the element type, and what has to
 * be done as flags. */
#ifndef NR_MATH_TASK_H
#define NR_MATH_TASK_H

#include "math/constants.h"
#include "math/gradient.h"
#include "math/options.h"
#include "math/root_units.h"

#include <stdint.h>

namespace nr::NR_LANES {

/* What a step does beyond its algorithm's plain formula. The loops read these names from here at run time, or from
 * common_flags at compile time. */
struct general_flags {
    bool scale;
    bool clip;
    bool factor;
    bool adaptive;
    bool l2;
    bool centre_gradient; /* to centralise, and to standardise */
    bool standardise;
    bool centre_update;
    bool first;
    bool nesterov;
    bool maximum;
    bool rectified;
    bool moves;
    bool zero;
    bool one_leader; /* a single follower, which leads, moves and is not copied whole */
    bool followers;  /* any other combination of them */
    bool row_tables; /* row statistics are given per element, not per call */
    bool decays;     /* k.decay is not 1 */
    bool prefetch;
    root_units roots;

    /* True if common_flags describes the step. */
    bool common() const {
        return !(scale || clip || factor || adaptive || l2 || standardise || centre_update || first || nesterov ||
                 maximum || zero || followers) &&
               rectified && moves;
    }
};

/* The steps that most calls ask for: nothing done to the gradient but centralisation, at most one leading follower. */
template <bool Centre, bool Leader>
struct common_flags {
    static constexpr bool scale = false;
    static constexpr bool clip = false;
    static constexpr bool factor = false;
    static constexpr bool adaptive = false;
    static constexpr bool l2 = false;
    static constexpr bool centre_gradient = Centre;
    static constexpr bool standardise = false;
    static constexpr bool centre_update = false;
    static constexpr bool first = false;
    static constexpr bool nesterov = false;
    static constexpr bool maximum = false;
    static constexpr bool rectified = true;
    static constexpr bool moves = true;
    static constexpr bool zero = false;
    static constexpr bool one_leader = Leader;
    static constexpr bool followers = false;
    bool row_tables;
    bool decays;
    bool prefetch;
    root_units roots;
};

template <class T>
struct follower {
    T *weights;
    T *momentum;
    T weight;
    T rest; /* 1 - weight */
    bool moves;
    bool whole; /* weight is exactly 1 */
    bool leads;
    bool reset;
    bool pullback;
};

constexpr int state_arrays = 4;
constexpr int most_followers = 64;

template <class T>
struct task {
    T *p;
    T *g;
    T *s[state_arrays];
    int states;            /* how many of s the algorithm uses */
    T start[state_arrays]; /* what a reset restores */
    int follower_count;
    const follower<T> *followers;
    T *leader;       /* where flags.one_leader is set: its weights */
    T leader_weight; /* and how far they move */
    constants<T> k;
    general_flags flags;
    double adaptive_clip;
    double standardise_epsilon;
};

/* The statistics of the rows that a run of elements belongs to: one row, or a table with an entry per element. */
template <class T>
struct row_values {
    row<T> one;
    const T *scales;
    const T *means;
    const T *denominators;
};

template <class V, class Flags, class T>
NR_INLINE row<V> row_at(const Flags &f, const row_values<T> &r, int64_t i) {
    if (f.row_tables)
        return {V::load(r.scales + i), V::load(r.means + i), V::load(r.denominators + i)};
    return {V::all(r.one.scale), V::all(r.one.mean), V::all(r.one.denominator)};
}

/* Fills list with the followers that this call touches, innermost first. */
template <class T>
inline int list_followers(const nr_options &o, const nr_tensor &t, follower<T> *list) {
    uint64_t resets = 0;
    for (int i = 0; i < o.follower_count; ++i)
        if ((t.active >> i & 1) != 0 && asks(o.followers[i].flags, NR_FOLLOWER_RESET))
            resets |= uint64_t{1} << i;
    int count = 0;
    for (int i = 0; i < o.follower_count; ++i) {
        const nr_follower &f = o.followers[i];
        const bool moves = (t.active >> i & 1) != 0;
        const bool leads = asks(f.flags, NR_FOLLOWER_LEADS);
        if (!moves && !(leads && (resets >> i) != 0))
            continue;
        list[count++] = {static_cast<T *>(t.followers[i].weights),
                         static_cast<T *>(t.followers[i].momentum),
                         T(f.weight),
                         T(1.0 - f.weight),
                         moves,
                         f.weight == 1.0,
                         leads,
                         asks(f.flags, NR_FOLLOWER_RESET),
                         asks(f.flags, NR_FOLLOWER_PULLBACK)};
    }
    return count;
}

template <class T>
NR_INLINE void point_at(task<T> &a, const nr_tensor &t) {
    a.p = static_cast<T *>(t.parameter);
    a.g = static_cast<T *>(t.gradient);
    for (int j = 0; j < a.states; ++j)
        a.s[j] = static_cast<T *>(t.state[j]);
}

/* What is asked of the step of a tensor, but for its followers. */
inline general_flags flags_of(const nr_options &o, const step_scalars &scalars, const nr_tensor &t) {
    const bool centre = asks(t.flags, NR_CENTRALISE);
    general_flags f = {};
    f.scale = o.gradient_scale != 1.0;
    f.clip = o.clip_value != __builtin_inf();
    f.factor = o.clip_factor != 1.0;
    f.adaptive = o.adaptive_clip != 0.0;
    f.l2 = o.weight_decay != 0.0 && !asks(o.flags, NR_DECOUPLED_DECAY) && o.algorithm != NR_SEED_RANGER;
    f.standardise = asks(t.flags, NR_STANDARDISE);
    f.centre_update = centre && asks(o.flags, NR_CENTRALISE_UPDATE);
    f.centre_gradient = (centre && !f.centre_update) || f.standardise;
    f.first = scalars.first;
    f.nesterov = asks(o.flags, NR_NESTEROV);
    f.maximum = asks(o.flags, NR_AMSGRAD);
    f.rectified = scalars.rectified;
    f.moves = scalars.moves;
    f.zero = asks(o.flags, NR_ZERO_GRADIENT);
    return f;
}

template <class T>
inline bool decays(const constants<T> &k) {
    return k.decay != T(1);
}

/* list must hold most_followers entries and outlive the task. */
template <class T>
inline void fill_task(task<T> &a, const nr_options &o, const step_scalars &scalars, const nr_tensor &t, bool prefetch,
                      follower<T> *list) {
    a = {};
    a.states = states_of(o);
    point_at(a, t);
    if (o.algorithm == NR_ADAGRAD)
        a.start[0] = T(o.initial_accumulator);
    a.followers = list;
    a.follower_count = t.active == 0 ? 0 : list_followers(o, t, list);
    a.k = round_constants<T>(o, scalars);
    a.adaptive_clip = o.adaptive_clip;
    a.standardise_epsilon = o.algorithm == NR_SEED_RANGER ? o.epsilon : o.standardise_epsilon;

    general_flags &f = a.flags;
    f = flags_of(o, scalars, t);
    f.one_leader = a.follower_count == 1 && list[0].moves && list[0].leads && !list[0].whole && !list[0].reset &&
                   !list[0].pullback;
    if (f.one_leader) {
        a.leader = list[0].weights;
        a.leader_weight = list[0].weight;
    }
    f.followers = a.follower_count != 0 && !f.one_leader;
    f.decays = decays(a.k);
    f.prefetch = prefetch;
}

template <class T>
inline task<T> make_task(const nr_options &o, const step_scalars &scalars, const nr_tensor &t, bool prefetch,
                         follower<T> *list) {
    task<T> a;
    fill_task(a, o, scalars, t, prefetch, list);
    return a;
}

} // namespace nr::NR_LANES

#endif
