/* Adaptive clipping's factor, mean and denominator of rows; see math/row_values.h. */
#ifndef NR_CUDA_ROWS_H
#define NR_CUDA_ROWS_H

#include "cuda/tile_sum.h"
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

template <class T>
NR_DEVICE int64_t row_length(const gpu_tensor<T> &t) {
    return t.outer * t.inner;
}

template <class T, class Term>
struct row_terms {
    static constexpr int at_once = 1;
    const gpu_tensor<T> &t;
    int64_t r;
    const Term &term;

    NR_DEVICE void values(int64_t i, double (&out)[1]) const {
        out[0] = term.template at<lane<T, 1>>(place_in_row(t, r, i), 0).x[0];
    }
};

/* The gradient whose mean is taken, of a row whose elements lie side by side, without L2 decay: nothing stands between a load and the
 * next. */
template <class T>
struct near_gradient_terms {
    static constexpr int at_once = 8;
    const task<T> &a;
    const T *row;
    T scale;

    NR_DEVICE void values(int64_t i, double (&out)[1]) const {
        using V = lane<T, 1>;
        general_flags f = a.flags;
        f.l2 = false;
        const V g = V::load(row + i);
        out[0] = widen(prepare_before_mean(spread_constants<V>(a.k), f, g, g, V::all(scale))).x[0];
    }
};

template <class T>
struct norm_terms {
    static constexpr int at_once = 1;
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
    constexpr double largest = 0x1.fffffffffffffp1023;
    return sizeof(T) == sizeof(double) && sum > largest ? grown_norm(shrunk) : square_root(sum);
}

template <class T>
NR_DEVICE void finish_row(const gpu_tensor<T> &t, const task<T> &a, int32_t stage, int64_t r,
                          const double (&sums)[most_sums]) {
    const int64_t length = row_length(t);
    known_row<T> v = row_before(t, a, stage, r);
    if (stage == stage_norms)
        v.scale = adaptive_scale<T>(a.adaptive_clip, norm_of<T>(sums[0], sums[1]), norm_of<T>(sums[2], sums[3]));
    else if (stage == stage_deviations)
        v.denominator = row_denominator<T>(sums[0], length, a.standardise_epsilon);
    else
        v.mean = row_mean<T>(sums[0], length);
    t.row_values[r] = {double(v.scale), double(v.mean), double(v.denominator)};
}

/* Who has a row: a warp, whose threads are its lanes, and of which the first has the sums. */
struct row_of_warp {
    template <int Sums, class Terms>
    static NR_DEVICE void sum(int64_t begin, int64_t end, const Terms &terms, double (&sums)[Sums]) {
        sum_by_warp(begin, end, terms, sums);
    }
};

/* Or a thread of each warp of a block. */
struct row_of_tile {
    template <int Sums, class Terms>
    static NR_DEVICE void sum(int64_t begin, int64_t end, const Terms &terms, double (&sums)[Sums]) {
        sum_by_block(begin, end, terms, sums);
    }
};

/* What a stage sums: of the elements [begin, end) of a row. */
template <class Holder, class T>
struct row_summer {
    const gpu_tensor<T> &t;
    const task<T> &a;
    int64_t r;
    int64_t begin;
    int64_t end;

    template <class Term>
    NR_DEVICE void sum_term(const Term &term, double (&sums)[most_sums]) const {
        sum_one(row_terms<T, Term>{t, r, term}, sums);
    }

    template <class Terms>
    NR_DEVICE void sum_one(const Terms &terms, double (&sums)[most_sums]) const {
        double one[1] = {};
        Holder::sum(begin, end, terms, one);
        /* All of them, as for the norms: what is stored by one branch only would be kept in memory. */
        NR_UNROLL
        for (int k = 0; k < most_sums; ++k)
            sums[k] = k == 0 ? one[0] : 0.0;
    }

    NR_DEVICE void sum_gradient(int32_t stage, double (&sums)[most_sums]) const {
        known_row<T> row = row_before(t, a, stage, r);
        if (stage == stage_mean && t.outer == 1 && !a.flags.l2)
            sum_one(near_gradient_terms<T>{a, a.g + r * t.inner, row.scale}, sums);
        else if (stage == stage_mean)
            sum_term(row.gradient(a), sums);
        else
            sum_term(deviation_term<T>{row.gradient(a)}, sums);
    }

    NR_DEVICE void sum_norms(double (&sums)[most_sums]) const { Holder::sum(begin, end, norm_terms<T>{t, a, r}, sums); }

    template <class Rule>
    NR_DEVICE void sum_update(double (&sums)[most_sums]) const {
        known_row<T> row = row_before(t, a, stage_update, r);
        sum_term(update_term<Rule, T>{row.gradient(a)}, sums);
    }
};

struct gradient_sums {
    template <class Summer>
    static NR_DEVICE void take(int32_t stage, const Summer &summer, double (&sums)[most_sums]) {
        if (stage == stage_norms)
            summer.sum_norms(sums);
        else
            summer.sum_gradient(stage, sums);
    }
};

template <class Rule>
struct update_sums {
    template <class Summer>
    static NR_DEVICE void take(int32_t, const Summer &summer, double (&sums)[most_sums]) {
        summer.template sum_update<Rule>(sums);
    }
};

/* One block of one row: of a short row all of it, which is then finished. */
template <class T>
struct row_block {
    const gpu_tensor<T> &t;
    int64_t r;
    int64_t block;

    NR_DEVICE int64_t begin() const { return block * sum_block; }
    NR_DEVICE int64_t end() const {
        const int64_t length = row_length(t);
        return length - begin() < sum_block ? length : begin() + sum_block;
    }

    NR_DEVICE void keep(const task<T> &a, int32_t stage, const double (&sums)[most_sums]) const {
        const int64_t blocks = blocks_of(row_length(t));
        if (blocks == 1) {
            finish_row(t, a, stage, r, sums);
            return;
        }
        const int count = sums_of_stage(stage);
        NR_UNROLL
        for (int k = 0; k < most_sums; ++k)
            if (k < count)
                t.sums[(k * t.rows + r) * blocks + block] = sums[k];
    }
};

template <class T, class Sums>
struct sum_row_block {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t item) const {
        const task<T> a = task_of(t, l);
        const int64_t blocks = blocks_of(row_length(t));
        const int64_t r = quotient(item, blocks);
        const row_block<T> part = {t, r, item - r * blocks};
        double sums[most_sums] = {};
        Sums::take(l.stage, row_summer<row_of_warp, T>{t, a, r, part.begin(), part.end()}, sums);
        if (lane_in_warp() == 0)
            part.keep(a, l.stage, sums);
    }
};

/* An item is a block of a row. */
template <class T, class Sums>
NR_DEVICE void sum_row_blocks(const launch &l) {
    if (!skipped(l))
        for_warps<T>(l, sum_row_block<T, Sums>{l});
}

template <class T>
struct sum_row_tile {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t item) const {
        const task<T> a = task_of(t, l);
        const int64_t blocks = blocks_of(row_length(t));
        const int64_t tile = quotient(item, blocks);
        const int64_t mine = tile * tile_rows + lane_in_warp();
        /* Beyond the last row a thread sums that row too, for nobody. */
        const row_block<T> part = {t, mine < t.rows ? mine : t.rows - 1, item - tile * blocks};
        double sums[most_sums] = {};
        gradient_sums::take(l.stage, row_summer<row_of_tile, T>{t, a, part.r, part.begin(), part.end()}, sums);
        if (thread_in_block() < tile_rows && mine < t.rows)
            part.keep(a, l.stage, sums);
    }
};

/* An item is a block of each of 32 rows, whose elements lie side by side. */
template <class T>
NR_DEVICE void sum_row_tiles(const launch &l) {
    if (!skipped(l))
        for_blocks<T>(l, sum_row_tile<T>{l});
}

/* A row of several blocks: an item per row. */
template <class T>
struct long_row_body {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t r) const {
        const task<T> a = task_of(t, l);
        const int64_t blocks = blocks_of(row_length(t));
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
