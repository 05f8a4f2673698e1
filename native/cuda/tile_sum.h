/* The canonical order of summation for rows whose elements lie side by side: a block of threads takes 32 rows, and neighbouring
 * threads read neighbouring rows. Each warp has four of the 32 lanes of all of them. */
#ifndef NR_CUDA_TILE_SUM_H
#define NR_CUDA_TILE_SUM_H

#include "cuda/work.h"

namespace nr::gpu {

static_assert(tile_rows == warp_threads, "a thread of a warp has a row");
constexpr int warps_in_block = block_threads / warp_threads;
constexpr int lanes_of_warp = warp_threads / warps_in_block;

/* x[0] += x[Half], and so on, half of them at a time, until one is left. */
template <int Half, int Count>
NR_DEVICE double add_halves(double (&x)[Count]) {
    NR_UNROLL
    for (int n = 0; n < Half; ++n)
        x[n] += x[n + Half];
    if constexpr (Half > 1)
        return add_halves<Half / 2>(x);
    else
        return x[0];
}

/* sums[k] = the sum of the k-th value that terms gives for the elements [begin, end), at most a block of them; every warp has
 * it, a thread for each row. All threads of the block call this. */
template <int Sums, class Terms>
NR_DEVICE void sum_by_block(int64_t begin, int64_t end, const Terms &terms, double (&sums)[Sums]) {
    NR_SHARED double parts[Sums][warps_in_block][tile_rows];
    const int warp = static_cast<int>(thread_in_block() / warp_threads);
    double lanes[Sums][lanes_of_warp] = {};
    for (int64_t i = begin + warp; i < end; i += warp_threads) {
        NR_UNROLL
        for (int n = 0; n < lanes_of_warp; ++n) {
            const int64_t at = i + n * warps_in_block;
            if (at >= end)
                continue;
            double values[Sums];
            terms.values(at, values);
            NR_UNROLL
            for (int k = 0; k < Sums; ++k)
                lanes[k][n] += values[k];
        }
    }
    barrier(); /* the parts of the last call have been read */
    NR_UNROLL
    for (int k = 0; k < Sums; ++k)
        parts[k][warp][lane_in_warp()] = add_halves<lanes_of_warp / 2>(lanes[k]);
    barrier();
    NR_UNROLL
    for (int k = 0; k < Sums; ++k) {
        double rest[warps_in_block];
        NR_UNROLL
        for (int n = 0; n < warps_in_block; ++n)
            rest[n] = parts[k][n][lane_in_warp()];
        sums[k] = add_halves<warps_in_block / 2>(rest);
    }
}

} // namespace nr::gpu

#endif
