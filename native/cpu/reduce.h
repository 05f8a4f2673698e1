/* The one order in which anything is ever summed.
 *
 * Blocks of 4,096 elements are counted from the first. In a block 32 double lanes start at +0; element i is added to lane
 * i mod 32; then lane[j] += lane[j+16], [j+8], [j+4], [j+2], [j+1]. The block sums, if there is more than one, are reduced
 * again by the same rule until one is left. */
#ifndef NR_CPU_REDUCE_H
#define NR_CPU_REDUCE_H

#include "cpu/width.h"

namespace nr::NR_LANES {

constexpr int sum_lanes = 32;
constexpr int64_t sum_block = 4096;

/* Levels above the elements' own: 4096^6 exceeds any 64-bit count. */
constexpr int sum_levels = 5;

NR_INLINE double as_double(int64_t count) { return static_cast<double>(count); }

/* Adds the upper half of a register to its lower half until one element is left. */
template <int Width>
NR_INLINE double collapse(lane<double, Width> a) {
    if constexpr (Width == 1)
        return a.x;
    else
        return collapse(lower_half(a) + upper_half(a));
}

/* The lanes of a block in registers, for loops that add whole sets of them. */
struct lane_sums {
    static constexpr int registers = sum_lanes / wide_double::width;
    wide_double sums[registers];

    NR_INLINE lane_sums() {
        NR_UNROLL
        for (int j = 0; j < registers; ++j)
            sums[j] = wide_double::all(0.0);
    }

    NR_INLINE explicit lane_sums(const double *lanes) {
        NR_UNROLL
        for (int j = 0; j < registers; ++j)
            sums[j] = wide_double::load(lanes + j * wide_double::width);
    }

    NR_INLINE void store(double *lanes) const {
        NR_UNROLL
        for (int j = 0; j < registers; ++j)
            sums[j].store(lanes + j * wide_double::width);
    }

    /* Adds a term's elements from i on, one to each lane. */
    template <class T, class Term>
    NR_INLINE void add(const Term &term, int64_t i) {
        using V = lane<T, wide_double::width>;
        NR_UNROLL
        for (int j = 0; j < registers; ++j)
            sums[j] = sums[j] + term.template at<V>(i + j * wide_double::width);
    }

    /* Adds fewer values than there are lanes. The other lanes get +0, which changes none, since no lane is ever -0. */
    template <class T>
    NR_INLINE void add_some(const T *from, int64_t count) {
        using V = lane<T, wide_double::width>;
        NR_UNROLL
        for (int j = 0; j < registers; ++j, count -= V::width) {
            if (count >= V::width) {
                sums[j] = sums[j] + widen(V::load(from + j * V::width));
            } else {
                if (count > 0)
                    sums[j] = sums[j] + widen(load_some<V>(from + j * V::width, static_cast<int>(count)));
                return;
            }
        }
    }

    /* Adds the upper half of the lanes to the lower half until one is left. */
    NR_INLINE double result() {
        NR_UNROLL
        for (int half = registers / 2; half >= 1; half /= 2)
            for (int j = 0; j < half; ++j)
                sums[j] = sums[j] + sums[j + half];
        return collapse(sums[0]);
    }
};

NR_INLINE double collapse(const double *lanes) { return lane_sums(lanes).result(); }

NR_INLINE void clear(double *lanes) {
    for (int j = 0; j < sum_lanes; j += wide_double::width)
        wide_double::all(0.0).store(lanes + j);
}

/* Block sums on their way to one sum; a level's lanes are valid from its first value on. */
class sum_of_blocks {
public:
    void push(double value) { push(value, 0); }

    double result() {
        int level = 0;
        for (; count_[level] > 1; ++level)
            if (count_[level] % sum_block != 0)
                push(collapse(lanes_[level]), level + 1);
        return count_[level] == 0 ? 0.0 : collapse(lanes_[level]);
    }

private:
    void push(double value, int level) {
        for (;; ++level) {
            const int64_t position = count_[level]++ % sum_block;
            if (position == 0)
                clear(lanes_[level]);
            lanes_[level][position % sum_lanes] += value;
            if (position != sum_block - 1)
                return;
            value = collapse(lanes_[level]);
        }
    }

    double lanes_[sum_levels][sum_lanes];
    int64_t count_[sum_levels] = {};
};

/* A sum whose terms arrive in pieces, in order; see math/terms.h. */
class canonical_sum {
public:
    canonical_sum() { clear(lanes_); }

    /* Elements until the block is full. */
    int64_t room() const { return sum_block - position_; }

    /* The lanes of a block of which a multiple of sum_lanes elements has been added, and the same after count more. */
    NR_INLINE lane_sums open() const { return lane_sums(lanes_); }
    void close(const lane_sums &sums, int64_t count) {
        sums.store(lanes_);
        advance(count);
    }

    template <class T, class Term>
    void add(const Term &term, int64_t begin, int64_t count) {
        while (count > 0) {
            const int64_t room = sum_block - position_;
            const int64_t piece = count < room ? count : room;
            add_in_block<T>(term, begin, piece);
            begin += piece;
            count -= piece;
            advance(piece);
        }
    }

    double result() {
        if (full_ == 0)
            return collapse(lanes_);
        if (position_ != 0)
            blocks_.push(collapse(lanes_));
        return blocks_.result();
    }

private:
    void advance(int64_t count) {
        position_ += count;
        if (position_ == sum_block) {
            blocks_.push(collapse(lanes_));
            clear(lanes_);
            position_ = 0;
            ++full_;
        }
    }

    template <class T, class Term>
    NR_INLINE void add_in_block(const Term &term, int64_t begin, int64_t count) {
        using D = wide_double;
        using V = lane<T, D::width>;
        using V1 = lane<T, 1>;
        int64_t i = 0;
        auto one = [&] {
            lanes_[(position_ + i) % sum_lanes] += term.template at<V1>(begin + i).x;
            ++i;
        };
        while (i < count && (position_ + i) % sum_lanes != 0)
            one();
        if (i + sum_lanes <= count) {
            lane_sums sums(lanes_);
            for (; i + sum_lanes <= count; i += sum_lanes)
                sums.add<T>(term, begin + i);
            sums.store(lanes_);
        }
        if (D::width > 1 && (position_ + i) % sum_lanes == 0)
            for (int j = 0; i + D::width <= count; j += D::width, i += D::width)
                (D::load(lanes_ + j) + term.template at<V>(begin + i)).store(lanes_ + j);
        while (i < count)
            one();
    }

    double lanes_[sum_lanes];
    int64_t position_ = 0; /* in the current block */
    int64_t full_ = 0;     /* blocks behind us */
    sum_of_blocks blocks_;
};

} // namespace nr::NR_LANES

#endif
