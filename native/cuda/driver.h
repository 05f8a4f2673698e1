/* The CUDA driver, opened at run time. What we use of it is declared here: no header of the SDK is needed. */
#ifndef NR_CUDA_DRIVER_H
#define NR_CUDA_DRIVER_H

#include "nativeranger_cuda.h"

#include <stddef.h>

namespace nr_cuda {

using cu_result = int;
using cu_device = int;
using cu_context = struct CUctx_st *;
using cu_module = struct CUmod_st *;
using cu_function = struct CUfunc_st *;
using cu_stream = struct CUstream_st *;
using cu_event = struct CUevent_st *;
using cu_pointer = uint64_t;

constexpr cu_result cu_success = 0;
constexpr cu_result cu_out_of_memory = 2;

/* CUdevice_attribute, CUpointer_attribute, CUfunction_attribute, CUjit_option and flags of which we make use. */
constexpr int multiprocessor_count = 16;
constexpr int capability_major = 75;
constexpr int capability_minor = 76;
constexpr int pointer_context = 1;
constexpr int pointer_memory_type = 2;
constexpr int pointer_device = 9;
constexpr int pointer_range_start = 11;
constexpr int pointer_range_size = 12;
constexpr unsigned memory_of_device = 2;
constexpr int function_shared_bytes = 1;
constexpr int function_local_bytes = 3;
constexpr int function_registers = 4;
constexpr int jit_error_log = 5;
constexpr int jit_error_log_bytes = 6;
constexpr unsigned host_memory_portable = 1;
constexpr unsigned stream_non_blocking = 1;
constexpr unsigned event_without_timing = 2;

#define NR_CUDA_FUNCTIONS(F)                                                                                           \
    F(cuInit, (unsigned))                                                                                              \
    F(cuDriverGetVersion, (int *))                                                                                     \
    F(cuGetErrorName, (cu_result, const char **))                                                                      \
    F(cuGetErrorString, (cu_result, const char **))                                                                    \
    F(cuDeviceGetCount, (int *))                                                                                       \
    F(cuDeviceGet, (cu_device *, int))                                                                                 \
    F(cuDeviceGetName, (char *, int, cu_device))                                                                       \
    F(cuDeviceGetAttribute, (int *, int, cu_device))                                                                   \
    F(cuDeviceTotalMem_v2, (size_t *, cu_device))                                                                      \
    F(cuDevicePrimaryCtxRetain, (cu_context *, cu_device))                                                             \
    F(cuDevicePrimaryCtxRelease_v2, (cu_device))                                                                       \
    F(cuCtxPushCurrent_v2, (cu_context))                                                                               \
    F(cuCtxPopCurrent_v2, (cu_context *))                                                                              \
    F(cuCtxSynchronize, (void))                                                                                        \
    F(cuModuleLoadDataEx, (cu_module *, const void *, unsigned, int *, void **))                                       \
    F(cuModuleUnload, (cu_module))                                                                                     \
    F(cuModuleGetFunction, (cu_function *, cu_module, const char *))                                                   \
    F(cuFuncGetAttribute, (int *, int, cu_function))                                                                   \
    F(cuOccupancyMaxActiveBlocksPerMultiprocessor, (int *, cu_function, int, size_t))                                  \
    F(cuLaunchKernel, (cu_function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, cu_stream,   \
                       void **, void **))                                                                              \
    F(cuMemAlloc_v2, (cu_pointer *, size_t))                                                                           \
    F(cuMemFree_v2, (cu_pointer))                                                                                      \
    F(cuMemHostAlloc, (void **, size_t, unsigned))                                                                     \
    F(cuMemFreeHost, (void *))                                                                                         \
    F(cuMemcpyAsync, (cu_pointer, cu_pointer, size_t, cu_stream))                                                      \
    F(cuMemsetD8Async, (cu_pointer, unsigned char, size_t, cu_stream))                                                 \
    F(cuPointerGetAttributes, (unsigned, int *, void **, cu_pointer))                                                  \
    F(cuStreamCreate, (cu_stream *, unsigned))                                                                         \
    F(cuStreamDestroy_v2, (cu_stream))                                                                                 \
    F(cuStreamSynchronize, (cu_stream))                                                                                \
    F(cuStreamWaitEvent, (cu_stream, cu_event, unsigned))                                                              \
    F(cuEventCreate, (cu_event *, unsigned))                                                                           \
    F(cuEventDestroy_v2, (cu_event))                                                                                   \
    F(cuEventRecord, (cu_event, cu_stream))                                                                            \
    F(cuEventSynchronize, (cu_event))

struct driver {
#define NR_CUDA_MEMBER(name, parameters) cu_result(*name) parameters;
    NR_CUDA_FUNCTIONS(NR_CUDA_MEMBER)
#undef NR_CUDA_MEMBER
    int version;
};

struct message {
    char text[1024];
};

/* The driver of this process, or null with the reason. The first that opens stays. */
const driver *open_driver(const char *name, message &why);

/* text, cut to capacity bytes with the final 0; capacity may be 0. */
void write_text(char *to, int64_t capacity, const char *text);

} // namespace nr_cuda

#endif
