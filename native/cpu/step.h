/* The loop of a step. */
#ifndef NR_CPU_STEP_H
#define NR_CPU_STEP_H

#include "cpu/groups.h"
#include "cpu/prefetch.h"
#include "math/step_lane.h"

namespace nr::NR_LANES {

/* A row of so many bytes whose sum was just taken is still in the second-level cache. */
constexpr int64_t cached_row_bytes = 128 * 1024;

template <class Rule, class T, class Flags>
struct step_body {
    const task<T> &a;
    const constants<T> &constant;
    const Flags f;
    const row_values<T> &rows;
    int64_t begin;
    bool gradient_cached;

    template <class V>
    NR_INLINE void run(int64_t &i, int64_t count) const {
        if (count - i < V::width)
            return;
        const constants<V> k = spread_constants<V>(constant);
        const V leader_weight = V::all(a.leader_weight);
        for (; count - i >= V::width; i += V::width) {
            const int64_t at = begin + i;
            if (f.prefetch) {
                fetch_ahead(a.p + at);
                if (!gradient_cached)
                    fetch_ahead(a.g + at);
                NR_UNROLL
                for (int j = 0; j < Rule::states; ++j)
                    fetch_ahead(a.s[j] + at);
                if (f.one_leader)
                    fetch_ahead(a.leader + at);
            }
            step_lane<Rule>(a, k, f, row_at<V>(f, rows, i), leader_weight, V::load(a.g + at), at);
        }
    }
};

/* Steps count contiguous elements from begin on; rows are theirs. ahead, or null: the row to sum meanwhile. */
template <class T>
using step_run = void (*)(const task<T> &task, int64_t begin, int64_t count, const row_values<T> &rows,
                          row_ahead<T> *ahead);

template <class Rule, class T, bool Centre, bool Leader>
void run_common(const task<T> &shared, int64_t begin, int64_t count, const row_values<T> &rows, row_ahead<T> *ahead) {
    using body_type = step_body<Rule, T, common_flags<Centre, Leader>>;
    /* What these loops read, in registers: nothing that they store can change it. */
    task<T> a;
    a.p = shared.p;
    a.g = shared.g;
    NR_UNROLL
    for (int j = 0; j < Rule::states; ++j)
        a.s[j] = shared.s[j];
    a.leader = shared.leader;
    a.leader_weight = shared.leader_weight;
    const common_flags<Centre, Leader> f = {shared.flags.row_tables, shared.flags.decays, shared.flags.prefetch,
                                            shared.flags.fma_roots};
    const bool gradient_cached =
        Centre && ahead != nullptr && count * static_cast<int64_t>(sizeof(T)) <= cached_row_bytes;
    const body_type body = {a, shared.k, f, rows, begin, gradient_cached};
    const group_steps<Rule, T, body_type> groups = {body};
    constexpr int64_t group = groups.elements;
    int64_t i = 0;
    if (Centre && ahead != nullptr) {
        while (count - i >= group) {
            const int64_t room = ahead->sum.room();
            const int64_t piece = count - i < room ? (count - i) / group : room / group;
            lane_sums sums = ahead->sum.open();
            groups.run(i, piece, sum_beside<T, group>{ahead->from, sums, f.prefetch});
            ahead->sum.close(sums, piece * group);
            i += piece * group;
        }
        ahead->sum.template add<T>(plain_term<T>{ahead->from}, i, count - i);
    } else if (groups.staged() && count >= groups.worth_staging) {
        groups.run(0, count / group, nothing_beside{});
        i = count / group * group;
    }
    for_each_lane<T, full_width<T>>(i, count, body);
}

template <class Rule, class T>
void run_general(const task<T> &a, int64_t begin, int64_t count, const row_values<T> &rows, row_ahead<T> *) {
    const step_body<Rule, T, general_flags> body = {a, a.k, a.flags, rows, begin, false};
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
