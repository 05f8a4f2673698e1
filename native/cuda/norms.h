/* One read of all gradients before a step: are they finite, and what is their norm. */
#ifndef NR_CUDA_NORMS_H
#define NR_CUDA_NORMS_H

#include "cuda/rows.h"

namespace nr::gpu {

/* The squares of a block of the gradient, after scaling and clipping by value, and whether all of it is finite. */
template <class T>
struct square_terms {
    static constexpr int at_once = 8;
    const task<T> &a;
    bool &finite;

    NR_DEVICE void values(int64_t i, double (&out)[2]) const {
        using V = lane<T, 1>;
        const V raw = V::load(a.g + i);
        finite = finite && raw.x[0] - raw.x[0] == T(0);
        const double x = double(scale_and_clip(spread_constants<V>(a.k), a.flags, raw).x[0]);
        out[0] = x * x;
        out[1] = (x * shrink) * (x * shrink);
    }
};

/* What is left of a tensor's squares after some rounds. */
template <class T>
NR_DEVICE squares squares_after(const gpu_tensor<T> &t, int32_t rounds) {
    squares left = {t.sums, blocks_of(elements_of(t))};
    for (int32_t i = 0; i < rounds; ++i)
        left = left.reduced();
    return left;
}

/* The n-th of what is left; of a single one, the tensor's. */
template <class T>
NR_DEVICE void keep_squares(const gpu_tensor<T> &t, squares left, int64_t n, const double (&sums)[2]) {
    double *to = left.count == 1 ? t.total : left.sums;
    to[n] = sums[0];
    to[left.count + n] = sums[1];
}

template <class T>
struct square_block {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t block) const {
        const task<T> a = unclipped_task_of(t, l);
        const int64_t elements = elements_of(t);
        const int64_t begin = block * sum_block;
        const int64_t end = elements - begin < sum_block ? elements : begin + sum_block;
        bool finite = true;
        double sums[2] = {};
        sum_by_warp(begin, end, square_terms<T>{a, finite}, sums);
        if (!finite)
            l.found->nonfinite = 1;
        if (lane_in_warp() == 0)
            keep_squares(t, squares_after(t, 0), block, sums);
    }
};

template <class T>
NR_DEVICE void sum_squares(const launch &l) {
    for_warps<T>(l, square_block<T>{l});
}

struct stored_pairs {
    static constexpr int at_once = 4;
    squares from;

    NR_DEVICE void values(int64_t i, double (&out)[2]) const {
        out[0] = from.sums[i];
        out[1] = from.sums[from.count + i];
    }
};

template <class T>
struct reduce_square_block {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t block) const {
        const squares left = squares_after(t, l.stage);
        const int64_t begin = block * sum_block;
        const int64_t end = left.count - begin < sum_block ? left.count : begin + sum_block;
        double sums[2] = {};
        sum_by_warp(begin, end, stored_pairs{left}, sums);
        if (lane_in_warp() == 0)
            keep_squares(t, left.reduced(), block, sums);
    }
};

/* One round: a block of sums becomes one. */
template <class T>
NR_DEVICE void reduce_squares(const launch &l) {
    for_warps<T>(l, reduce_square_block<T>{l});
}

/* By one block: the sums of the tensors, added in their order. A thread adds the plain ones, and one of the next warp the
 * shrunk; the others bring them the next piece. */
template <class T>
NR_DEVICE void find_norm(const launch &l) {
    constexpr int64_t piece = 512;
    NR_SHARED double staged[2 * piece];
    const int64_t warp = thread_in_block() / warp_threads;
    const bool adds = warp < 2 && lane_in_warp() == 0;
    double total = 0.0;
    for (int64_t begin = 0; begin < l.count; begin += piece) {
        const int64_t count = l.count - begin < piece ? l.count - begin : piece;
        barrier();
        for (int64_t i = thread_in_block(); i < 2 * count; i += threads_in_block())
            staged[i] = l.totals[2 * begin + i];
        barrier();
        for (int64_t i = 0; adds && i < count; ++i)
            total += staged[2 * i + warp];
    }
    barrier();
    if (adds)
        staged[warp] = total;
    barrier();
    if (thread_in_block() == 0)
        l.found->norm = norm_of<T>(staged[0], staged[1]);
}

} // namespace nr::gpu

#endif
