/* The steps: every array read once and written once. */
#ifndef NR_CUDA_STEPS_H
#define NR_CUDA_STEPS_H

#include "cuda/rows.h"

#include "math/step_lane.h"

namespace nr::gpu {

/* The statistics of the rows that the elements from e on belong to, as far as the step asks for them. */
template <class V, class T = typename V::element>
NR_DEVICE row<V> rows_at(const gpu_tensor<T> &t, const general_flags &f, int64_t e) {
    row<V> result = {V::all(T(1)), V::all(T(0)), V::all(T(1))};
    if (t.row_values == nullptr)
        return result;
    const int64_t width = t.rows * t.inner;
    const int64_t in_run = t.outer == 1 ? e : e - quotient(e, width) * width;
    int64_t r = quotient(in_run, t.inner);
    int64_t in_row = in_run - r * t.inner;
    NR_UNROLL
    for (int i = 0; i < V::width; ++i) {
        const nr_row &v = t.row_values[r];
        if (f.adaptive)
            result.scale.x[i] = T(v.scale);
        if (f.centre_gradient || f.centre_update)
            result.mean.x[i] = T(v.mean);
        if (f.standardise)
            result.denominator.x[i] = T(v.denominator);
        if (++in_row == t.inner) {
            in_row = 0;
            /* the last row of a run has no next one, and there the elements end */
            r = r + 1 < t.rows ? r + 1 : 0;
        }
    }
    return result;
}

/* Where elements lie, and the statistics of their rows: of any tensor. */
template <class T>
struct rows_of_tensor {
    const gpu_tensor<T> &t;
    const general_flags &f;

    NR_DEVICE int64_t place(int64_t e) const { return place_of(t, e); }

    template <class V>
    NR_DEVICE row<V> at(int64_t e) const {
        return rows_at<V>(t, f, e);
    }
};

/* Of a contiguous one whose rows do not matter. */
struct no_rows {
    NR_DEVICE int64_t place(int64_t e) const { return e; }

    template <class V>
    NR_DEVICE row<V> at(int64_t) const {
        using T = typename V::element;
        return {V::all(T(1)), V::all(T(0)), V::all(T(1))};
    }
};

/* Where a step finds the gradient: in its array, or prepared in a copy that is nearer. */
struct gradient_in_place {
    template <class V, class T>
    NR_DEVICE V at(const task<T> &a, int64_t i) const {
        return V::load(a.g + i);
    }
};

template <class Rule, class T, class Flags, class Rows, class Source>
struct step_elements {
    const task<T> &a;
    const Flags &f;
    const Rows &rows;
    const Source &raw;

    template <class V>
    NR_DEVICE void run(int64_t e) const {
        const constants<V> k = spread_constants<V>(a.k);
        const int64_t at = rows.place(e);
        const V gradient = raw.template at<V>(a, at);
        step_lane<Rule>(a, k, f, rows.template at<V>(e), V::all(a.leader_weight), gradient, at);
    }
};

template <class Rule, class T>
struct step_chunk {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t begin, int64_t end) const {
        if (t.g == nullptr)
            return;
        const task<T> a = task_of(t, l);
        const rows_of_tensor<T> rows = {t, a.flags};
        const gradient_in_place raw = {};
        for_elements<T>(
            t.wide != 0, begin, end,
            step_elements<Rule, T, general_flags, rows_of_tensor<T>, gradient_in_place>{a, a.flags, rows, raw});
    }
};

template <class Rule, class T>
NR_DEVICE void step(const launch &l) {
    if (!skipped(l))
        for_chunks<T>(l, step_chunk<Rule, T>{l});
}

template <bool Centre>
NR_DEVICE plain_flags<Centre> plain_flags_of(const general_flags &f) {
    return {f.scale, f.factor, f.l2, f.decays, f.zero, f.one_leader};
}

template <class Rule, bool Centre, class T, class Rows, class Source>
NR_DEVICE void step_plainly(const gpu_tensor<T> &t, const task<T> &a, const plain_flags<Centre> &f, int64_t begin,
                            int64_t end, const Rows &rows, const Source &raw) {
    for_elements<T>(t.wide != 0, begin, end,
                    step_elements<Rule, T, plain_flags<Centre>, Rows, Source>{a, f, rows, raw});
}

template <class Rule, class T>
struct plain_chunk {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t begin, int64_t end) const {
        const task<T> a = task_of(t, l);
        step_plainly<Rule>(t, a, plain_flags_of<false>(a.flags), begin, end, no_rows{}, gradient_in_place{});
    }
};

/* Tensors that ask for no more than plain_flags have. */
template <class Rule, class T>
NR_DEVICE void plain_step(const launch &l) {
    if (!skipped(l))
        for_chunks<T>(l, plain_chunk<Rule, T>{l});
}

template <class T>
struct follow_elements {
    const gpu_tensor<T> &t;
    const task<T> &a;
    bool with_states;

    template <class V>
    NR_DEVICE void run(int64_t e) const {
        follow_lane<V>(a, with_states, place_of(t, e));
    }
};

template <class T>
NR_DEVICE void reset_seed(const gpu_tensor<T> &t, const launch &l, int64_t begin) {
    if (step_of(t, l).resets != 0 && t.seed != nullptr && begin == 0 && thread_in_block() == 0)
        for (int i = 0; i < 4; ++i)
            t.seed->scalars[i] = 0.0;
}

template <class T>
struct follow_chunk {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t begin, int64_t end) const {
        if (t.g != nullptr)
            return;
        const task<T> a = unclipped_task_of(t, l);
        for_elements<T>(t.wide != 0, begin, end, follow_elements<T>{t, a, step_of(t, l).with_states != 0});
        reset_seed(t, l, begin);
    }
};

/* Tensors without a gradient. */
template <class T>
NR_DEVICE void follow_without_gradient(const launch &l) {
    if (!skipped(l))
        for_chunks<T>(l, follow_chunk<T>{l});
}

template <class T>
struct accumulate_elements {
    const T *gradient;
    T *sum;

    template <class V>
    NR_DEVICE void run(int64_t e) const {
        (V::load(sum + e) + V::load(gradient + e)).store(sum + e);
    }
};

template <class T>
NR_DEVICE void accumulate(const accumulation &a) {
    const accumulate_elements<T> body = {static_cast<const T *>(a.gradient), static_cast<T *>(a.sum)};
    for (int64_t begin = block_in_grid() * chunk_elements; begin < a.elements;
         begin += blocks_in_grid() * chunk_elements) {
        const int64_t end = a.elements - begin < chunk_elements ? a.elements : begin + chunk_elements;
        for_elements<T>(a.wide != 0, begin, end, body);
    }
}

} // namespace nr::gpu

#endif
