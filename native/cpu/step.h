/* The loop of a step. */
#ifndef NR_CPU_STEP_H
#define NR_CPU_STEP_H

#include "cpu/groups.h"
#include "cpu/last_elements.h"
#include "cpu/prefetch.h"
#include "cpu/tensor_words.h"
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

/* As many elements as make whole registers, and of those as many as one can in stages. Returns how many that are. */
template <class Rule, class T, class Body>
NR_INLINE int64_t run_registers(const Body &body, int64_t count) {
    const group_steps<Rule, T, Body> groups = {body};
    int64_t i = 0;
    if (groups.staged() && count >= groups.worth_staging) {
        groups.run(0, count / groups.elements, nothing_beside{});
        i = count / groups.elements * groups.elements;
    }
    body.template run<lane<T, full_width<T>>>(i, count);
    return i;
}

/* Steps count elements while as many of the row ahead are summed. */
template <class T, class Groups>
NR_INLINE void run_summing(const Groups &groups, int64_t count, row_ahead<T> &ahead) {
    int64_t i = 0;
    while (count - i >= Groups::elements) {
        const int64_t room = ahead.sum.room();
        const int64_t piece = count - i < room ? (count - i) / Groups::elements : room / Groups::elements;
        lane_sums sums = ahead.sum.open();
        groups.run(i, piece, sum_beside<T, Groups::elements>{ahead.from, sums, groups.body.f.prefetch});
        ahead.sum.close(sums, piece * Groups::elements);
        i += piece * Groups::elements;
    }
    ahead.sum.template add<T>(plain_term<T>{ahead.from}, i, count - i);
    for_each_lane<T, full_width<T>>(i, count, groups.body);
}

template <class Rule, class T, bool Centre, bool Leader, bool Turns = false>
void run_common(const task<T> &shared, int64_t begin, int64_t count, const row_values<T> &rows, row_ahead<T> *ahead) {
    using body_type = step_body<Rule, T, common_flags<Centre, Leader>>;
    using turns = group_turns<Rule, T, body_type>;
    if constexpr (Centre && !Turns && turns::pay)
        if (ahead != nullptr && ahead->in_turns && count >= turns::shortest_row) {
            run_common<Rule, T, Centre, Leader, true>(shared, begin, count, rows, ahead);
            return;
        }
    /* What these loops read, in registers: nothing that they store can change it. */
    task<T> a;
    a.p = shared.p;
    a.g = shared.g;
    NR_UNROLL
    for (int j = 0; j < Rule::states; ++j)
        a.s[j] = shared.s[j];
    a.leader = shared.leader;
    a.leader_weight = shared.leader_weight;
    const common_flags<Centre, Leader> f = {!Turns && shared.flags.row_tables, shared.flags.decays,
                                            !Turns && shared.flags.prefetch, shared.flags.roots};
    const bool gradient_cached =
        Centre && ahead != nullptr && count * static_cast<int64_t>(sizeof(T)) <= cached_row_bytes;
    const body_type body = {a, shared.k, f, rows, begin, gradient_cached};
    if constexpr (Turns)
        run_summing(turns{body}, count, *ahead);
    else if (Centre && ahead != nullptr)
        run_summing(group_steps<Rule, T, body_type>{body}, count, *ahead);
    else {
        int64_t i = run_registers<Rule, T>(body, count);
        for_each_lane<T, full_width<T>>(i, count, body);
    }
}

/* True if what make_task finds for one tensor holds for the other, but for the arrays. */
NR_INLINE bool share_task(const nr_tensor &a, const nr_tensor &b) {
    return a.step == b.step && a.flags == b.flags && a.gradient != nullptr && b.gradient != nullptr &&
           (a.active | b.active) == 0;
}

/* True if a step is common and nothing but the tensor's elements matters: without rows and followers. */
NR_INLINE bool is_plain(const nr_options &o, const step_scalars &scalars, const nr_tensor &t) {
    if (t.gradient == nullptr || t.active != 0 || o.algorithm == NR_SEED_RANGER)
        return false;
    const general_flags f = flags_of(o, scalars, t);
    return f.common() && !f.centre_gradient;
}

/* Steps the tensors from first on, which is plain, that share its task, as fast as one that is short can be. Returns the first
 * that does not share it. */
using step_alike = const nr_tensor *(*)(const nr_options &o, const step_scalars &scalars, step_manner manner,
                                        const nr_tensor *first, const nr_tensor *end);

/* Points a at the arrays of a tensor, from element begin on. */
template <class Rule, class T>
NR_INLINE void point_plainly_at(task<T> &a, const nr_tensor &t, int64_t begin) {
    a.p = static_cast<T *>(t.parameter) + begin;
    a.g = static_cast<T *>(t.gradient) + begin;
    NR_UNROLL
    for (int j = 0; j < Rule::states; ++j)
        a.s[j] = static_cast<T *>(t.state[j]) + begin;
}

/* True if the tensors from t on are of the same elements, some of which make no whole register. */
template <class T>
NR_INLINE bool fit_together(const nr_tensor *t, const nr_tensor *end) {
    if (end - t < tensors_together || t->outer != 1)
        return false;
    tensor_extents extents;
    extents.load(*t);
    bool fit = true;
    NR_UNROLL
    for (int n = 1; n < tensors_together; ++n) {
        tensor_extents other;
        other.load(t[n]);
        fit = fit && t[n].gradient != nullptr && !other.differ(extents);
    }
    return fit;
}

template <class Rule, class T>
const nr_tensor *run_alike(const nr_options &o, const step_scalars &scalars, step_manner manner, const nr_tensor *first,
                           const nr_tensor *end) {
    using body_type = step_body<Rule, T, common_flags<false, false>>;
    static constexpr row_values<T> none = {{T(1), T(0), T(1)}, nullptr, nullptr, nullptr};
    task<T> a;
    a.leader_weight = T(0);
    const constants<T> k = round_constants<T>(o, scalars);
    const common_flags<false, false> f = {false, decays(k), manner.prefetch, manner.roots};
    const nr_tensor *t = first;
    for (int64_t outer = 0;;) {
        const int64_t count = t->outer != 0 ? t->rows * t->inner : 0;
        if (full_width < T >> 1 && fit_together<T>(t, end)) {
            last_elements<Rule, T> last = {k, f, {}, {}, {}};
            int64_t i = 0;
            for (int n = 0; n < tensors_together; ++n) {
                point_plainly_at<Rule>(a, t[n], 0);
                i = run_registers<Rule, T>(body_type{a, k, f, none, 0, false}, count);
            }
            NR_UNROLL
            for (int n = 0; n < tensors_together; ++n) {
                last.p[n] = static_cast<T *>(t[n].parameter);
                last.g[n] = static_cast<T *>(t[n].gradient);
                NR_UNROLL
                for (int j = 0; j < Rule::states; ++j)
                    last.s[j][n] = static_cast<T *>(t[n].state[j]);
            }
            last.run(i, count);
            t += tensors_together;
        } else {
            point_plainly_at<Rule>(a, *t, outer * t->stride);
            const body_type body = {a, k, f, none, 0, false};
            int64_t i = run_registers<Rule, T>(body, count);
            for_each_lane<T, full_width<T>>(i, count, body);
            if (++outer < t->outer)
                continue;
            outer = 0;
            ++t;
        }
        if (t == end || !share_task(*first, *t))
            break;
    }
    return t;
}

template <class Rule, class T>
void run_general(const task<T> &a, int64_t begin, int64_t count, const row_values<T> &rows, row_ahead<T> *) {
    const step_body<Rule, T, general_flags> body = {a, a.k, a.flags, rows, begin, false};
    int64_t i = 0;
    for_each_lane<T, full_width<T>>(i, count, body);
}

/* The loop of a step that is not plain. */
template <class Rule, class T>
step_run<T> choose_run(const general_flags &f) {
    if (!f.common())
        return run_general<Rule, T>;
    if (f.centre_gradient)
        return f.one_leader ? run_common<Rule, T, true, true> : run_common<Rule, T, true, false>;
    return run_common<Rule, T, false, true>;
}

} // namespace nr::NR_LANES

#endif
