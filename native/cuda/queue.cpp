/* Queues: streams, and the memory that a step needs beside its arrays. */
#include "cuda/context.h"

#include <stdlib.h>

namespace nr_cuda {
namespace {

nr_status make_events(nr_cuda_queue *q) {
    nr_status status = NR_CUDA_CALL(q->device, cuEventCreate, &q->passed, event_without_timing);
    if (status == NR_OK)
        status = NR_CUDA_CALL(q->device, cuEventCreate, &q->judged, event_without_timing);
    for (staging_slot &slot : q->slots)
        if (status == NR_OK)
            status = NR_CUDA_CALL(q->device, cuEventCreate, &slot.done, event_without_timing);
    if (status == NR_OK)
        status = NR_CUDA_CALL(q->device, cuMemHostAlloc, &q->verdict, size_t{64}, host_memory_portable);
    return status;
}

void free_parts(nr_cuda_queue *q) {
    const driver &api = *q->device->api;
    auto free_event = [&](cu_event event) {
        if (event != nullptr)
            api.cuEventDestroy_v2(event);
    };
    auto free_host = [&](void *memory) {
        if (memory != nullptr)
            api.cuMemFreeHost(memory);
    };
    auto free_device = [&](void *memory) {
        if (memory != nullptr)
            api.cuMemFree_v2(reinterpret_cast<cu_pointer>(memory));
    };
    free_event(q->passed);
    free_event(q->judged);
    free_host(q->verdict);
    for (const staging_slot &slot : q->slots) {
        free_event(slot.done);
        free_host(slot.host.memory);
    }
    free_device(q->fresh.device.memory);
    free_device(q->table.device.memory);
    free_device(q->scratch.memory);
    if (q->owns_stream && q->stream != nullptr)
        api.cuStreamDestroy_v2(q->stream);
}

nr_status make_queue(nr_cuda_device *device, cu_stream stream, bool own, nr_cuda_queue **queue) {
    if (device == nullptr || queue == nullptr)
        return NR_E_NULL;
    *queue = nullptr;
    const current here(device);
    if (here.status() != NR_OK)
        return here.status();
    auto *q = static_cast<nr_cuda_queue *>(calloc(1, sizeof(nr_cuda_queue)));
    if (q == nullptr)
        return NR_CUDA_E_MEMORY;
    q->device = device;
    q->stream = stream;
    q->owns_stream = own;
    nr_status status = own ? NR_CUDA_CALL(device, cuStreamCreate, &q->stream, stream_non_blocking) : nr_status{NR_OK};
    if (status == NR_OK)
        status = make_events(q);
    if (status != NR_OK) {
        free_parts(q);
        free(q);
        return status;
    }
    *queue = q;
    return NR_OK;
}

} // namespace
} // namespace nr_cuda

using namespace nr_cuda;

nr_status nr_cuda_queue_create(nr_cuda_device *device, nr_cuda_queue **queue) {
    return make_queue(device, nullptr, true, queue);
}

nr_status nr_cuda_queue_adopt(nr_cuda_device *device, void *stream, nr_cuda_queue **queue) {
    return make_queue(device, static_cast<cu_stream>(stream), false, queue);
}

nr_status nr_cuda_queue_free(nr_cuda_queue *queue) {
    if (queue == nullptr)
        return NR_OK;
    const current here(queue->device);
    nr_status status = here.status();
    if (status == NR_OK)
        status = NR_CUDA_CALL(queue->device, cuStreamSynchronize, queue->stream);
    if (status == NR_OK)
        free_parts(queue);
    free(queue->fresh.host.memory);
    free(queue->table.host.memory);
    free(queue->plan.memory);
    free(queue);
    return status;
}

nr_status nr_cuda_queue_stream(const nr_cuda_queue *queue, void **stream) {
    if (queue == nullptr || stream == nullptr)
        return NR_E_NULL;
    *stream = queue->stream;
    return NR_OK;
}

nr_status nr_cuda_queue_wait(nr_cuda_queue *queue) {
    if (queue == nullptr)
        return NR_E_NULL;
    const current here(queue->device);
    return here.status() != NR_OK ? here.status() : NR_CUDA_CALL(queue->device, cuStreamSynchronize, queue->stream);
}

nr_status nr_cuda_queue_follow(nr_cuda_queue *queue, nr_cuda_queue *other) {
    if (queue == nullptr || other == nullptr)
        return NR_E_NULL;
    const current here(other->device);
    nr_status status = here.status();
    if (status == NR_OK)
        status = NR_CUDA_CALL(other->device, cuEventRecord, other->passed, other->stream);
    if (status == NR_OK)
        status = NR_CUDA_CALL(queue->device, cuStreamWaitEvent, queue->stream, other->passed, 0u);
    return status;
}

nr_status nr_cuda_copy(nr_cuda_queue *queue, void *to, const void *from, int64_t bytes) {
    if (queue == nullptr)
        return NR_E_NULL;
    if (bytes < 0)
        return NR_E_LENGTH;
    if (bytes == 0)
        return NR_OK;
    if (to == nullptr || from == nullptr)
        return NR_E_NULL;
    const current here(queue->device);
    return here.status() != NR_OK
               ? here.status()
               : NR_CUDA_CALL(queue->device, cuMemcpyAsync, reinterpret_cast<cu_pointer>(to),
                              reinterpret_cast<cu_pointer>(from), static_cast<size_t>(bytes), queue->stream);
}

nr_status nr_cuda_clear(nr_cuda_queue *queue, void *memory, int64_t bytes) {
    if (queue == nullptr)
        return NR_E_NULL;
    if (bytes < 0)
        return NR_E_LENGTH;
    if (bytes == 0)
        return NR_OK;
    if (memory == nullptr)
        return NR_E_NULL;
    const current here(queue->device);
    return here.status() != NR_OK
               ? here.status()
               : NR_CUDA_CALL(queue->device, cuMemsetD8Async, reinterpret_cast<cu_pointer>(memory),
                              static_cast<unsigned char>(0), static_cast<size_t>(bytes), queue->stream);
}
