/* nativeranger_cuda.h: the C contract of libnativeranger_cuda, the steps of nativeranger.h on NVIDIA GPUs, with the same bits.
 *
 * The driver is opened at run time (libcuda.so.1): nothing of CUDA is needed to build or to link, and a machine without it gets
 * a status with its reason. The kernels are part of the library as PTX, which the driver compiles when a device is opened.
 *
 * A device's primary context is used, which other libraries of the process share; each call makes it current and puts the
 * caller's back. Work is put into queues (streams) and runs asynchronously: an entry that takes a queue returns before the
 * device is done, unless it says otherwise. A failure of work that is under way is reported by a later call.
 *
 * The calls on one queue are made by one thread at a time; different queues are independent. Nothing is printed.
 */
#ifndef NATIVERANGER_CUDA_H
#define NATIVERANGER_CUDA_H

#include "nativeranger.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this contract. It changes whenever a caller compiled against the old one could misunderstand the new. */
enum nr_cuda_abi { NR_CUDA_ABI_VERSION = 1 };

/* What an entry returns besides the codes of nr_status_code. Values are pinned for ever. */
enum nr_cuda_status_code {
    NR_CUDA_E_DRIVER = 100, /* there is no driver, it is too old, or it lacks functions */
    NR_CUDA_E_DEVICE = 101, /* there is no such device, or it is too old */
    NR_CUDA_E_MEMORY = 102, /* there is not enough memory; nothing was launched */
    NR_CUDA_E_CALL = 103,   /* the driver refused a call; nr_cuda_failure says which and why */
    NR_CUDA_E_LOST = 104,   /* the device is lost to this process: this and every later call fails, memory is gone */
    NR_CUDA_E_POINTER = 105 /* memory that is not this device's, or shorter than it should be */
};

/* An opened device: its primary context is retained and the kernels are loaded. */
typedef struct nr_cuda_device nr_cuda_device;

/* A stream, with what a step needs beside the arrays. */
typedef struct nr_cuda_queue nr_cuda_queue;

/* Kernels of the caller, compiled from PTX, and one of them. */
typedef struct nr_cuda_module nr_cuda_module;
typedef struct nr_cuda_kernel nr_cuda_kernel;

/* What was opened. */
typedef struct nr_cuda_about {
    char name[256];
    int32_t ordinal;
    int32_t driver_version; /* 12040 is 12.4 */
    int32_t capability;     /* 90 is 9.0 */
    int32_t multiprocessors;
    int64_t memory_bytes;
} nr_cuda_about;

/* What the driver's compiler made of a kernel. */
typedef struct nr_cuda_kernel_about {
    char name[64];
    int32_t registers;    /* of a thread */
    int32_t local_bytes;  /* of a thread: what did not fit its registers */
    int32_t shared_bytes; /* of a block */
    int32_t blocks;       /* that a multiprocessor runs at a time */
} nr_cuda_kernel_about;

/* Some of the tensors of a step, which share their options. */
typedef struct nr_cuda_group {
    const nr_options
        *options; /* isa and working_set are not looked at; clip_factor must be 1 where clip_norm is given */
    const nr_tensor *tensors; /* described on the host; every array they point to is the device's, nr_row included */
    int64_t count;
    double
        clip_norm; /* g *= T(clip_norm/norm) if the norm over the gradients of all groups exceeds it; 0 = not at all */
} nr_cuda_group;

/* nr_cuda_step.flags */
enum nr_cuda_step_flags {
    NR_CUDA_SKIP_NONFINITE = 1 /* the whole step does nothing if a gradient has an infinity or a NaN */
};

NR_API int32_t nr_cuda_abi_version(void);

/* Name ("NR_CUDA_E_DRIVER") and meaning of a status, those of nr_status_code included; never null. */
NR_API const char *nr_cuda_status_name(nr_status status);
NR_API const char *nr_cuda_status_text(nr_status status);

/* Struct layouts, as nr_layout: field the 0-based position in declaration order, or -1 for the size. */
enum nr_cuda_structure { NR_CUDA_STRUCT_ABOUT = 1, NR_CUDA_STRUCT_GROUP = 2, NR_CUDA_STRUCT_KERNEL_ABOUT = 3 };
NR_API int64_t nr_cuda_layout(int32_t structure, int32_t field);

/* Opens the device of that number, from 0. driver is a path or a name for the dynamic loader; null: what the environment
 * variable NATIVERANGER_CUDA_DRIVER names, or libcuda.so.1. The first driver of a process that opens stays; it must be of CUDA
 * 10.0 or later, the device of compute capability 7.0 or higher. message receives what went wrong, cut to capacity bytes with
 * the final 0. */
NR_API nr_status nr_cuda_open(const char *driver, int32_t ordinal, nr_cuda_device **device, char *message,
                              int64_t capacity);

/* Waits for the device's work, and gives the context back. Its queues, modules and memory must have been freed. null is
 * ignored. */
NR_API nr_status nr_cuda_close(nr_cuda_device *device);

NR_API nr_status nr_cuda_describe(const nr_cuda_device *device, nr_cuda_about *about);

/* The kernels of this library are numbered from 0; NR_E_LENGTH beyond the last. */
NR_API nr_status nr_cuda_describe_kernel(nr_cuda_device *device, int32_t number, nr_cuda_kernel_about *about);

/* The driver's function that failed last on this device and the driver's own words for it; empty if none has. */
NR_API nr_status nr_cuda_failure(const nr_cuda_device *device, char *message, int64_t capacity);

/* A queue of its own stream, or of a CUstream that its owner keeps until the queue is freed. */
NR_API nr_status nr_cuda_queue_create(nr_cuda_device *device, nr_cuda_queue **queue);
NR_API nr_status nr_cuda_queue_adopt(nr_cuda_device *device, void *stream, nr_cuda_queue **queue);
/* Waits for the queue's work, then frees it; null is ignored. */
NR_API nr_status nr_cuda_queue_free(nr_cuda_queue *queue);
/* The CUstream of a queue, which other queues and libraries may use as well. */
NR_API nr_status nr_cuda_queue_stream(const nr_cuda_queue *queue, void **stream);
/* Waits for the queue's work. */
NR_API nr_status nr_cuda_queue_wait(nr_cuda_queue *queue);
/* What is put into queue from now on waits, on the device, for what is in other now. */
NR_API nr_status nr_cuda_queue_follow(nr_cuda_queue *queue, nr_cuda_queue *other);

/* Makes the device's primary context the calling thread's current one, for calls of other libraries that ask for it, until the
 * thread calls nr_cuda_leave. */
NR_API nr_status nr_cuda_enter(nr_cuda_device *device);
NR_API nr_status nr_cuda_leave(nr_cuda_device *device);

/* Device memory, and host memory that copies go to and from asynchronously; at least 256-byte aligned. Freeing waits for the
 * device's work; null is ignored. */
NR_API nr_status nr_cuda_allocate(nr_cuda_device *device, int64_t bytes, void **memory);
NR_API nr_status nr_cuda_free(nr_cuda_device *device, void *memory);
NR_API nr_status nr_cuda_allocate_host(nr_cuda_device *device, int64_t bytes, void **memory);
NR_API nr_status nr_cuda_free_host(nr_cuda_device *device, void *memory);

/* NR_CUDA_E_POINTER unless the bytes from memory on are memory of this device, allocated in its primary context, by whatever
 * library, or in no context. */
NR_API nr_status nr_cuda_check_memory(nr_cuda_device *device, const void *memory, int64_t bytes);

/* Between any two of host and device. From or to pageable host memory the copy is done when the call returns. */
NR_API nr_status nr_cuda_copy(nr_cuda_queue *queue, void *to, const void *from, int64_t bytes);
/* Every byte 0. */
NR_API nr_status nr_cuda_clear(nr_cuda_queue *queue, void *memory, int64_t bytes);

/* nr_step on the device, for all groups as one step: a few launches, whatever the number of tensors, and no wait for any of
 * them. A status other than NR_OK up to NR_CUDA_E_MEMORY means that nothing was launched. Tensors of a skippable or clipped step
 * must be contiguous. row_values are used as they are where given. */
NR_API nr_status nr_cuda_step(nr_cuda_queue *queue, int32_t group_count, const nr_cuda_group *groups, uint32_t flags);

/* Waits until it is known whether the last step of the queue was skipped: *skipped is 1 or 0. */
NR_API nr_status nr_cuda_outcome(nr_cuda_queue *queue, int32_t *skipped);

/* sum += gradient, elementwise in the type: one micro-batch. */
NR_API nr_status nr_cuda_accumulate(nr_cuda_queue *queue, int32_t type, int64_t n, const void *gradient, void *sum);

/* Kernels of the caller. ptx ends with a 0; message receives the compiler's words. */
NR_API nr_status nr_cuda_module_load(nr_cuda_device *device, const char *ptx, nr_cuda_module **module, char *message,
                                     int64_t capacity);
/* Waits for the device's work; null is ignored. */
NR_API nr_status nr_cuda_module_free(nr_cuda_module *module);
/* Valid as long as its module. */
NR_API nr_status nr_cuda_module_kernel(nr_cuda_module *module, const char *name, nr_cuda_kernel **kernel);
/* arguments[i] is the address of the i-th argument. */
NR_API nr_status nr_cuda_launch(nr_cuda_queue *queue, nr_cuda_kernel *kernel, int64_t blocks, int32_t threads,
                                void *const *arguments);

#ifdef __cplusplus
}
#endif

#endif
