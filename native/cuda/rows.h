/* Adaptive clipping's factor, mean and denominator of rows; see math/row_values.h. */
#ifndef NR_CUDA_ROWS_H
#define NR_CUDA_ROWS_H

#include "cuda/warp_sum.h"

#include "math/row_values.h"
#include "math/terms.h"

namespace nr::gpu {

/* A row's statistics as far as they are known, in the form of the tables that the terms look into. */
template <class T>
struct known_row {
    T scale;
    T mean;
    T denominator;

    NR_DEVICE gradient_term<T> gradient(const task<T> &a) { return {a, {&scale, &mean, &denominator}, false}; }
};

template <class T>
NR_DEVICE known_row<T> row_of(const gpu_tensor<T> &t, int64_t r) {
    const nr_row &v = t.row_values[r];
    return {T(v.scale), T(v.mean), T(v.denominator)};
}

/* What an earlier stage found out about a row; a row of the first stage has nothing. */
template <class T>
NR_DEVICE known_row<T> row_before(const gpu_tensor<T> &t, const task<T> &a, int32_t stage, int64_t r) {
    const bool first = stage == stage_norms || (stage != stage_deviations && !a.flags.adaptive);
    return first ? known_row<T>{T(1), T(0), T(1)} : row_of(t, r);
}

template <class T, class Term>
struct row_terms {
    const gpu_tensor<T> &t;
    int64_t r;
    const Term &term;

    NR_DEVICE void values(int64_t i, double (&out)[1]) const {
        out[0] = term.template at<lane<T, 1>>(place_in_row(t, r, i), 0).x[0];
    }
};

template <class T>
struct norm_terms {
    const gpu_tensor<T> &t;
    const task<T> &a;
    int64_t r;

    NR_DEVICE void values(int64_t i, double (&out)[most_sums]) const {
        using V = lane<T, 1>;
        const int64_t at = place_in_row(t, r, i);
        out[0] = gradient_square_term<T>{a, 1.0}.template at<V>(at).x[0];
        out[1] = gradient_square_term<T>{a, shrink}.template at<V>(at).x[0];
        out[2] = square_term<T>{a.p, 1.0}.template at<V>(at).x[0];
        out[3] = square_term<T>{a.p, shrink}.template at<V>(at).x[0];
    }
};

/* The norm from both sums of squares. A float's squares never overflow a double. */
template <class T>
NR_DEVICE double norm_of(double sum, double shrunk) {
    return sizeof(T) == sizeof(double) && sum == __builtin_inf() ? grown_norm(shrunk) : square_root(sum);
}

template <class T>
NR_DEVICE void finish_row(const gpu_tensor<T> &t, const task<T> &a, int32_t stage, int64_t r,
                          const double (&sums)[most_sums]) {
    const int64_t length = t.outer * t.inner;
    known_row<T> v = row_before(t, a, stage, r);
    if (stage == stage_norms)
        v.scale = adaptive_scale<T>(a.adaptive_clip, norm_of<T>(sums[0], sums[1]), norm_of<T>(sums[2], sums[3]));
    else if (stage == stage_deviations)
        v.denominator = row_denominator<T>(sums[0], length, a.standardise_epsilon);
    else
        v.mean = row_mean<T>(sums[0], length);
    t.row_values[r] = {double(v.scale), double(v.mean), double(v.denominator)};
}

/* Sums one block of one row: of a short row all of it, which is then finished. */
template <class T, class Summer>
struct row_block_body {
    const launch &l;
    const Summer &summer;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t item) const {
        const task<T> a = task_of(t, l);
        const int64_t length = t.outer * t.inner;
        const int64_t blocks = (length + sum_block - 1) / sum_block;
        const int64_t r = quotient(item, blocks);
        const int64_t block = item - r * blocks;
        const int64_t begin = block * sum_block;
        const int64_t end = length - begin < sum_block ? length : begin + sum_block;

        known_row<T> row = row_before(t, a, l.stage, r);
        double sums[most_sums] = {};
        summer.sum(l.stage, t, a, row, r, begin, end, sums);
        if (lane_in_warp() != 0)
            return;
        if (blocks == 1) {
            finish_row(t, a, l.stage, r, sums);
            return;
        }
        const int count = sums_of_stage(l.stage);
        NR_UNROLL
        for (int k = 0; k < most_sums; ++k)
            if (k < count)
                t.sums[(k * t.rows + r) * blocks + block] = sums[k];
    }
};

template <class T, class Term>
NR_DEVICE void sum_term(const gpu_tensor<T> &t, int64_t r, int64_t begin, int64_t end, const Term &term,
                        double (&sums)[most_sums]) {
    double one[1] = {};
    sum_by_warp(begin, end, row_terms<T, Term>{t, r, term}, one);
    sums[0] = one[0];
}

template <class T>
struct gradient_summer {
    NR_DEVICE void sum(int32_t stage, const gpu_tensor<T> &t, const task<T> &a, known_row<T> &row, int64_t r,
                       int64_t begin, int64_t end, double (&sums)[most_sums]) const {
        if (stage == stage_norms)
            sum_by_warp(begin, end, norm_terms<T>{t, a, r}, sums);
        else if (stage == stage_mean)
            sum_term(t, r, begin, end, row.gradient(a), sums);
        else
            sum_term(t, r, begin, end, deviation_term<T>{row.gradient(a)}, sums);
    }
};

template <class Rule, class T>
struct update_summer {
    NR_DEVICE void sum(int32_t, const gpu_tensor<T> &t, const task<T> &a, known_row<T> &row, int64_t r, int64_t begin,
                       int64_t end, double (&sums)[most_sums]) const {
        sum_term(t, r, begin, end, update_term<Rule, T>{row.gradient(a)}, sums);
    }
};

template <class T, class Summer>
NR_DEVICE void sum_row_blocks(const launch &l) {
    if (!skipped(l))
        for_warps<T>(l, row_block_body<T, Summer>{l, Summer{}});
}

/* A row of several blocks: an item per row. */
template <class T>
struct long_row_body {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t r) const {
        const task<T> a = task_of(t, l);
        const int64_t blocks = (t.outer * t.inner + sum_block - 1) / sum_block;
        const int count = sums_of_stage(l.stage);
        double sums[most_sums] = {};
        for (int k = 0; k < count; ++k) {
            const double sum = reduce_by_warp(t.sums + (k * t.rows + r) * blocks, blocks);
            NR_UNROLL
            for (int j = 0; j < most_sums; ++j)
                sums[j] = j == k ? sum : sums[j];
        }
        if (lane_in_warp() == 0)
            finish_row(t, a, l.stage, r, sums);
    }
};

template <class T>
NR_DEVICE void finish_long_rows(const launch &l) {
    if (!skipped(l))
        for_warps<T>(l, long_row_body<T>{l});
}

} // namespace nr::gpu

#endif
