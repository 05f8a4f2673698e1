/* Steps several registers at a time: while the next row is summed, and with the stages of a quotient overlapped. */
#ifndef NR_CPU_GROUPS_H
#define NR_CPU_GROUPS_H

#include "cpu/exact_root.h"
#include "cpu/prefetch.h"
#include "cpu/reduce.h"
#include "math/terms.h"

namespace nr::NR_LANES {

/* A row that is summed while the one before it, of the same length, is stepped. */
template <class T>
struct row_ahead {
    const T *from;
    bool in_turns; /* see group_turns */
    canonical_sum sum;
};

/* What goes on beside a group's step. */
struct nothing_beside {
    NR_INLINE void operator()(int64_t) const {}
};

template <class T, int64_t Elements>
struct sum_beside {
    const T *from;
    lane_sums &sums;
    bool prefetch;

    NR_INLINE void operator()(int64_t i) const {
        if (prefetch) {
            NR_UNROLL
            for (int64_t n = 0; n < Elements; n += full_width<T>)
                fetch_ahead(from + i + n);
        }
        NR_UNROLL
        for (int64_t n = 0; n < Elements; n += sum_lanes)
            sums.add<T>(plain_term<T>{from}, i + n);
    }
};

/* A group is four registers, or as many as one element for every lane of a sum takes. Body is a step_body. */
template <class Rule, class T, class Body>
struct group_steps {
    using V = lane<T, full_width<T>>;
    static constexpr int lanes = 4 * V::width >= sum_lanes ? 4 : sum_lanes / V::width;
    static constexpr int64_t elements = int64_t{lanes} * V::width;
    /* So many elements that the pipeline is full for longer than it takes to fill and to drain. */
    static constexpr int64_t worth_staging = 8 * elements;
    /* Of the roots of a group so many are multiplied where the units that divide and multiply share them. Roots and quotients
     * of doubles take the divider twice as long, and with one moment there is less to multiply. */
    static constexpr int shared_roots = sizeof(T) == sizeof(double) || Rule::states == 1 ? 2 : 1;
    static constexpr bool can_stage = Rule::divides_by_root && has_root_by_fma<V>;

    const Body &body;

    NR_INLINE bool staged() const { return can_stage && body.f.roots != root_units::divider; }

    template <class Beside>
    NR_INLINE void run(int64_t from, int64_t groups, const Beside &beside) const {
        if constexpr (can_stage)
            if (staged()) {
                run_staged(from, groups, beside);
                return;
            }
        for (int64_t end = from + groups * elements; from < end; from += elements) {
            int64_t i = from;
            body.template run<V>(i, from + elements);
            beside(from);
        }
    }

private:
    /* Roots and divisions take long, one after the other; in a software pipeline those of four groups overlap. */
    template <class Beside>
    NR_INLINE void run_staged(int64_t from, int64_t groups, const Beside &beside) const {
        const constants<V> k = spread_constants<V>(body.constant);
        const V leader_weight = V::all(body.a.leader_weight);
        V radicands[lanes] = {}, divisors[lanes] = {}, updates[lanes] = {};
        for (int64_t n = 0; n < groups + 3; ++n) {
            const int64_t i = from + n * elements;
            if (n >= 3)
                move_group(k, leader_weight, updates, i - 3 * elements);
            if (n >= 2 && n < groups + 2)
                divide_group(k, divisors, i - 2 * elements, updates);
            if (n >= 1 && n < groups + 1)
                root_group(k, radicands, divisors);
            if (n < groups) {
                advance_group(k, i, radicands);
                beside(i);
            }
        }
    }

    NR_INLINE V gradient(const constants<V> &k, int64_t i) const {
        const V g = V::load(body.a.g + body.begin + i);
        return prepare_gradient(k, body.f, g, g, row_at<V>(body.f, body.rows, i));
    }

    NR_INLINE void advance_group(const constants<V> &k, int64_t i, V (&radicands)[lanes]) const {
        NR_UNROLL
        for (int j = 0; j < lanes; ++j, i += V::width) {
            V s[state_arrays];
            load_states<Rule>(body.a, body.f, body.begin + i, s);
            Rule::advance(k, body.f, gradient(k, i), s);
            store_states<Rule>(body.a, body.f, body.begin + i, s);
            radicands[j] = Rule::radicand(body.f, s);
        }
    }

    /* The first ones by multiplication. False if one of them has to be left to the processor. */
    template <int Multiplied>
    static NR_INLINE bool take_roots(const V (&radicands)[lanes], V (&roots)[lanes]) {
        bool exact = true;
        V check[Multiplied];
        NR_UNROLL
        for (int j = 0; j < lanes; ++j) {
            if (j < Multiplied) {
                const auto found = root_by_fma(radicands[j]);
                roots[j] = found.value;
                check[j] = found.check;
            } else {
                roots[j] = root(radicands[j]);
            }
        }
        NR_UNROLL
        for (int j = 0; j < Multiplied; j += 2)
            exact = exact && !any_nan(check[j], check[j + 1 < Multiplied ? j + 1 : j]);
        return exact;
    }

    NR_INLINE void root_group(const constants<V> &k, const V (&radicands)[lanes], V (&divisors)[lanes]) const {
        V roots[lanes];
        const bool exact = body.f.roots == root_units::multipliers ? take_roots<lanes>(radicands, roots)
                                                                   : take_roots<shared_roots>(radicands, roots);
        if (__builtin_expect(!exact, 0)) {
            NR_UNROLL
            for (int j = 0; j < lanes; ++j)
                roots[j] = root(radicands[j]);
        }
        NR_UNROLL
        for (int j = 0; j < lanes; ++j)
            divisors[j] = Rule::divisor(k, roots[j]);
    }

    /* Loads its numerators anew: registers are scarcer than loads. */
    NR_INLINE void divide_group(const constants<V> &k, const V (&divisors)[lanes], int64_t i,
                                V (&updates)[lanes]) const {
        NR_UNROLL
        for (int j = 0; j < lanes; ++j, i += V::width) {
            V s[state_arrays];
            load_states<Rule>(body.a, body.f, body.begin + i, s);
            updates[j] = Rule::numerator(gradient(k, i), s) / divisors[j];
        }
    }

    NR_INLINE void move_group(const constants<V> &k, V leader_weight, const V (&updates)[lanes], int64_t i) const {
        NR_UNROLL
        for (int j = 0; j < lanes; ++j, i += V::width) {
            const int64_t at = body.begin + i;
            const V p = move(k, body.f, V::load(body.a.p + at), updates[j]);
            lead(body.a, body.f, leader_weight, p, at).store(body.a.p + at);
        }
    }
};

/* Without stages, where memory is waited for and not prefetched: what goes on beside, and then the step, of so many elements
 * at a time that not every line comes from another array, and so few that no array waits long. */
template <class Rule, class T, class Body>
struct group_turns {
    using groups = group_steps<Rule, T, Body>;
    static constexpr int64_t elements = groups::elements;
    static constexpr int64_t turn = (NR_VECTOR_BYTES < 64 && Rule::states > 1 ? 2048 : 512) / int64_t{sizeof(T)};
    /* Stages are better for roots that have little memory to wait for, and for gradients so short a row ahead that they stay
     * in the first-level cache. */
    static constexpr bool pay = Rule::states > 1 || !groups::can_stage;
    static constexpr int64_t shortest_row = (groups::can_stage ? 8192 : 0) / int64_t{sizeof(T)};

    const Body &body;

    template <class Beside>
    NR_INLINE void run(int64_t from, int64_t count, const Beside &beside) const {
        for (const int64_t end = from + count * elements; from < end;) {
            const int64_t to = end - from < turn ? end : from + turn;
            for (int64_t i = from; i < to; i += elements)
                beside(i);
            body.template run<lane<T, full_width<T>>>(from, to);
        }
    }
};

} // namespace nr::NR_LANES

#endif
