/* Plain steps of tensors that are centralised and whose rows are contiguous and short: the gradient is read once, into memory
 * that a block of threads shares, where the means of its rows are taken and the step finds it again. */
#ifndef NR_CUDA_ROW_STEPS_H
#define NR_CUDA_ROW_STEPS_H

#include "cuda/steps.h"

namespace nr::gpu {

/* Gradients from the element begin on, as their means are taken of them. They can be accessed 16 bytes at a time wherever the
 * array can. */
template <class T>
struct staged_gradient {
    T *values;
    int64_t begin;

    template <class V>
    NR_DEVICE V at(const task<T> &, int64_t i) const {
        return V::load_shared(values + (i - begin));
    }
};

template <class T>
struct staged_terms {
    static constexpr int at_once = 8;
    const T *from;

    NR_DEVICE void values(int64_t i, double (&out)[1]) const { out[0] = double(from[i]); }
};

template <class T>
struct stage_elements {
    const task<T> &a;
    const plain_flags<true> &f;
    const staged_gradient<T> &to;

    /* Count lanes, pitch elements apart. Nothing waits for the first before the last is asked for. */
    template <class V, int Count = 1>
    NR_DEVICE void run(int64_t e, int64_t pitch = 0) const {
        V g[Count];
        NR_UNROLL
        for (int n = 0; n < Count; ++n)
            g[n] = V::load(a.g + e + n * pitch);
        const constants<V> k = spread_constants<V>(a.k);
        NR_UNROLL
        for (int n = 0; n < Count; ++n, e += pitch) {
            const V p = f.l2 ? V::load(a.p + e) : g[n];
            prepare_before_mean(k, f, g[n], p, V::all(T(1))).store_shared(to.values + (e - to.begin));
        }
    }
};

/* The means of rows of a length, of which the first begins at an element. */
template <class T>
struct means_of_rows {
    const nr_row *first;
    int64_t begin;
    uint32_t length;

    NR_DEVICE int64_t place(int64_t e) const { return e; }

    template <class V>
    NR_DEVICE row<V> at(int64_t e) const {
        row<V> result = {V::all(T(1)), V::all(T(0)), V::all(T(1))};
        const auto from = static_cast<uint32_t>(e - begin);
        uint32_t r = from / length;
        uint32_t in_row = from - r * length;
        NR_UNROLL
        for (int i = 0; i < V::width; ++i) {
            result.mean.x[i] = T(first[r].mean);
            if (++in_row == length) {
                in_row = 0;
                /* there may be no next one, and there the elements end */
                r += i + 1 < V::width ? 1 : 0;
            }
        }
        return result;
    }
};

template <class Rule, class T>
struct row_step {
    const launch &l;

    NR_DEVICE void run(const gpu_tensor<T> &t, int64_t item) const {
        constexpr int width = access_width<T>;
        alignas(access_bytes) NR_SHARED T values[chunk_elements + width];
        const task<T> a = task_of(t, l);
        const int64_t first = item * t.staged_rows;
        const int64_t last = t.rows - first < t.staged_rows ? t.rows : first + t.staged_rows;
        const int64_t begin = first * t.inner;
        const int64_t end = last * t.inner;
        const staged_gradient<T> staged = {values, begin / width * width};

        barrier(); /* the rows before have been stepped */
        plain_flags<true> f = plain_flags_of<true>(a.flags);
        constexpr int accesses = 2; /* of a thread that are waited for together; for more there are no registers */
        for_elements<T, accesses>(t.wide != 0, begin, end, stage_elements<T>{a, f, staged});
        barrier();
        find_means(t, a, staged, first, last);
        barrier();
        const means_of_rows<T> rows = {t.row_values + first, begin, static_cast<uint32_t>(t.inner)};
        f.scale = f.factor = f.l2 = 0; /* this has been done */
        step_plainly<Rule>(t, a, f, begin, end, rows, staged);
    }

private:
    NR_DEVICE void find_means(const gpu_tensor<T> &t, const task<T> &a, const staged_gradient<T> &staged, int64_t first,
                              int64_t last) const {
        for (int64_t r = first + thread_in_block() / warp_threads; r < last; r += warps_in_block) {
            double sum[1];
            sum_by_warp(0, t.inner, staged_terms<T>{staged.values + (r * t.inner - staged.begin)}, sum);
            const double sums[most_sums] = {sum[0]};
            if (lane_in_warp() == 0)
                finish_row(t, a, stage_mean, r, sums);
        }
    }
};

/* An item is some rows of at most chunk_elements elements. */
template <class Rule, class T>
NR_DEVICE void step_staged_rows(const launch &l) {
    if (!skipped(l))
        for_blocks<T>(l, row_step<Rule, T>{l});
}

} // namespace nr::gpu

#endif
