/* A step: validated as a whole, written for the device, and launched. */
#include "cuda/plan.h"

#include "cpu/float_control.h"
#include "cpu/plainly_valid.h"

#include <stdlib.h>
#include <string.h>

namespace nr_cuda {
namespace {

bool finite(double x) { return x - x == 0.0; }

nr_status check_group(const nr_cuda_group &g, int32_t type, bool reads_all) {
    nr_status status = nr::check_options(g.options);
    if (status == NR_OK)
        status = nr::check_list(g.count, g.tensors);
    if (status != NR_OK)
        return status;
    const nr_options &o = *g.options;
    if (o.type != type)
        return NR_E_TYPE;
    if (!(g.clip_norm >= 0.0) || !finite(g.clip_norm) || (g.clip_norm != 0.0 && o.clip_factor != 1.0))
        return NR_E_OPTION;
    const nr_tensor *const end = g.tensors + g.count;
    int64_t room = -1; /* nobody asks for the bytes */
    for (const nr_tensor *from = g.tensors; (from = nr::cuda_host::skip_plainly_valid(o, from, end, &room)) != end;
         ++from) {
        nr_tensor t = *from;
        /* The device's scalars cannot be looked into from here. */
        double scalars[4] = {};
        if (t.scalars != nullptr)
            t.scalars = scalars;
        status = nr::check_tensor(o, t, t.row_values, t.row_values != nullptr);
        if (status == NR_OK && reads_all && t.gradient != nullptr && !is_contiguous(t))
            status = NR_E_LENGTH;
        if (status != NR_OK)
            return status;
    }
    return NR_OK;
}

nr_status check_groups(int32_t count, const nr_cuda_group *groups, uint32_t flags) {
    if ((flags & ~uint32_t{NR_CUDA_SKIP_NONFINITE}) != 0)
        return NR_E_ABI;
    nr_status status = nr::check_list(count, groups);
    bool reads_all = flags != 0;
    for (int32_t g = 0; g < count && status == NR_OK; ++g) {
        if (groups[g].options == nullptr)
            return NR_E_NULL;
        reads_all = reads_all || groups[g].clip_norm != 0.0;
    }
    for (int32_t g = 0; g < count && status == NR_OK; ++g)
        status = check_group(groups[g], groups[0].options->type, reads_all);
    return status;
}

int64_t grown_size(int64_t bytes) {
    constexpr int64_t least = 64 << 10;
    return bytes < least ? least : bytes + bytes / 2;
}

/* The old memory may still be read by what is under way. */
nr_status grow_on_device(nr_cuda_queue *q, growing &g, int64_t bytes) {
    if (g.bytes >= bytes)
        return NR_OK;
    cu_pointer larger = 0;
    nr_status status = NR_CUDA_CALL(q->device, cuMemAlloc_v2, &larger, static_cast<size_t>(grown_size(bytes)));
    if (status != NR_OK)
        return status;
    if (g.memory != nullptr) {
        status = NR_CUDA_CALL(q->device, cuStreamSynchronize, q->stream);
        if (status == NR_OK)
            status = NR_CUDA_CALL(q->device, cuMemFree_v2, reinterpret_cast<cu_pointer>(g.memory));
    }
    if (status == NR_OK)
        g = {reinterpret_cast<void *>(larger), grown_size(bytes)};
    else
        q->device->api->cuMemFree_v2(larger);
    return status;
}

nr_status grow_pinned(nr_cuda_queue *q, growing &g, int64_t bytes) {
    if (g.bytes >= bytes)
        return NR_OK;
    void *larger = nullptr;
    nr_status status =
        NR_CUDA_CALL(q->device, cuMemHostAlloc, &larger, static_cast<size_t>(grown_size(bytes)), host_memory_portable);
    if (status != NR_OK)
        return status;
    if (g.memory != nullptr)
        status = NR_CUDA_CALL(q->device, cuMemFreeHost, g.memory);
    if (status == NR_OK)
        g = {larger, grown_size(bytes)};
    else
        q->device->api->cuMemFreeHost(larger);
    return status;
}

/* What is new is 0. */
nr_status grow_on_host(growing &g, int64_t bytes) {
    if (g.bytes >= bytes)
        return NR_OK;
    const int64_t size = grown_size(bytes);
    auto *larger = static_cast<char *>(realloc(g.memory, static_cast<size_t>(size)));
    if (larger == nullptr)
        return NR_CUDA_E_MEMORY;
    memset(larger + g.bytes, 0, static_cast<size_t>(size - g.bytes));
    g = {larger, size};
    return NR_OK;
}

/* The next slot, once the device has read what was written there before. */
nr_status take_slot(nr_cuda_queue *q, staging_slot **slot) {
    *slot = &q->slots[q->next_slot];
    q->next_slot = (q->next_slot + 1) % staging_slots;
    return (*slot)->used ? NR_CUDA_CALL(q->device, cuEventSynchronize, (*slot)->done) : nr_status{NR_OK};
}

nr_status run(nr_cuda_queue *q, const planned_launch &l, int type) {
    constexpr int64_t warps = block_threads / 32;
    const int64_t wanted = l.by == worker::single_block ? 1
                           : l.by == worker::warp       ? (l.items + warps - 1) / warps
                                                        : l.items;
    launch argument = l.argument;
    void *arguments[] = {&argument};
    return launch_kernel(q, q->device->functions[l.kernel][type], grid_of(q->device, wanted), block_threads, arguments);
}

nr_status send_verdict(nr_cuda_queue *q, const void *found) {
    nr_status status = NR_CUDA_CALL(q->device, cuMemcpyAsync, reinterpret_cast<cu_pointer>(q->verdict),
                                    reinterpret_cast<cu_pointer>(found), sizeof(nr::cuda_host::verdict), q->stream);
    return status == NR_OK ? NR_CUDA_CALL(q->device, cuEventRecord, q->judged, q->stream) : status;
}

/* The bits of a step do not depend on where the verdict is sent in between; sent right after it is known, it is there early. */
bool judges(const planned_launch &l) { return l.kernel == kernel_sum_squares; }

nr_status launch_all(nr_cuda_queue *q, const plan &p, int type, bool skip) {
    nr_status status = NR_OK;
    for (int64_t i = 0; i < p.count && status == NR_OK; ++i) {
        status = run(q, p.launches[i], type);
        if (status == NR_OK && skip && judges(p.launches[i]))
            status = send_verdict(q, p.found);
    }
    return status;
}

nr_status grow_tables(nr_cuda_queue *q, const needs &n) {
    nr_status status = grow_on_host(q->fresh.host, n.fresh);
    if (status == NR_OK)
        status = grow_on_host(q->table.host, n.table);
    if (status == NR_OK)
        status = grow_on_host(q->plan, n.launches * static_cast<int64_t>(sizeof(planned_launch)));
    if (status == NR_OK)
        status = grow_on_device(q, q->fresh.device, n.fresh);
    if (status == NR_OK)
        status = grow_on_device(q, q->scratch, n.scratch);
    const void *const before = q->table.device.memory;
    if (status == NR_OK)
        status = grow_on_device(q, q->table.device, n.table);
    if (before != q->table.device.memory)
        q->table_known = 0;
    return status;
}

/* What is in the queue cannot be taken back. */
nr_status not_taken_back(nr_status status) { return status == NR_CUDA_E_MEMORY ? nr_status{NR_CUDA_E_CALL} : status; }

nr_status send(nr_cuda_queue *q, const staging_slot &slot, int64_t place, void *to, int64_t bytes) {
    return NR_CUDA_CALL(q->device, cuMemcpyAsync, reinterpret_cast<cu_pointer>(to),
                        reinterpret_cast<cu_pointer>(static_cast<char *>(slot.host.memory) + place),
                        static_cast<size_t>(bytes), q->stream);
}

/* A step and what it is written into. */
struct draft {
    region fresh;
    lasting_region table;
    region scratch;
    plan launches;

    draft(nr_cuda_queue *q, int32_t count, const nr_cuda_group *groups, bool skip)
        : fresh(q->fresh.host.memory, q->fresh.device.memory), table(q->table.host.memory, q->table.device.memory),
          scratch(nullptr, q->scratch.memory), launches(make_plan(count, groups, skip, fresh, table, scratch,
                                                                  static_cast<planned_launch *>(q->plan.memory))) {}
};

/* Puts into the queue what of a draft the device does not have; it has the first known bytes of the table as they were. */
nr_status send_draft(nr_cuda_queue *q, const draft &d, int64_t known) {
    int64_t from = d.table.changed_from();
    int64_t to = d.table.changed_to();
    if (known < d.table.used()) {
        from = to == 0 || known < from ? known : from;
        to = d.table.used();
    }
    staging_slot *slot = nullptr;
    nr_status status = take_slot(q, &slot);
    if (status == NR_OK)
        status = grow_pinned(q, slot->host, d.fresh.used() + to - from);
    if (status != NR_OK)
        return status;
    auto *staged = static_cast<char *>(slot->host.memory);
    memcpy(staged, q->fresh.host.memory, static_cast<size_t>(d.fresh.used()));
    memcpy(staged + d.fresh.used(), static_cast<char *>(q->table.host.memory) + from, static_cast<size_t>(to - from));

    status = send(q, *slot, 0, q->fresh.device.memory, d.fresh.used());
    if (status == NR_OK && to != from)
        status = send(q, *slot, d.fresh.used(), static_cast<char *>(q->table.device.memory) + from, to - from);
    if (status == NR_OK)
        status = NR_CUDA_CALL(q->device, cuEventRecord, slot->done, q->stream);
    slot->used = status == NR_OK;
    if (status == NR_OK)
        q->table_known = known < d.table.used() ? d.table.used() : known;
    return not_taken_back(status);
}

nr_status step(nr_cuda_queue *q, int32_t count, const nr_cuda_group *groups, bool skip) {
    nr_status status = grow_tables(q, measure(count, groups));
    if (status != NR_OK)
        return status;
    int64_t known = q->table_known;
    q->table_known = 0; /* until what is written now has been sent */
    draft d(q, count, groups, skip);
    if (d.scratch.used() > q->scratch.bytes) {
        status = grow_on_device(q, q->scratch, d.scratch.used());
        if (status != NR_OK)
            return status;
        d = draft(q, count, groups, skip);
        known = 0;
    }
    const plan &p = d.launches;
    q->skippable = skip && p.count != 0 && judges(p.launches[0]);
    if (p.count == 0)
        return NR_OK;
    status = send_draft(q, d, known);
    return status == NR_OK ? not_taken_back(launch_all(q, p, groups[0].options->type == NR_FLOAT64 ? 1 : 0, skip))
                           : status;
}

} // namespace
} // namespace nr_cuda

using namespace nr_cuda;

nr_status nr_cuda_step(nr_cuda_queue *queue, int32_t group_count, const nr_cuda_group *groups, uint32_t flags) {
    const nr::float_control control;
    if (queue == nullptr)
        return NR_E_NULL;
    const nr_status status = check_groups(group_count, groups, flags);
    if (status != NR_OK)
        return status;
    const current here(queue->device);
    return here.status() != NR_OK ? here.status() : step(queue, group_count, groups, flags != 0);
}

nr_status nr_cuda_outcome(nr_cuda_queue *queue, int32_t *skipped) {
    if (queue == nullptr || skipped == nullptr)
        return NR_E_NULL;
    *skipped = 0;
    if (!queue->skippable)
        return NR_OK;
    const current here(queue->device);
    nr_status status = here.status();
    if (status == NR_OK)
        status = NR_CUDA_CALL(queue->device, cuEventSynchronize, queue->judged);
    if (status == NR_OK)
        *skipped = static_cast<const nr::cuda_host::verdict *>(queue->verdict)->nonfinite != 0 ? 1 : 0;
    return status;
}

nr_status nr_cuda_accumulate(nr_cuda_queue *queue, int32_t type, int64_t n, const void *gradient, void *sum) {
    if (queue == nullptr)
        return NR_E_NULL;
    const nr_status status = nr::check_arrays(type, n, gradient, sum);
    if (status != NR_OK || n == 0)
        return status;
    const current here(queue->device);
    if (here.status() != NR_OK)
        return here.status();
    const auto address = reinterpret_cast<uintptr_t>(gradient) | reinterpret_cast<uintptr_t>(sum);
    nr::cuda_host::accumulation a = {gradient, sum, n, address % 16 == 0 ? 1 : 0};
    void *arguments[] = {&a};
    const int64_t chunks = (n - 1) / nr::cuda_host::chunk_elements + 1;
    return launch_kernel(queue, queue->device->functions[kernel_accumulate][type == NR_FLOAT64 ? 1 : 0],
                         grid_of(queue->device, chunks), block_threads, arguments);
}
