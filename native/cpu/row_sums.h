/* Canonical sums of several rows of a tensor, in every layout. */
#ifndef NR_CPU_ROW_SUMS_H
#define NR_CPU_ROW_SUMS_H

#include "cpu/reduce.h"

namespace nr::NR_LANES {

/* At most so many rows at a time. */
constexpr int row_tile = 128;

/* Sums across the columns of a column-major matrix, for a tile of neighbouring rows at once: the 32 lanes of every row are
 * kept side by side, so that the tile is read along its columns. */
class column_sums {
public:
    /* More blocks than one block holds are left to canonical_sum. */
    static constexpr int64_t most_columns = sum_block * sum_block;

    /* The sums of blocks need room of their own. */
    static int rows_at_once(int64_t columns) { return columns <= sum_block ? row_tile : row_tile / 2; }

    /* Column c of row r lies at first + c * stride + r; entry is the tables' entry of the first row. */
    template <class T, class Term>
    void add(const Term &term, int64_t columns, int64_t stride, int64_t first, int64_t entry, int rows, double *sums) {
        rows_ = rows;
        pitch_ = rows_at_once(columns);
        if (columns > sum_block)
            clear_level(1);
        for (int64_t begin = 0; begin < columns; begin += sum_block) {
            const int64_t left = columns - begin;
            clear_level(0);
            add_block<T>(term, left < sum_block ? left : sum_block, stride, first + begin * stride, entry);
            collapse_level(0);
            if (columns > sum_block)
                add_to(lane_of(1, begin / sum_block % sum_lanes), lane_of(0, 0));
        }
        const int top = columns > sum_block ? 1 : 0;
        if (top == 1)
            collapse_level(1);
        for (int r = 0; r < rows; ++r)
            sums[r] = lane_of(top, 0)[r];
    }

private:
    double *lane_of(int level, int64_t j) { return pool_ + (level * sum_lanes + j) * pitch_; }

    void clear_level(int level) {
        double *lanes = lane_of(level, 0);
        for (int i = 0; i < sum_lanes * pitch_; i += wide_double::width)
            wide_double::all(0.0).store(lanes + i);
    }

    NR_INLINE void add_to(double *to, const double *from) const {
        int r = 0;
        for (; r + wide_double::width <= rows_; r += wide_double::width)
            (wide_double::load(to + r) + wide_double::load(from + r)).store(to + r);
        for (; r < rows_; ++r)
            to[r] += from[r];
    }

    void collapse_level(int level) {
        for (int half = sum_lanes / 2; half >= 1; half /= 2)
            for (int j = 0; j < half; ++j)
                add_to(lane_of(level, j), lane_of(level, j + half));
    }

    /* Eight columns of one lane per load and store of its sums. */
    template <class T, class Term>
    NR_INLINE void add_block(const Term &term, int64_t columns, int64_t stride, int64_t first, int64_t entry) {
        using D = wide_double;
        constexpr int64_t group = 8 * sum_lanes;
        for (int64_t begin = 0; begin < columns; begin += group) {
            const int64_t end = columns < begin + group ? columns : begin + group;
            for (int j = 0; j < sum_lanes && begin + j < end; ++j) {
                double *sums = lane_of(0, j);
                int r = 0;
                for (; r + D::width <= rows_; r += D::width) {
                    D sum = D::load(sums + r);
                    for (int64_t c = begin + j; c < end; c += sum_lanes)
                        sum = sum + term.template at<lane<T, D::width>>(first + c * stride + r, entry + r);
                    sum.store(sums + r);
                }
                for (; r < rows_; ++r)
                    for (int64_t c = begin + j; c < end; c += sum_lanes)
                        sums[r] += term.template at<lane<T, 1>>(first + c * stride + r, entry + r).x;
            }
        }
    }

    int rows_ = 0;
    int pitch_ = 0;
    double pool_[sum_lanes * row_tile];
};

/* True if rows are summed across columns, many at a time. */
inline bool sums_across(const nr_tensor &t) {
    return t.inner == 1 && t.outer > 1 && t.rows > 1 && t.outer <= column_sums::most_columns;
}

/* sums[r] = the sum of the term over row first + r. The terms must look across rows exactly if sums_across. */
template <class T, class Term>
__attribute__((noinline)) void sum_rows(const nr_tensor &t, int64_t first, int64_t count, const Term &term,
                                        double *sums) {
    if (sums_across(t)) {
        column_sums columns;
        const int at_once = column_sums::rows_at_once(t.outer);
        for (int64_t r = 0; r < count; r += at_once) {
            const int rows = static_cast<int>(count - r < at_once ? count - r : at_once);
            columns.add<T>(term, t.outer, t.stride, first + r, r, rows, sums + r);
        }
        return;
    }
    for (int64_t r = 0; r < count; ++r) {
        canonical_sum sum;
        for (int64_t o = 0; o < t.outer; ++o)
            sum.add<T>(term, o * t.stride + (first + r) * t.inner, t.inner, r);
        sums[r] = sum.result();
    }
}

} // namespace nr::NR_LANES

#endif
