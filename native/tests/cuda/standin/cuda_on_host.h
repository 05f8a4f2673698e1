/* What cuda/device.h asks of a GPU, on a processor: the threads of a block are fibers, and wait for each other at barriers and
 * shuffles. */
#ifndef NR_TESTS_CUDA_ON_HOST_H
#define NR_TESTS_CUDA_ON_HOST_H

#include <cmath>
#include <cstdint>

namespace standin {

/* The thread that runs now. */
struct thread_position {
    uint32_t thread, threads, block, blocks;
};
extern thread_position now;

/* Waits until all threads of the warp, or of the block, are there. */
void wait_for_warp();
void wait_for_block();

/* Gives the warp's threads each other's values. */
double exchange_down(double mine, int lanes);

} // namespace standin

namespace nr::gpu {

inline uint32_t thread_in_block() { return standin::now.thread; }
inline uint32_t threads_in_block() { return standin::now.threads; }
inline uint32_t block_in_grid() { return standin::now.block; }
inline uint32_t blocks_in_grid() { return standin::now.blocks; }
inline void barrier() { standin::wait_for_block(); }
inline void warp_barrier() { standin::wait_for_warp(); }
inline double shuffle_down(double x, int lanes) { return standin::exchange_down(x, lanes); }
inline float root_of(float x) { return std::sqrt(x); }
inline double root_of(double x) { return std::sqrt(x); }
inline float magnitude_of(float x) { return std::fabs(x); }
inline double magnitude_of(double x) { return std::fabs(x); }

struct alignas(16) four_floats {
    float x, y, z, w;
};
struct alignas(16) two_doubles {
    double x, y;
};

} // namespace nr::gpu

#endif
