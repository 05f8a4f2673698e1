/* The loop of a step: one read and one write of every array. */
#ifndef NR_CPU_STEP_H
#define NR_CPU_STEP_H

#include "cpu/task.h"
#include "math/adagrad.h"
#include "math/adam.h"
#include "math/follow.h"
#include "math/radam.h"
#include "math/seed_ranger.h"
#include "math/sgd.h"

namespace nr::NR_LANES {

/* Far enough to hide the latency of memory, near enough to stay in the first-level cache. */
constexpr int prefetch_bytes = 2048;

template <class T>
NR_INLINE void fetch_ahead(const T *at) {
    __builtin_prefetch(reinterpret_cast<const char *>(at) + prefetch_bytes, 1);
}

/* Moves every follower of the list; returns the parameter that the last leader leaves. */
template <class V, class T = typename V::element>
NR_INLINE V move_followers(const task<T> &a, int64_t i, V p, V (&s)[state_arrays]) {
    const V zero = V::all(T(0));
    for (int j = 0; j < a.follower_count; ++j) {
        const follower<T> &f = a.followers[j];
        if (!f.moves)
            continue;
        const V weights = f.whole ? p : follow(V::load(f.weights + i), p, V::all(f.weight));
        weights.store(f.weights + i);
        if (f.leads)
            p = weights;
        if (f.pullback) {
            if (!f.whole)
                s[0] = pull_back(s[0], V::load(f.momentum + i), V::all(f.weight), V::all(f.rest));
            s[0].store(f.momentum + i);
        }
        if (f.reset) {
            for (int n = 0; n < state_arrays; ++n)
                s[n] = V::all(a.start[n]);
            for (int inner = 0; inner < j; ++inner) {
                if (!a.followers[inner].leads)
                    continue;
                p.store(a.followers[inner].weights + i);
                if (a.followers[inner].pullback)
                    zero.store(a.followers[inner].momentum + i);
            }
        }
    }
    return p;
}

/* The states that Rule uses: its own, and the running maximum where there is one. */
template <class Rule, class Flags>
NR_INLINE bool uses_state(const Flags &f, int j) {
    return j < Rule::states || (f.maximum && j == Rule::states);
}

template <class Rule, class V, class Flags, class T = typename V::element>
NR_INLINE void step_lane(const task<T> &a, const constants<V> &k, const Flags &f, const row<V> &r, V leader_weight,
                         int64_t i) {
    if (f.prefetch) {
        fetch_ahead(a.p + i);
        fetch_ahead(a.g + i);
        for (int j = 0; j < Rule::states; ++j)
            fetch_ahead(a.s[j] + i);
    }
    V p = V::load(a.p + i);
    V s[state_arrays];
    for (int j = 0; j < state_arrays; ++j)
        s[j] = uses_state<Rule>(f, j) ? V::load(a.s[j] + i) : V::all(T(0));

    const V g = prepare_gradient(k, f, V::load(a.g + i), p, r);
    Rule::advance(k, f, g, s);
    if (f.moves) {
        V update = Rule::update(k, f, g, s);
        if (f.centre_update)
            update = update - r.mean;
        p = p * k.decay - k.step_size * update;
    }
    if (f.one_leader) {
        p = follow(V::load(a.followers[0].weights + i), p, leader_weight);
        p.store(a.followers[0].weights + i);
    }
    if (f.followers)
        p = move_followers(a, i, p, s);

    p.store(a.p + i);
    for (int j = 0; j < state_arrays; ++j)
        if (uses_state<Rule>(f, j))
            s[j].store(a.s[j] + i);
    if (f.zero)
        V::all(T(0)).store(a.g + i);
}

template <class Rule, class T, class Flags>
struct step_body {
    const task<T> &a;
    const Flags f;
    const row_values<T> &rows;
    int64_t begin;

    template <class V>
    NR_INLINE void run(int64_t &i, int64_t count) const {
        if (count - i < V::width)
            return;
        const constants<V> k = spread_constants<V>(a.k);
        const V leader_weight = V::all(f.one_leader ? a.followers[0].weight : T(0));
        for (; count - i >= V::width; i += V::width)
            step_lane<Rule>(a, k, f, row_at<V>(f, rows, i), leader_weight, begin + i);
    }
};

/* Steps count contiguous elements from begin on; rows are theirs. */
template <class T>
using step_run = void (*)(const task<T> &task, int64_t begin, int64_t count, const row_values<T> &rows);

template <class Rule, class T, bool Centre, bool Leader>
void run_common(const task<T> &shared, int64_t begin, int64_t count, const row_values<T> &rows) {
    const task<T> a = shared;
    const common_flags<Centre, Leader> f = {shared.flags.row_tables, shared.flags.prefetch};
    const step_body<Rule, T, common_flags<Centre, Leader>> body = {a, f, rows, begin};
    int64_t i = 0;
    for_each_lane<T, full_width<T>>(i, count, body);
}

template <class Rule, class T>
void run_general(const task<T> &a, int64_t begin, int64_t count, const row_values<T> &rows) {
    const step_body<Rule, T, general_flags> body = {a, a.flags, rows, begin};
    int64_t i = 0;
    for_each_lane<T, full_width<T>>(i, count, body);
}

template <class Rule, class T>
step_run<T> choose_run(const general_flags &f) {
    if (!f.common())
        return run_general<Rule, T>;
    if (f.centre_gradient)
        return f.one_leader ? run_common<Rule, T, true, true> : run_common<Rule, T, true, false>;
    return f.one_leader ? run_common<Rule, T, false, true> : run_common<Rule, T, false, false>;
}

} // namespace nr::NR_LANES

#endif
