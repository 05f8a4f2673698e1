/* What a program may use of CUDA without including anything, as far as this project does. */
#ifndef NR_TESTS_CUDA_NVCC_WORDS_H
#define NR_TESTS_CUDA_NVCC_WORDS_H

#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(threads, blocks) __attribute__((launch_bounds(threads, blocks)))

#define NR_POSITION(name, register)                                                                                    \
    struct name##_type {                                                                                               \
        struct part {                                                                                                  \
            __device__ operator unsigned() const { return static_cast<unsigned>(register); }                           \
        };                                                                                                             \
        part x;                                                                                                        \
    };                                                                                                                 \
    __device__ extern const name##_type name;
NR_POSITION(threadIdx, __nvvm_read_ptx_sreg_tid_x())
NR_POSITION(blockDim, __nvvm_read_ptx_sreg_ntid_x())
NR_POSITION(blockIdx, __nvvm_read_ptx_sreg_ctaid_x())
NR_POSITION(gridDim, __nvvm_read_ptx_sreg_nctaid_x())
#undef NR_POSITION

struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) double2 {
    double x, y;
};

__device__ inline double __shfl_down_sync(unsigned mask, double x, int lanes) {
    const int low = __nvvm_shfl_sync_down_i32(mask, __nvvm_d2i_lo(x), lanes, 31);
    const int high = __nvvm_shfl_sync_down_i32(mask, __nvvm_d2i_hi(x), lanes, 31);
    return __nvvm_lohi_i2d(low, high);
}
__device__ inline void __syncwarp() { __nvvm_bar_warp_sync(0xffffffffu); }
__device__ inline float __fsqrt_rn(float x) { return __nvvm_sqrt_rn_f(x); }
__device__ inline double __dsqrt_rn(double x) { return __nvvm_sqrt_rn_d(x); }
__device__ inline float fabsf(float x) { return __builtin_fabsf(x); }
__device__ inline double fabs(double x) { return __builtin_fabs(x); }

#endif
