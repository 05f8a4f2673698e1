/* SeedRanger: its choices are made on the device, where the means are that they depend on. */
#ifndef NR_CUDA_SEED_H
#define NR_CUDA_SEED_H

#include "cuda/steps.h"

namespace nr::gpu {

/* The sums of blocks of the second moment of the pair that a tensor's entry is about. */
template <class T>
struct second_moment_terms {
    static constexpr int at_once = 8;
    const T *from;

    NR_DEVICE void values(int64_t i, double (&out)[1]) const { out[0] = double(lane<T, 1>::load(from + i).x[0]); }
};

template <class T>
struct second_moment_block {
    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t block) const {
        const int64_t elements = elements_of(t);
        const int64_t begin = block * sum_block;
        const int64_t end = elements - begin < sum_block ? elements : begin + sum_block;
        double sums[1] = {};
        sum_by_warp(begin, end, second_moment_terms<T>{t.s[1]}, sums);
        if (lane_in_warp() == 0)
            t.sums[block] = sums[0];
    }
};

template <class T>
NR_DEVICE void sum_second_moments(const launch &l) {
    if (!skipped(l))
        for_warps<T>(l, second_moment_block<T>{});
}

template <class T>
struct seed_decision {
    bool slow;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t) const {
        const int64_t elements = elements_of(t);
        const double sum = reduce_by_warp(t.sums, (elements + sum_block - 1) / sum_block);
        if (lane_in_warp() != 0)
            return;
        const double mean = sum / static_cast<double>(elements);
        seed_tensor &s = *t.seed;
        seed_scalars now = {s.scalars[0], s.scalars[1], s.scalars[2], s.scalars[3]};
        if (slow) {
            s.state.choice = static_cast<int32_t>(seed_move_slow(s.options, mean, now));
        } else if (seed_move_fast(s.options, s.step, mean, now)) {
            s.state.choice = static_cast<int32_t>(seed_choice::fast);
        } else {
            s.state.slow_moves = 1;
            if (now.slow_in_use == 0.0) {
                s.state.slow_starts = 1;
                seed_start_slow(s.step, now);
            }
        }
        s.scalars[0] = now.smoothed;
        s.scalars[1] = now.slow_smoothed;
        s.scalars[2] = now.slow_step;
        s.scalars[3] = now.slow_in_use;
    }
};

/* An item per tensor. The slow pair is decided on only where it moved. */
template <class T>
NR_DEVICE void decide_seed(const launch &l, bool slow) {
    if (!skipped(l))
        for_warps<T>(l, seed_decision<T>{slow});
}

template <class T>
struct start_slow_elements {
    const task<T> &a;

    template <class V>
    NR_DEVICE void run(int64_t e) const {
        V::load(a.s[0] + e).store(a.s[2] + e);
        V::load(a.s[1] + e).store(a.s[3] + e);
    }
};

template <class T>
struct start_slow_chunk {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t begin, int64_t end) const {
        if (t.g == nullptr || t.seed->state.slow_starts == 0)
            return;
        const task<T> a = unclipped_task_of(t, l);
        for_elements<T>(t.wide != 0, begin, end, start_slow_elements<T>{a});
    }
};

/* The slow moments come into use, as copies of the fast ones. */
template <class T>
NR_DEVICE void start_slow_moments(const launch &l) {
    if (!skipped(l))
        for_chunks<T>(l, start_slow_chunk<T>{l});
}

template <class T>
struct seed_elements {
    const task<T> &a;
    seed_choice choice;

    template <class V>
    NR_DEVICE void run(int64_t e) const {
        seed_lane<V>(a, spread_constants<V>(a.k), choice, e);
    }
};

template <class T>
struct seed_chunk {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t begin, int64_t end) const {
        if (t.g == nullptr)
            return;
        const task<T> a = unclipped_task_of(t, l);
        const seed_choice choice = static_cast<seed_choice>(t.seed->state.choice);
        for_elements<T>(t.wide != 0, begin, end, seed_elements<T>{a, choice});
        reset_seed(t, l, begin);
    }
};

/* The update, both pairs of moments being up to date. */
template <class T>
NR_DEVICE void update_seed(const launch &l) {
    if (!skipped(l))
        for_chunks<T>(l, seed_chunk<T>{l});
}

} // namespace nr::gpu

#endif
