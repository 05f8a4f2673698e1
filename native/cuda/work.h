/* How a grid of any size shares the items of a launch. */
#ifndef NR_CUDA_WORK_H
#define NR_CUDA_WORK_H

#include "cuda/lane.h"
#include "cuda/table.h"

namespace nr::gpu {

NR_DEVICE int lane_in_warp() { return static_cast<int>(thread_in_block() % warp_threads); }

NR_DEVICE int64_t warp_in_grid() {
    return (static_cast<int64_t>(block_in_grid()) * threads_in_block() + thread_in_block()) / warp_threads;
}

NR_DEVICE int64_t warps_in_grid() {
    return static_cast<int64_t>(blocks_in_grid()) * (threads_in_block() / warp_threads);
}

/* a / b of numbers that are not negative: short where they are. */
NR_DEVICE int64_t quotient(int64_t a, int64_t b) {
    if (((a | b) >> 32) == 0)
        return static_cast<int64_t>(static_cast<uint32_t>(a) / static_cast<uint32_t>(b));
    return a / b;
}

/* The tensor that an item belongs to. */
NR_DEVICE int64_t find_tensor(const launch &l, int64_t item) {
    int64_t low = 0;
    int64_t high = l.count;
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (l.first[middle] <= item)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* True where the step is skipped because of a gradient that is not finite. */
NR_DEVICE bool skipped(const launch &l) { return l.skip != 0 && l.found->nonfinite != 0; }

template <class T>
NR_DEVICE const gpu_tensor<T> &tensor_at(const launch &l, int64_t n) {
    return static_cast<const gpu_tensor<T> *>(l.tensors)[n];
}

template <class T>
NR_DEVICE bool gate_closed(const gpu_tensor<T> &t) {
    return t.gate != nullptr && *t.gate == 0;
}

template <class T>
NR_DEVICE const gpu_step<T> &step_of(const gpu_tensor<T> &t, const launch &l) {
    return *reinterpret_cast<const gpu_step<T> *>(l.fresh + t.step);
}

/* The task of a tensor, in registers, before the global norm is known. */
template <class T>
NR_DEVICE task<T> unclipped_task_of(const gpu_tensor<T> &t, const launch &l) {
    const gpu_step<T> &s = step_of(t, l);
    task<T> a;
    a.p = t.p;
    a.g = t.g;
    NR_UNROLL
    for (int j = 0; j < state_arrays; ++j) {
        a.s[j] = t.s[j];
        a.start[j] = s.start[j];
    }
    a.states = s.states;
    a.follower_count = s.follower_count;
    a.followers = t.followers;
    a.leader = t.leader;
    a.leader_weight = s.leader_weight;
    a.k = s.k;
    a.flags = s.flags;
    a.adaptive_clip = s.adaptive_clip;
    a.standardise_epsilon = s.standardise_epsilon;
    return a;
}

/* The same with the factor of the global norm. */
template <class T>
NR_DEVICE task<T> task_of(const gpu_tensor<T> &t, const launch &l) {
    task<T> a = unclipped_task_of(t, l);
    if (l.clip_norm != 0.0) {
        const double norm = l.found->norm;
        const double factor = norm > l.clip_norm ? l.clip_norm / norm : 1.0;
        a.flags.factor = factor != 1.0;
        a.k.clip_factor = T(factor);
    }
    return a;
}

template <class T>
NR_DEVICE int64_t elements_of(const gpu_tensor<T> &t) {
    return t.outer * t.rows * t.inner;
}

/* Where the e-th element lies, runs taken in storage order. */
template <class T>
NR_DEVICE int64_t place_of(const gpu_tensor<T> &t, int64_t e) {
    if (t.outer == 1)
        return e;
    const int64_t width = t.rows * t.inner;
    const int64_t o = quotient(e, width);
    return e + o * (t.stride - width);
}

/* Where the i-th element of a row lies. */
template <class T>
NR_DEVICE int64_t place_in_row(const gpu_tensor<T> &t, int64_t r, int64_t i) {
    const int64_t begin = r * t.inner;
    if (t.outer == 1)
        return begin + i;
    const int64_t o = quotient(i, t.inner);
    return begin + i + o * (t.stride - t.inner);
}

/* Calls body with the elements [begin, end) of a tensor, shared among the threads of a block: with lanes of 16 bytes where
 * the arrays allow it, AtOnce of them while there are as many, and with single elements for the rest. */
template <class T, int AtOnce = 1, class Body>
NR_DEVICE void for_elements(bool wide, int64_t begin, int64_t end, const Body &body) {
    constexpr int width = access_width<T>;
    const int64_t thread = thread_in_block();
    const int64_t threads = threads_in_block();
    /* [first, last) in whole accesses, what is before and behind it one by one. */
    int64_t first = begin;
    int64_t last = begin;
    if (wide && begin / width < end / width) {
        first = (begin + width - 1) / width * width;
        last = end / width * width;
        const int64_t pitch = threads * width;
        int64_t e = first + thread * width;
        if constexpr (AtOnce > 1)
            for (; e + (AtOnce - 1) * pitch < last; e += AtOnce * pitch)
                body.template run<lane<T, width>, AtOnce>(e, pitch);
        for (; e < last; e += pitch)
            body.template run<lane<T, width>>(e);
    }
    const int64_t behind = last - first;
    for (int64_t e = begin + thread; e < end - behind; e += threads)
        body.template run<lane<T, 1>>(e < first ? e : e + behind);
}

/* Calls body with the items of one of several workers, each the number of the item among those of its tensor. */
template <class T, class Body>
NR_DEVICE void for_items(const launch &l, int64_t worker, int64_t workers, const Body &body) {
    const int64_t items = l.first[l.count];
    for (int64_t item = worker; item < items; item += workers) {
        const int64_t n = find_tensor(l, item);
        const gpu_tensor<T> &t = tensor_at<T>(l, n);
        if (!gate_closed(t))
            body.run(t, item - l.first[n]);
    }
}

template <class T, class Body>
NR_DEVICE void for_blocks(const launch &l, const Body &body) {
    for_items<T>(l, block_in_grid(), blocks_in_grid(), body);
}

template <class T, class Body>
NR_DEVICE void for_warps(const launch &l, const Body &body) {
    for_items<T>(l, warp_in_grid(), warps_in_grid(), body);
}

template <class T, class Body>
struct chunk_of_elements {
    const Body &body;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t item) const {
        const int64_t begin = item * chunk_elements;
        const int64_t elements = elements_of(t);
        const int64_t end = elements - begin < chunk_elements ? elements : begin + chunk_elements;
        body.run(t, begin, end);
    }
};

/* Calls body with every tensor that has items here, and the range of its elements, a chunk at a time. */
template <class T, class Body>
NR_DEVICE void for_chunks(const launch &l, const Body &body) {
    for_blocks<T>(l, chunk_of_elements<T, Body>{body});
}

} // namespace nr::gpu

#endif
