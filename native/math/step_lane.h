/* What a step does to the elements of one lane: one read and one write of every array. */
#ifndef NR_MATH_STEP_LANE_H
#define NR_MATH_STEP_LANE_H

#include "math/adagrad.h"
#include "math/adam.h"
#include "math/follow.h"
#include "math/radam.h"
#include "math/seed_ranger.h"
#include "math/sgd.h"
#include "math/task.h"

namespace nr::NR_LANES {

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
            NR_UNROLL
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

template <class Rule, class V, class Flags, class T>
NR_INLINE void load_states(const task<T> &a, const Flags &f, int64_t i, V (&s)[state_arrays]) {
    NR_UNROLL
    for (int j = 0; j < state_arrays; ++j)
        s[j] = uses_state<Rule>(f, j) ? V::load(a.s[j] + i) : V::all(T(0));
}

template <class Rule, class V, class Flags, class T>
NR_INLINE void store_states(const task<T> &a, const Flags &f, int64_t i, const V (&s)[state_arrays]) {
    NR_UNROLL
    for (int j = 0; j < state_arrays; ++j)
        if (uses_state<Rule>(f, j))
            s[j].store(a.s[j] + i);
}

/* The update, whose moments s then are those after the step. p: the parameter before it. */
template <class Rule, class V, class Flags>
NR_INLINE V advance(const constants<V> &k, const Flags &f, const row<V> &r, V gradient, V p, V (&s)[state_arrays]) {
    const V g = prepare_gradient(k, f, gradient, p, r);
    Rule::advance(k, f, g, s);
    V update = p;
    if (f.moves) {
        update = Rule::update(k, f, g, s);
        if (f.centre_update)
            update = update - r.mean;
    }
    return update;
}

/* p (1 - eta lambda) - s u */
template <class V, class Flags>
NR_INLINE V move(const constants<V> &k, const Flags &f, V p, V update) {
    if (f.moves) {
        if (f.decays)
            p = p * k.decay;
        p = p - k.step_size * update;
    }
    return p;
}

/* What a leader makes of the parameter. */
template <class V, class Flags, class T>
NR_INLINE V lead(const task<T> &a, const Flags &f, V leader_weight, V p, int64_t i) {
    if (f.one_leader) {
        p = follow(V::load(a.leader + i), p, leader_weight);
        p.store(a.leader + i);
    }
    return p;
}

/* One step of the elements of a lane from i on, given their raw gradient. */
template <class Rule, class V, class Flags, class T = typename V::element>
NR_INLINE void step_lane(const task<T> &a, const constants<V> &k, const Flags &f, const row<V> &r, V leader_weight,
                         V gradient, int64_t i) {
    V p = V::load(a.p + i);
    V s[state_arrays];
    load_states<Rule>(a, f, i, s);

    const V update = advance<Rule>(k, f, r, gradient, p, s);
    p = lead(a, f, leader_weight, move(k, f, p, update), i);
    if (f.followers)
        p = move_followers(a, i, p, s);

    p.store(a.p + i);
    store_states<Rule>(a, f, i, s);
    if (f.zero)
        V::all(T(0)).store(a.g + i);
}

/* True if a sync that moves reaches the states: it resets them, or pulls the momentum back. */
template <class T>
NR_INLINE bool followers_reach_states(const task<T> &a) {
    bool reach = false;
    for (int j = 0; j < a.follower_count; ++j)
        reach = reach || (a.followers[j].moves && (a.followers[j].reset || a.followers[j].pullback));
    return reach;
}

/* True if a sync that moves starts the inner optimizer afresh. */
template <class T>
NR_INLINE bool followers_reset(const task<T> &a) {
    bool reset = false;
    for (int j = 0; j < a.follower_count; ++j)
        reset = reset || (a.followers[j].moves && a.followers[j].reset);
    return reset;
}

/* Without a gradient only the followers move; a reset or a pullback still reaches the states. */
template <class V, class T = typename V::element>
NR_INLINE void follow_lane(const task<T> &a, bool with_states, int64_t i) {
    const int states = with_states ? a.states : 0;
    V s[state_arrays];
    NR_UNROLL
    for (int j = 0; j < state_arrays; ++j)
        s[j] = j < states ? V::load(a.s[j] + i) : V::all(T(0));
    move_followers(a, i, V::load(a.p + i), s).store(a.p + i);
    NR_UNROLL
    for (int j = 0; j < state_arrays; ++j)
        if (j < states)
            s[j].store(a.s[j] + i);
}

/* SeedRanger's update, both pairs of moments being up to date. */
template <class V, class T = typename V::element>
NR_INLINE void seed_lane(const task<T> &a, const constants<V> &k, seed_choice choice, int64_t i) {
    V p = V::load(a.p + i);
    V s[state_arrays];
    NR_UNROLL
    for (int j = 0; j < state_arrays; ++j)
        s[j] = V::load(a.s[j] + i);
    if (choice == seed_choice::fast)
        p = p - k.step_size * seed_update(k, s[0], s[1]);
    else if (choice == seed_choice::slow)
        p = p - k.step_size * seed_update(k, s[2], s[3]);
    else if (choice == seed_choice::blended)
        p = p - k.step_size * seed_blended_update(k, s[0], s[1], s[2], s[3]);
    p = p * k.decay;
    if (a.follower_count != 0) {
        p = move_followers(a, i, p, s);
        NR_UNROLL
        for (int j = 0; j < state_arrays; ++j)
            s[j].store(a.s[j] + i);
    }
    p.store(a.p + i);
    if (a.flags.zero)
        V::all(T(0)).store(a.g + i);
}

} // namespace nr::NR_LANES

#endif
