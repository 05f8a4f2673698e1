/* One read of all gradients before a step: are they finite, and what is their norm. */
#ifndef NR_CUDA_NORMS_H
#define NR_CUDA_NORMS_H

#include "cuda/rows.h"

namespace nr::gpu {

/* The sum of squares of a block of the gradient, after scaling and clipping by value, and whether all of it is finite. */
template <class T>
struct square_terms {
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

template <class T>
struct square_block {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t block) const {
        const task<T> a = t.a;
        const int64_t elements = elements_of(t);
        const int64_t blocks = (elements + sum_block - 1) / sum_block;
        const int64_t begin = block * sum_block;
        const int64_t end = elements - begin < sum_block ? elements : begin + sum_block;
        bool finite = true;
        double sums[2] = {};
        sum_by_warp(begin, end, square_terms<T>{a, finite}, sums);
        if (!finite)
            l.found->nonfinite = 1;
        if (lane_in_warp() == 0) {
            t.sums[block] = sums[0];
            t.sums[blocks + block] = sums[1];
        }
    }
};

template <class T>
NR_DEVICE void sum_squares(const launch &l) {
    for_warps<T>(l, square_block<T>{l});
}

/* By one block: the sums of every tensor's blocks, then those of the tensors in their order. */
template <class T>
NR_DEVICE void find_norm(const launch &l) {
    const int64_t warps = threads_in_block() / warp_threads;
    for (int64_t n = thread_in_block() / warp_threads; n < l.count; n += warps) {
        const int64_t blocks = l.first[n + 1] - l.first[n];
        if (blocks == 0)
            continue;
        double *sums = tensor_at<T>(l, n).sums;
        reduce_by_warp(sums, blocks);
        reduce_by_warp(sums + blocks, blocks);
    }
    barrier();
    if (thread_in_block() != 0)
        return;
    double total = 0.0;
    double shrunk = 0.0;
    for (int64_t n = 0; n < l.count; ++n) {
        const int64_t blocks = l.first[n + 1] - l.first[n];
        if (blocks == 0)
            continue;
        const double *sums = tensor_at<T>(l, n).sums;
        total += sums[0];
        shrunk += sums[blocks];
    }
    l.found->norm = norm_of<T>(total, shrunk);
}

} // namespace nr::gpu

#endif
