/* Devices, memory, and kernels of the caller. */
#include "cuda/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ptx.S; ends with a 0. */
extern "C" __attribute__((visibility("hidden"))) const char nr_cuda_ptx[];

namespace nr_cuda {
namespace {

constexpr int oldest_capability = 70;

struct kernel_name {
    const char *float32;
    const char *float64;
};

const kernel_name names[] = {
#define NR_CUDA_NAME(name) {"nr_" #name "_f32", "nr_" #name "_f64"},
    NR_CUDA_KERNELS(NR_CUDA_NAME)
#undef NR_CUDA_NAME
};

/* After these the context is of no use any more. */
bool loses_device(cu_result result) {
    switch (result) {
    case 4:   /* deinitialized */
    case 46:  /* device unavailable */
    case 214: /* uncorrectable ECC error */
    case 219: /* NVLink error */
    case 700: /* illegal address */
    case 702: /* launch timeout */
    case 709: /* context is destroyed */
    case 710: /* assert */
    case 714: /* hardware stack error */
    case 715: /* illegal instruction */
    case 716: /* misaligned address */
    case 717: /* invalid address space */
    case 718: /* invalid program counter */
    case 719: /* launch failed */
    case 999: /* unknown */
        return true;
    default:
        return false;
    }
}

nr_status describe(nr_cuda_device *d) {
    int major = 0, minor = 0;
    size_t bytes = 0;
    nr_cuda_about &a = d->about;
    nr_status status = NR_CUDA_CALL(d, cuDeviceGetName, a.name, static_cast<int>(sizeof a.name), d->device);
    if (status == NR_OK)
        status = NR_CUDA_CALL(d, cuDeviceGetAttribute, &a.multiprocessors, multiprocessor_count, d->device);
    if (status == NR_OK)
        status = NR_CUDA_CALL(d, cuDeviceGetAttribute, &major, capability_major, d->device);
    if (status == NR_OK)
        status = NR_CUDA_CALL(d, cuDeviceGetAttribute, &minor, capability_minor, d->device);
    if (status == NR_OK)
        status = NR_CUDA_CALL(d, cuDeviceTotalMem_v2, &bytes, d->device);
    a.capability = 10 * major + minor;
    a.memory_bytes = static_cast<int64_t>(bytes);
    a.driver_version = d->api->version;
    return status;
}

nr_status find_device(nr_cuda_device *d, int32_t ordinal, message &why) {
    int count = 0;
    nr_status status = NR_CUDA_CALL(d, cuDeviceGetCount, &count);
    if (status != NR_OK)
        return status;
    if (ordinal < 0 || ordinal >= count) {
        snprintf(why.text, sizeof why.text, "there is no device %d; the driver sees %d", ordinal, count);
        return NR_CUDA_E_DEVICE;
    }
    d->about.ordinal = ordinal;
    status = NR_CUDA_CALL(d, cuDeviceGet, &d->device, ordinal);
    if (status == NR_OK)
        status = describe(d);
    if (status == NR_OK && d->about.capability < oldest_capability) {
        snprintf(why.text, sizeof why.text, "%s is of compute capability %d.%d; 7.0 or higher is needed", d->about.name,
                 d->about.capability / 10, d->about.capability % 10);
        return NR_CUDA_E_DEVICE;
    }
    return status;
}

nr_status load_kernels(nr_cuda_device *d, message &why) {
    const current here(d);
    nr_status status = here.status();
    if (status == NR_OK)
        status = load_module(d, nr_cuda_ptx, &d->kernels, why);
    for (int i = 0; i < kernel_count && status == NR_OK; ++i) {
        status = NR_CUDA_CALL(d, cuModuleGetFunction, &d->functions[i][0], d->kernels, names[i].float32);
        if (status == NR_OK)
            status = NR_CUDA_CALL(d, cuModuleGetFunction, &d->functions[i][1], d->kernels, names[i].float64);
    }
    if (status != NR_OK && d->kernels != nullptr)
        d->api->cuModuleUnload(d->kernels);
    return status;
}

nr_status open_device(nr_cuda_device *d, int32_t ordinal, message &why) {
    nr_status status = find_device(d, ordinal, why);
    if (status != NR_OK)
        return status;
    status = NR_CUDA_CALL(d, cuDevicePrimaryCtxRetain, &d->context, d->device);
    if (status != NR_OK)
        return status;
    status = load_kernels(d, why);
    if (status != NR_OK)
        d->api->cuDevicePrimaryCtxRelease_v2(d->device);
    return status;
}

/* *memory is what call puts there, or null. */
template <class Call>
nr_status allocate(nr_cuda_device *device, int64_t bytes, void **memory, const Call &call) {
    if (device == nullptr || memory == nullptr)
        return NR_E_NULL;
    *memory = nullptr;
    if (bytes < 0)
        return NR_E_LENGTH;
    if (bytes == 0)
        return NR_OK;
    const current here(device);
    const nr_status status = here.status() == NR_OK ? call() : here.status();
    if (status != NR_OK)
        *memory = nullptr;
    return status;
}

template <class Call>
nr_status free_memory(nr_cuda_device *device, void *memory, const Call &call) {
    if (device == nullptr)
        return NR_E_NULL;
    if (memory == nullptr)
        return NR_OK;
    const current here(device);
    nr_status status = here.status();
    if (status == NR_OK)
        status = wait_for_device(device);
    return status == NR_OK ? call() : status;
}

} // namespace

nr_status check(nr_cuda_device *device, cu_result result, const char *function) {
    if (result == cu_success)
        return NR_OK;
    const char *text = nullptr;
    const char *name = nullptr;
    device->api->cuGetErrorString(result, &text);
    device->api->cuGetErrorName(result, &name);
    snprintf(device->failure.text, sizeof device->failure.text, "%s failed: %s (%s, %d)", function,
             text != nullptr ? text : "unknown error", name != nullptr ? name : "no name", result);
    if (loses_device(result))
        device->lost = true;
    return device->lost ? NR_CUDA_E_LOST : result == cu_out_of_memory ? NR_CUDA_E_MEMORY : NR_CUDA_E_CALL;
}

nr_status load_module(nr_cuda_device *device, const char *ptx, cu_module *module, message &why) {
    int options[] = {jit_error_log, jit_error_log_bytes};
    void *values[] = {why.text, reinterpret_cast<void *>(sizeof why.text)};
    return NR_CUDA_CALL(device, cuModuleLoadDataEx, module, ptx, 2, options, values);
}

unsigned grid_of(const nr_cuda_device *device, int64_t blocks) {
    constexpr int64_t blocks_per_multiprocessor = 8;
    const int64_t most = blocks_per_multiprocessor * device->about.multiprocessors;
    return static_cast<unsigned>(blocks < most ? blocks : most);
}

nr_status launch_kernel(nr_cuda_queue *queue, cu_function function, int64_t blocks, int threads, void **arguments) {
    return NR_CUDA_CALL(queue->device, cuLaunchKernel, function, static_cast<unsigned>(blocks), 1, 1,
                        static_cast<unsigned>(threads), 1, 1, 0, queue->stream, arguments, nullptr);
}

} // namespace nr_cuda

using namespace nr_cuda;

nr_status nr_cuda_open(const char *driver, int32_t ordinal, nr_cuda_device **device, char *message, int64_t capacity) {
    if (device == nullptr)
        return NR_E_NULL;
    *device = nullptr;
    nr_cuda::message why = {};
    const nr_cuda::driver *api = open_driver(driver, why);
    if (api == nullptr) {
        write_text(message, capacity, why.text);
        return NR_CUDA_E_DRIVER;
    }
    auto *d = static_cast<nr_cuda_device *>(calloc(1, sizeof(nr_cuda_device)));
    if (d == nullptr)
        return NR_CUDA_E_MEMORY;
    d->api = api;
    const nr_status status = open_device(d, ordinal, why);
    if (status != NR_OK) {
        nr_cuda::message both;
        snprintf(both.text, sizeof both.text, "%.600s%s%.400s", d->failure.text,
                 d->failure.text[0] != 0 && why.text[0] != 0 ? ": " : "", why.text);
        write_text(message, capacity, both.text);
        free(d);
        return status;
    }
    write_text(message, capacity, "");
    *device = d;
    return NR_OK;
}

nr_status nr_cuda_close(nr_cuda_device *device) {
    if (device == nullptr)
        return NR_OK;
    {
        const current here(device);
        if (here.status() == NR_OK) {
            device->api->cuCtxSynchronize();
            device->api->cuModuleUnload(device->kernels);
        }
    }
    device->api->cuDevicePrimaryCtxRelease_v2(device->device);
    free(device);
    return NR_OK;
}

nr_status nr_cuda_describe(const nr_cuda_device *device, nr_cuda_about *about) {
    if (device == nullptr || about == nullptr)
        return NR_E_NULL;
    *about = device->about;
    return NR_OK;
}

nr_status nr_cuda_describe_kernel(nr_cuda_device *device, int32_t number, nr_cuda_kernel_about *about) {
    if (device == nullptr || about == nullptr)
        return NR_E_NULL;
    if (number < 0 || number >= 2 * kernel_count)
        return NR_E_LENGTH;
    const current here(device);
    if (here.status() != NR_OK)
        return here.status();
    const kernel_name &name = names[number / 2];
    *about = {};
    write_text(about->name, sizeof about->name, number % 2 == 0 ? name.float32 : name.float64);
    cu_function function = device->functions[number / 2][number % 2];
    nr_status status = NR_CUDA_CALL(device, cuFuncGetAttribute, &about->registers, function_registers, function);
    if (status == NR_OK)
        status = NR_CUDA_CALL(device, cuFuncGetAttribute, &about->local_bytes, function_local_bytes, function);
    if (status == NR_OK)
        status = NR_CUDA_CALL(device, cuFuncGetAttribute, &about->shared_bytes, function_shared_bytes, function);
    if (status == NR_OK)
        status = NR_CUDA_CALL(device, cuOccupancyMaxActiveBlocksPerMultiprocessor, &about->blocks, function,
                              block_threads, size_t{0});
    return status;
}

nr_status nr_cuda_failure(const nr_cuda_device *device, char *message, int64_t capacity) {
    if (device == nullptr)
        return NR_E_NULL;
    write_text(message, capacity, device->failure.text);
    return NR_OK;
}

nr_status nr_cuda_allocate(nr_cuda_device *device, int64_t bytes, void **memory) {
    return allocate(device, bytes, memory, [&] {
        return NR_CUDA_CALL(device, cuMemAlloc_v2, reinterpret_cast<cu_pointer *>(memory), static_cast<size_t>(bytes));
    });
}

nr_status nr_cuda_free(nr_cuda_device *device, void *memory) {
    return free_memory(device, memory,
                       [&] { return NR_CUDA_CALL(device, cuMemFree_v2, reinterpret_cast<cu_pointer>(memory)); });
}

nr_status nr_cuda_allocate_host(nr_cuda_device *device, int64_t bytes, void **memory) {
    return allocate(device, bytes, memory, [&] {
        return NR_CUDA_CALL(device, cuMemHostAlloc, memory, static_cast<size_t>(bytes), host_memory_portable);
    });
}

nr_status nr_cuda_free_host(nr_cuda_device *device, void *memory) {
    return free_memory(device, memory, [&] { return NR_CUDA_CALL(device, cuMemFreeHost, memory); });
}

nr_status nr_cuda_enter(nr_cuda_device *device) {
    if (device == nullptr)
        return NR_E_NULL;
    return device->lost ? nr_status{NR_CUDA_E_LOST} : NR_CUDA_CALL(device, cuCtxPushCurrent_v2, device->context);
}

nr_status nr_cuda_leave(nr_cuda_device *device) {
    if (device == nullptr)
        return NR_E_NULL;
    cu_context popped;
    return NR_CUDA_CALL(device, cuCtxPopCurrent_v2, &popped);
}

nr_status nr_cuda_check_memory(nr_cuda_device *device, const void *memory, int64_t bytes) {
    if (device == nullptr)
        return NR_E_NULL;
    if (bytes < 0)
        return NR_E_LENGTH;
    if (bytes == 0)
        return NR_OK;
    if (memory == nullptr)
        return NR_E_NULL;
    const current here(device);
    if (here.status() != NR_OK)
        return here.status();
    unsigned type = 0;
    cu_context context = nullptr;
    int ordinal = -1;
    cu_pointer start = 0;
    size_t size = 0;
    int attributes[] = {pointer_context, pointer_memory_type, pointer_device, pointer_range_start, pointer_range_size};
    void *values[] = {&context, &type, &ordinal, &start, &size};
    const cu_pointer address = reinterpret_cast<cu_pointer>(memory);
    /* Memory that the driver does not know is no failure of the driver. */
    if (device->api->cuPointerGetAttributes(5, attributes, values, address) != cu_success)
        return NR_CUDA_E_POINTER;
    const bool inside = address - start <= size && static_cast<size_t>(bytes) <= size - (address - start);
    /* Memory of pools belongs to no context, and may be used in all of its device. */
    const bool ours = ordinal == device->device && (context == nullptr || context == device->context);
    return type == memory_of_device && ours && inside ? nr_status{NR_OK} : nr_status{NR_CUDA_E_POINTER};
}

nr_status nr_cuda_module_load(nr_cuda_device *device, const char *ptx, nr_cuda_module **module, char *message,
                              int64_t capacity) {
    if (device == nullptr || ptx == nullptr || module == nullptr)
        return NR_E_NULL;
    *module = nullptr;
    const current here(device);
    if (here.status() != NR_OK)
        return here.status();
    nr_cuda::message why = {};
    cu_module loaded = nullptr;
    nr_status status = load_module(device, ptx, &loaded, why);
    auto *m = status == NR_OK ? static_cast<nr_cuda_module *>(calloc(1, sizeof(nr_cuda_module))) : nullptr;
    write_text(message, capacity, status == NR_OK || why.text[0] != 0 ? why.text : device->failure.text);
    if (status != NR_OK)
        return status;
    if (m == nullptr) {
        device->api->cuModuleUnload(loaded);
        return NR_CUDA_E_MEMORY;
    }
    *m = {device, loaded};
    *module = m;
    return NR_OK;
}

nr_status nr_cuda_module_free(nr_cuda_module *module) {
    if (module == nullptr)
        return NR_OK;
    nr_cuda_device *device = module->device;
    const current here(device);
    nr_status status = here.status();
    if (status == NR_OK)
        status = wait_for_device(device);
    if (status == NR_OK)
        status = NR_CUDA_CALL(device, cuModuleUnload, module->module);
    free(module);
    return status;
}

nr_status nr_cuda_module_kernel(nr_cuda_module *module, const char *name, nr_cuda_kernel **kernel) {
    if (module == nullptr || name == nullptr || kernel == nullptr)
        return NR_E_NULL;
    const current here(module->device);
    cu_function function = nullptr;
    nr_status status = here.status();
    if (status == NR_OK)
        status = NR_CUDA_CALL(module->device, cuModuleGetFunction, &function, module->module, name);
    *kernel = reinterpret_cast<nr_cuda_kernel *>(function);
    return status;
}

nr_status nr_cuda_launch(nr_cuda_queue *queue, nr_cuda_kernel *kernel, int64_t blocks, int32_t threads,
                         void *const *arguments) {
    if (queue == nullptr || kernel == nullptr)
        return NR_E_NULL;
    if (blocks < 0 || blocks > INT32_MAX || threads < 1 || threads > 1024)
        return NR_E_LENGTH;
    const current here(queue->device);
    if (here.status() != NR_OK || blocks == 0)
        return here.status();
    return launch_kernel(queue, reinterpret_cast<cu_function>(kernel), blocks, threads, const_cast<void **>(arguments));
}
