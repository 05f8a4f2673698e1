/* What the kernels ask of a GPU, in the words of whoever compiles them: clang without the CUDA SDK, nvcc, or a host compiler,
 * for which a test brings blocks, threads, barriers and shuffles of its own.
 *
 * Include this before any formula: it says where their functions run. */
#ifndef NR_CUDA_DEVICE_H
#define NR_CUDA_DEVICE_H

#include <stdint.h>

#define NR_LANES gpu

#if defined(__CUDACC__) && !defined(__clang__) /* nvcc */

#define NR_DEVICE __device__ __forceinline__
#define NR_KERNEL(blocks) extern "C" __global__ void __launch_bounds__(NR_BLOCK_THREADS, blocks)
#define NR_SHARED __shared__
#define NR_GLOBAL
#define NR_SQUARE_ROOT(x) __dsqrt_rn(x)

namespace nr::gpu {
NR_DEVICE uint32_t thread_in_block() { return threadIdx.x; }
NR_DEVICE uint32_t threads_in_block() { return blockDim.x; }
NR_DEVICE uint32_t block_in_grid() { return blockIdx.x; }
NR_DEVICE uint32_t blocks_in_grid() { return gridDim.x; }
NR_DEVICE void barrier() { __syncthreads(); }
NR_DEVICE double shuffle_down(double x, int lanes) { return __shfl_down_sync(0xffffffffu, x, lanes); }
NR_DEVICE void warp_barrier() { __syncwarp(); }
NR_DEVICE float root_of(float x) { return __fsqrt_rn(x); }
NR_DEVICE double root_of(double x) { return __dsqrt_rn(x); }
NR_DEVICE float magnitude_of(float x) { return fabsf(x); }
NR_DEVICE double magnitude_of(double x) { return fabs(x); }
using four_floats = float4;
using two_doubles = double2;
} // namespace nr::gpu

#elif defined(__CUDA__) /* clang */

#define NR_DEVICE __attribute__((device)) inline __attribute__((always_inline))
#define NR_KERNEL(blocks)                                                                                              \
    extern "C" __attribute__((global)) __attribute__((launch_bounds(NR_BLOCK_THREADS, blocks))) void
#define NR_SHARED __attribute__((shared))
/* Pointers that come out of a table are not known to point to global memory unless one says so. */
#define NR_GLOBAL __attribute__((address_space(1)))
#define NR_SQUARE_ROOT(x) __nvvm_sqrt_rn_d(x)

namespace nr::gpu {
NR_DEVICE uint32_t thread_in_block() { return static_cast<uint32_t>(__nvvm_read_ptx_sreg_tid_x()); }
NR_DEVICE uint32_t threads_in_block() { return static_cast<uint32_t>(__nvvm_read_ptx_sreg_ntid_x()); }
NR_DEVICE uint32_t block_in_grid() { return static_cast<uint32_t>(__nvvm_read_ptx_sreg_ctaid_x()); }
NR_DEVICE uint32_t blocks_in_grid() { return static_cast<uint32_t>(__nvvm_read_ptx_sreg_nctaid_x()); }
NR_DEVICE void barrier() { __syncthreads(); }
NR_DEVICE double shuffle_down(double x, int lanes) {
    const int low = __nvvm_shfl_sync_down_i32(0xffffffffu, __nvvm_d2i_lo(x), lanes, 31);
    const int high = __nvvm_shfl_sync_down_i32(0xffffffffu, __nvvm_d2i_hi(x), lanes, 31);
    return __nvvm_lohi_i2d(low, high);
}
NR_DEVICE void warp_barrier() { __nvvm_bar_warp_sync(0xffffffffu); }
NR_DEVICE float root_of(float x) { return __nvvm_sqrt_rn_f(x); }
NR_DEVICE double root_of(double x) { return __nvvm_sqrt_rn_d(x); }
NR_DEVICE float magnitude_of(float x) { return __builtin_fabsf(x); }
NR_DEVICE double magnitude_of(double x) { return __builtin_fabs(x); }
typedef float four_floats __attribute__((ext_vector_type(4)));
typedef double two_doubles __attribute__((ext_vector_type(2)));
} // namespace nr::gpu

#else /* a host compiler; "cuda_on_host.h" is the test's */

#define NR_DEVICE inline __attribute__((always_inline))
#define NR_KERNEL(blocks) extern "C" void
#define NR_SHARED static
#define NR_GLOBAL
#define NR_SQUARE_ROOT(x) __builtin_sqrt(x)
#include "cuda_on_host.h"

#endif

#define NR_INLINE NR_DEVICE

/* What keeps a load of a lane as it was written. Its address is named before it, lest its parts be addressed, and loaded, one by
 * one; its values are named behind it, lest it move to behind a branch, to where they are used, and be waited for alone. */
namespace nr::gpu {
#if defined(__CUDA__) || defined(__CUDACC__)
template <class T>
NR_DEVICE const T *from_here(const T *address) {
    asm("" : "+l"(address));
    return address;
}
NR_DEVICE void loaded_here(float (&x)[1]) { asm volatile("" : "+f"(x[0])); }
NR_DEVICE void loaded_here(float (&x)[4]) { asm volatile("" : "+f"(x[0]), "+f"(x[1]), "+f"(x[2]), "+f"(x[3])); }
NR_DEVICE void loaded_here(double (&x)[1]) { asm volatile("" : "+d"(x[0])); }
NR_DEVICE void loaded_here(double (&x)[2]) { asm volatile("" : "+d"(x[0]), "+d"(x[1])); }
#else
template <class T>
NR_DEVICE const T *from_here(const T *address) {
    return address;
}
template <class T, int Count>
NR_DEVICE void loaded_here(T (&)[Count]) {}
#endif
} // namespace nr::gpu

/* Threads of every block, and of a warp. */
#define NR_BLOCK_THREADS 256

namespace nr::gpu {
constexpr int block_threads = NR_BLOCK_THREADS;
constexpr int warp_threads = 32;
} // namespace nr::gpu

#endif
