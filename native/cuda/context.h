/* The opaque handles, and how the driver's results become statuses. */
#ifndef NR_CUDA_CONTEXT_H
#define NR_CUDA_CONTEXT_H

#include "cuda/driver.h"
#include "cuda/kernel_list.h"

namespace nr_cuda {

/* In the order of NR_CUDA_KERNELS. */
enum kernel_id {
#define NR_CUDA_ID(name) kernel_##name,
    NR_CUDA_KERNELS(NR_CUDA_ID)
#undef NR_CUDA_ID
        kernel_count
};

/* Memory that grows and is used again from step to step. */
struct growing {
    void *memory;
    int64_t bytes;
};

/* Pinned memory that is being sent to the device, and the event after which it may be written again. */
struct staging_slot {
    growing host;
    cu_event done;
    bool used;
};

/* What the host writes for the device, on both sides. */
struct written {
    growing host;
    growing device;
};

constexpr int staging_slots = 3;

/* Threads of every block; NR_BLOCK_THREADS for the kernels. */
constexpr int block_threads = 256;

} // namespace nr_cuda

struct nr_cuda_device {
    const nr_cuda::driver *api;
    nr_cuda::cu_device device;
    nr_cuda::cu_context context;
    nr_cuda::cu_module kernels;
    nr_cuda::cu_function functions[nr_cuda::kernel_count][2]; /* float32, float64 */
    nr_cuda_about about;
    bool lost;
    nr_cuda::message failure;
};

struct nr_cuda_queue {
    nr_cuda_device *device;
    nr_cuda::cu_stream stream;
    bool owns_stream;
    nr_cuda::cu_event passed; /* for other queues to wait for */
    nr_cuda::staging_slot slots[nr_cuda::staging_slots];
    int next_slot;
    nr_cuda::written fresh;   /* what is sent with every step */
    nr_cuda::written table;   /* what is sent where it changes */
    int64_t table_known;      /* bytes from its beginning that are the same on both sides */
    nr_cuda::growing scratch; /* device: sums and statistics */
    nr_cuda::growing plan;    /* host: the launches of a step */
    void *verdict;            /* host, pinned */
    nr_cuda::cu_event judged;
    bool skippable; /* the last step could be skipped */
};

struct nr_cuda_module {
    nr_cuda_device *device;
    nr_cuda::cu_module module;
};

namespace nr_cuda {

/* NR_OK, or what went wrong, which nr_cuda_failure tells from then on. */
nr_status check(nr_cuda_device *device, cu_result result, const char *function);

#define NR_CUDA_CALL(handle, function, ...) check((handle), (handle)->api->function(__VA_ARGS__), #function)

/* Waits for all work of the current context. */
inline nr_status wait_for_device(nr_cuda_device *device) {
    return check(device, device->api->cuCtxSynchronize(), "cuCtxSynchronize");
}

/* Makes the device's context current for a call, and the caller's again afterwards. */
class current {
public:
    explicit current(nr_cuda_device *device) : device_(device) {
        status_ = device->lost ? nr_status{NR_CUDA_E_LOST} : NR_CUDA_CALL(device, cuCtxPushCurrent_v2, device->context);
        pushed_ = status_ == NR_OK;
    }
    ~current() {
        cu_context popped;
        if (pushed_)
            device_->api->cuCtxPopCurrent_v2(&popped);
    }
    current(const current &) = delete;
    current &operator=(const current &) = delete;

    nr_status status() const { return status_; }

private:
    nr_cuda_device *device_;
    nr_status status_;
    bool pushed_;
};

/* blocks: as many as there is work for, but no more than keep the device busy. */
nr_status launch_kernel(nr_cuda_queue *queue, cu_function function, int64_t blocks, int threads, void **arguments);
unsigned grid_of(const nr_cuda_device *device, int64_t blocks);

/* A compiled module, or the compiler's words. */
nr_status load_module(nr_cuda_device *device, const char *ptx, cu_module *module, message &why);

} // namespace nr_cuda

#endif
