/* Canonical sums of several rows of a tensor, in every layout. */
#ifndef NR_CPU_ROW_SUMS_H
#define NR_CPU_ROW_SUMS_H

#include "cpu/prefetch.h"
#include "cpu/reduce.h"
#include "math/terms.h"

namespace nr::NR_LANES {

/* At most so many rows at a time. */
constexpr int row_tile = 128;

/* Terms that are written at once before they are added. */
constexpr int64_t term_buffer = 256;

/* Writes the doubles of a term (see math/terms.h) for count elements from i on. They belong to one row, or (across) to
 * neighbouring rows; r is the tables' entry of the first. */
using term_writer = void (*)(const void *term, int64_t i, int64_t r, bool across, int64_t count, double *out);

template <class Term, class T>
void write_terms(const void *term, int64_t i, int64_t r, bool across, int64_t count, double *out) {
    const Term &from = *static_cast<const Term *>(term);
    constexpr int width = wide_double::width;
    const int64_t row_step = across ? 1 : 0;
    int64_t n = 0;
    for (; n + width <= count; n += width)
        from.template at<lane<T, width>>(i + n, r + n * row_step).store(out + n);
    for (; n < count; ++n)
        out[n] = from.template at<lane<T, 1>>(i + n, r + n * row_step).x;
}

/* What is summed: the values of an array as they are, or a term. */
template <class T>
struct row_summand {
    const T *values;
    const void *term; /* null: values */
    term_writer write;
};

/* Sums across the columns of a column-major matrix, for a tile of neighbouring rows at once: the 32 lanes of every row are
 * kept side by side, so that the tile is read along its columns. */
template <class T>
class column_sums {
public:
    /* The sums of blocks need room of their own. */
    static int rows_at_once(int64_t columns) { return columns <= sum_block ? row_tile : row_tile / 2; }

    /* Columns of few rows, without gaps, are added as they lie: element i of them to the lane and row i % (32 rows). */
    column_sums(const row_summand<T> &what, const nr_tensor &t)
        : what_(what), columns_(t.outer), stride_(t.stride),
          used_lanes_(static_cast<int>(t.outer < sum_lanes ? t.outer : sum_lanes)),
          flat_(t.rows == t.stride && t.rows <= rows_at_once(t.outer) / 2 && what.term == nullptr),
          pitch_(flat_ ? static_cast<int>(t.rows) : rows_at_once(t.outer)) {}

    /* Column c of row r lies at first + c * stride + r; entry is the tables' entry of the first row. */
    void add(int64_t first, int64_t entry, int rows, double *sums) {
        if (columns_ <= sum_lanes && what_.term == nullptr) {
            add_few_columns(what_.values + first, rows, sums);
            return;
        }
        rows_ = rows;
        entry_ = entry;
        const bool one_block = columns_ <= sum_block;
        if (!one_block)
            clear_level(1);
        for (int64_t begin = 0; begin < columns_; begin += sum_block) {
            const int64_t left = columns_ - begin;
            clear_level(0);
            add_block(first + begin * stride_, left < sum_block ? left : sum_block);
            collapse_level(0);
            if (!one_block)
                add_to(lane_of(1, begin / sum_block % sum_lanes), lane_of(0, 0));
        }
        if (!one_block)
            collapse_level(1);
        const double *result = lane_of(one_block ? 0 : 1, 0);
        for (int r = 0; r < rows; ++r)
            sums[r] = result[r];
    }

private:
    /* Where every column has a lane of its own, the lanes need not be stored. */
    void add_few_columns(const T *from, int rows, double *sums) const {
        using D = wide_double;
        int r = 0;
        for (; r + D::width <= rows; r += D::width)
            sum_of_lanes<D, 1>(from + r, 0).store(sums + r);
        for (; r < rows; ++r)
            sum_of_lanes<lane<double, 1>, 1>(from + r, 0).store(sums + r);
    }

    /* Lanes j, j + Step, j + 2 Step … in the order of the tree. */
    template <class D, int Step>
    NR_INLINE D sum_of_lanes(const T *from, int64_t j) const {
        if constexpr (Step == sum_lanes) {
            return D::all(0.0) + widen(lane<T, D::width>::load(from + j * stride_));
        } else {
            D sum = sum_of_lanes<D, 2 * Step>(from, j);
            if (j + Step < columns_)
                sum = sum + sum_of_lanes<D, 2 * Step>(from, j + Step);
            return sum;
        }
    }

    double *lane_of(int level, int64_t j) { return pool_ + (level * sum_lanes + j) * pitch_; }

    void clear_level(int level) {
        double *lanes = lane_of(level, 0);
        for (int i = 0; i < used_lanes_ * pitch_; ++i)
            lanes[i] = 0.0;
    }

    void add_to(double *to, const double *from) const {
        int r = 0;
        for (; r + wide_double::width <= rows_; r += wide_double::width)
            (wide_double::load(to + r) + wide_double::load(from + r)).store(to + r);
        for (; r < rows_; ++r)
            to[r] += from[r];
    }

    /* Lanes without a column are +0, and no lane is ever -0: adding them would change nothing. */
    void collapse_level(int level) {
        for (int half = sum_lanes / 2; half >= 1; half /= 2)
            for (int j = 0; j < half && j + half < used_lanes_; ++j)
                add_to(lane_of(level, j), lane_of(level, j + half));
    }

    void add_block(int64_t first, int64_t columns) {
        if (what_.term != nullptr) {
            double terms[row_tile];
            for (int64_t c = 0; c < columns; ++c) {
                what_.write(what_.term, first + c * stride_, entry_, true, rows_, terms);
                add_to(lane_of(0, c % sum_lanes), terms);
            }
            return;
        }
        constexpr int64_t group = 8 * sum_lanes;
        for (int64_t begin = 0; begin < columns; begin += group) {
            const T *from = what_.values + first + begin * stride_;
            const int64_t left = columns - begin;
            const int64_t now = left < group ? left : group;
            if (flat_)
                add_flat(from, now);
            else
                add_columns(from, now);
        }
    }

    /* Registers of sums that are added to at once: what a line of a cache holds. */
    static constexpr int line_registers() {
        constexpr int in_line = 64 / (wide_double::width * static_cast<int>(sizeof(T)));
        return in_line < 4 ? in_line : 4;
    }

    /* Up to eight columns of every lane per load and store of the sums. */
    void add_flat(const T *from, int64_t columns) {
        const int64_t lanes = int64_t{sum_lanes} * pitch_;
        const int64_t count = columns * pitch_;
        const int64_t all = lanes < count ? lanes : count;
        double *sums = lane_of(0, 0);
        int64_t i = add_flat_parts<line_registers()>(from, 0, all, lanes, count);
        i = add_flat_parts<1>(from, i, all, lanes, count);
        for (; i < lanes; ++i)
            for (int64_t e = i; e < count; e += lanes)
                sums[i] += static_cast<double>(from[e]);
    }

    /* Of the elements from i on; returns the first that is left. */
    template <int Registers>
    NR_INLINE int64_t add_flat_parts(const T *from, int64_t i, int64_t all, int64_t lanes, int64_t count) {
        using D = wide_double;
        constexpr int64_t width = Registers * D::width;
        double *sums = lane_of(0, 0);
        for (; i + width <= all; i += width) {
            D sum[Registers];
            NR_UNROLL
            for (int n = 0; n < Registers; ++n)
                sum[n] = D::load(sums + i + n * D::width);
            int64_t e = i;
            for (; e + width <= count; e += lanes) {
                NR_UNROLL
                for (int n = 0; n < Registers; ++n)
                    sum[n] = sum[n] + widen(lane<T, D::width>::load(from + e + n * D::width));
            }
            NR_UNROLL
            for (int n = 0; n < Registers; ++n)
                sum[n].store(sums + i + n * D::width);
            for (; e < count; ++e) /* the last of the columns */
                sums[e % lanes] += static_cast<double>(from[e]);
        }
        return i;
    }

    /* Up to eight columns of one lane per load and store of its sums. What a line of a cache holds is added at once: columns a
     * power of two apart would drive each other from the cache before the next load. */
    void add_columns(const T *from, int64_t columns) {
        using D = wide_double;
        constexpr int registers = line_registers();
        for (int64_t j = 0; j < sum_lanes && j < columns; ++j) {
            int r = 0;
            for (; r + registers * D::width <= rows_; r += registers * D::width)
                add_column_parts<registers>(from, columns, j, r);
            for (; r + D::width <= rows_; r += D::width)
                add_column_parts<1>(from, columns, j, r);
            double *sums = lane_of(0, j);
            for (; r < rows_; ++r)
                for (int64_t c = j; c < columns; c += sum_lanes)
                    sums[r] += static_cast<double>(from[c * stride_ + r]);
        }
    }

    /* Meanwhile the columns of the next lane are fetched: no processor foresees where they begin. */
    template <int Registers>
    NR_INLINE void add_column_parts(const T *from, int64_t columns, int64_t j, int r) {
        using D = wide_double;
        double *const sums = lane_of(0, j) + r;
        D sum[Registers];
        NR_UNROLL
        for (int n = 0; n < Registers; ++n)
            sum[n] = D::load(sums + n * D::width);
        for (int64_t c = j; c < columns; c += sum_lanes) {
            fetch(from + (c + 1) * stride_ + r);
            NR_UNROLL
            for (int n = 0; n < Registers; ++n)
                sum[n] = sum[n] + widen(lane<T, D::width>::load(from + c * stride_ + r + n * D::width));
        }
        NR_UNROLL
        for (int n = 0; n < Registers; ++n)
            sum[n].store(sums + n * D::width);
    }

    const row_summand<T> &what_;
    int64_t columns_;
    int64_t stride_;
    int64_t entry_ = 0;
    int rows_ = 0;
    int used_lanes_;
    bool flat_;
    int pitch_;
    double pool_[sum_lanes * row_tile];
};

/* True if rows are summed across columns, many at a time; more blocks than one block holds are left to canonical_sum. */
inline bool sums_across(const nr_tensor &t) {
    return t.inner == 1 && t.outer > 1 && t.rows > 1 && t.outer <= sum_block * sum_block;
}

template <class T>
void sum_across(const nr_tensor &t, int64_t first, int64_t count, const row_summand<T> &what, double *sums) {
    column_sums<T> columns(what, t);
    const int at_once = column_sums<T>::rows_at_once(t.outer);
    for (int64_t r = 0; r < count; r += at_once) {
        const int rows = static_cast<int>(count - r < at_once ? count - r : at_once);
        columns.add(first + r, r, rows, sums + r);
    }
}

/* The sum of at most a block of values. */
template <class T>
NR_INLINE double sum_of_block(const T *from, int64_t count) {
    lane_sums sums;
    int64_t i = 0;
    for (; i + sum_lanes <= count; i += sum_lanes)
        sums.add<T>(plain_term<T>{from}, i);
    sums.add_some(from + i, count - i);
    return sums.result();
}

template <class T>
void sum_along(const nr_tensor &t, int64_t first, int64_t count, const row_summand<T> &what, double *sums) {
    if (t.outer == 1 && t.inner <= sum_block && what.term == nullptr) {
        for (int64_t r = 0; r < count; ++r)
            sums[r] = sum_of_block(what.values + (first + r) * t.inner, t.inner);
        return;
    }
    for (int64_t r = 0; r < count; ++r) {
        canonical_sum sum;
        for (int64_t o = 0; o < t.outer; ++o) {
            const int64_t begin = o * t.stride + (first + r) * t.inner;
            if (what.term == nullptr) {
                sum.add<T>(plain_term<T>{what.values}, begin, t.inner);
                continue;
            }
            double terms[term_buffer];
            for (int64_t i = 0; i < t.inner; i += term_buffer) {
                const int64_t piece = t.inner - i < term_buffer ? t.inner - i : term_buffer;
                what.write(what.term, begin + i, r, false, piece, terms);
                sum.add<double>(plain_term<double>{terms}, 0, piece);
            }
        }
        sums[r] = sum.result();
    }
}

template <class T>
__attribute__((noinline)) void sum_rows(const nr_tensor &t, int64_t first, int64_t count, const row_summand<T> &what,
                                        double *sums) {
    if (sums_across(t))
        sum_across(t, first, count, what, sums);
    else
        sum_along(t, first, count, what, sums);
}

/* sums[r] = the sum of the term over row first + r. The terms must look across rows exactly if sums_across. */
template <class T, class Term>
void sum_rows(const nr_tensor &t, int64_t first, int64_t count, const Term &term, double *sums) {
    sum_rows<T>(t, first, count, row_summand<T>{nullptr, &term, write_terms<Term, T>}, sums);
}

template <class T>
void sum_rows(const nr_tensor &t, int64_t first, int64_t count, const plain_term<T> &term, double *sums) {
    sum_rows<T>(t, first, count, row_summand<T>{term.from, nullptr, nullptr}, sums);
}

} // namespace nr::NR_LANES

#endif
