/* The canonical order of summation, by a warp: its threads are the 32 lanes of a block of 4,096 elements. */
#ifndef NR_CUDA_WARP_SUM_H
#define NR_CUDA_WARP_SUM_H

#include "cuda/work.h"

namespace nr::gpu {

/* sums[k] = the sum of the k-th value that terms gives for the elements [begin, end), at most a block of them; the first
 * thread has it. So many values of a thread are found at once as Terms says, and waited for together. */
template <int Sums, class Terms>
NR_DEVICE void sum_by_warp(int64_t begin, int64_t end, const Terms &terms, double (&sums)[Sums]) {
    NR_UNROLL
    for (int k = 0; k < Sums; ++k)
        sums[k] = 0.0;
    int64_t i = begin + lane_in_warp();
    for (constexpr int most = Terms::at_once; most > 1 && end - i > (most - 1) * warp_threads;
         i += most * warp_threads) {
        double values[most][Sums];
        NR_UNROLL
        for (int n = 0; n < most; ++n)
            terms.values(i + n * warp_threads, values[n]);
        NR_UNROLL
        for (int n = 0; n < most; ++n)
            NR_UNROLL
        for (int k = 0; k < Sums; ++k)
            sums[k] += values[n][k];
    }
    for (; i < end; i += warp_threads) {
        double values[Sums];
        terms.values(i, values);
        NR_UNROLL
        for (int k = 0; k < Sums; ++k)
            sums[k] += values[k];
    }
    NR_UNROLL
    for (int half = warp_threads / 2; half >= 1; half /= 2) {
        NR_UNROLL
        for (int k = 0; k < Sums; ++k)
            sums[k] += shuffle_down(sums[k], half);
    }
}

struct stored_values {
    static constexpr int at_once = 8;
    const double *from;

    NR_DEVICE void values(int64_t i, double (&out)[1]) const { out[0] = from[i]; }
};

/* The reduction of n block sums to one, which the first thread has. sums is overwritten. */
NR_DEVICE double reduce_by_warp(double *sums, int64_t n) {
    double result[1] = {};
    do {
        int64_t block = 0;
        for (int64_t begin = 0; begin < n; begin += sum_block, ++block) {
            const int64_t end = n - begin < sum_block ? n : begin + sum_block;
            sum_by_warp(begin, end, stored_values{sums}, result);
            if (lane_in_warp() == 0)
                sums[block] = result[0];
        }
        n = block;
        warp_barrier();
    } while (n > 1);
    return result[0];
}

} // namespace nr::gpu

#endif
