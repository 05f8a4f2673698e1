/* Adaptive clipping's factor, mean and denominator of rows. */
#ifndef NR_CPU_ROW_STATISTICS_H
#define NR_CPU_ROW_STATISTICS_H

#include "cpu/row_sums.h"
#include "math/row_values.h"
#include "math/terms.h"

namespace nr::NR_LANES {

/* True if the statistics of rows matter to the step. */
NR_INLINE bool needs_rows(const general_flags &f) {
    return f.adaptive || f.centre_gradient || (f.centre_update && f.moves);
}

/* True if the mean is that of the gradient as it is. */
NR_INLINE bool means_raw_gradient(const general_flags &f) {
    return !(f.scale || f.clip || f.factor || f.adaptive || f.l2);
}

/* sums[r] = the sum of the update over row first + r */
template <class T>
using update_sums = void (*)(const nr_tensor &t, int64_t first, int64_t count, const gradient_term<T> &gradient,
                             double *sums);

template <class Rule, class T>
void sum_updates(const nr_tensor &t, int64_t first, int64_t count, const gradient_term<T> &gradient, double *sums) {
    sum_rows<T>(t, first, count, update_term<Rule, T>{gradient}, sums);
}

/* norms[r] = the Euclidean norm of row first + r; squares(by) is the term of the values times by. */
template <class T, class Squares>
void norm_rows(const nr_tensor &t, int64_t first, int64_t count, const Squares &squares, double *norms) {
    sum_rows<T>(t, first, count, squares(1.0), norms);
    bool overflow = false;
    for (int64_t r = 0; r < count; ++r) {
        overflow = overflow || norms[r] == __builtin_inf();
        norms[r] = square_root(norms[r]);
    }
    if (!overflow || sizeof(T) == sizeof(float))
        return;
    double again[row_tile];
    sum_rows<T>(t, first, count, squares(shrink), again);
    for (int64_t r = 0; r < count; ++r)
        if (norms[r] == __builtin_inf())
            norms[r] = grown_norm(again[r]);
}

template <class T>
void adaptive_scales(const task<T> &a, const nr_tensor &t, int64_t first, int64_t count, T *scales) {
    double gradient_norms[row_tile];
    double parameter_norms[row_tile];
    norm_rows<T>(
        t, first, count,
        [&](double by) {
            return gradient_square_term<T>{a, by};
        },
        gradient_norms);
    norm_rows<T>(
        t, first, count,
        [&](double by) {
            return square_term<T>{a.p, by};
        },
        parameter_norms);
    for (int64_t r = 0; r < count; ++r)
        scales[r] = adaptive_scale<T>(a.adaptive_clip, gradient_norms[r], parameter_norms[r]);
}

template <class T>
void row_means(const double *sums, int64_t count, int64_t length, T *means) {
    using D = wide_double;
    const D divisor = D::all(as_double(length));
    int64_t r = 0;
    for (; r + D::width <= count; r += D::width)
        narrow<T>(D::load(sums + r) / divisor).store(means + r);
    for (; r < count; ++r)
        means[r] = row_mean<T>(sums[r], length);
}

template <class T>
void set_all(T *table, int64_t count, T value) {
    using V = lane<T, full_width<T>>;
    int64_t r = 0;
    for (; r + V::width <= count; r += V::width)
        V::all(value).store(table + r);
    for (; r < count; ++r)
        table[r] = value;
}

/* Fills the tables for count <= row_tile rows from first on. */
template <class T>
void find_statistics(const task<T> &a, update_sums<T> updates, const nr_tensor &t, int64_t first, int64_t count,
                     const row_tables<T> &rows) {
    const general_flags &f = a.flags;
    const int64_t length = t.outer * t.inner;
    set_all(rows.scales, count, T(1));
    set_all(rows.means, count, T(0));
    set_all(rows.denominators, count, T(1));
    if (f.adaptive)
        adaptive_scales(a, t, first, count, rows.scales);

    const gradient_term<T> gradient = {a, rows, sums_across(t)};
    const bool plain = means_raw_gradient(f);
    double sums[row_tile];
    if (f.centre_gradient) {
        if (plain)
            sum_rows<T>(t, first, count, plain_term<T>{a.g}, sums);
        else
            sum_rows<T>(t, first, count, gradient, sums);
        row_means(sums, count, length, rows.means);
    }
    if (f.standardise) {
        sum_rows<T>(t, first, count, deviation_term<T>{gradient}, sums);
        for (int64_t r = 0; r < count; ++r)
            rows.denominators[r] = row_denominator<T>(sums[r], length, a.standardise_epsilon);
    }
    if (f.centre_update && f.moves) {
        updates(t, first, count, gradient, sums);
        row_means(sums, count, length, rows.means);
    }
}

/* The same from what the caller has computed before. */
template <class T>
void take_statistics(const nr_tensor &t, int64_t first, int64_t count, const row_tables<T> &rows) {
    for (int64_t r = 0; r < count; ++r) {
        const nr_row &row = t.row_values[first + r];
        rows.scales[r] = T(row.scale);
        rows.means[r] = T(row.mean);
        rows.denominators[r] = T(row.denominator);
    }
}

} // namespace nr::NR_LANES

#endif
