/* Plain steps of tensors that are centralised and whose rows are contiguous and short: the gradient is read once, into memory
 * that a block of threads shares, where the means of its rows are taken and the step finds it again. */
#ifndef NR_CUDA_ROW_STEPS_H
#define NR_CUDA_ROW_STEPS_H

#include "cuda/steps.h"

namespace nr::gpu {

/* A gradient from the element begin on, which can be accessed 16 bytes at a time wherever the array can. */
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
struct stage_elements {
    const task<T> &a;
    const staged_gradient<T> &to;

    template <class V>
    NR_DEVICE void run(int64_t e) const {
        V::load(a.g + e).store_shared(to.values + (e - to.begin));
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
        const staged_gradient<T> raw = {values, begin / width * width};

        barrier(); /* the rows before have been stepped */
        for_elements<T>(t.wide != 0, begin, end, stage_elements<T>{a, raw});
        barrier();
        find_means(t, a, raw, first, last);
        barrier();
        const means_of_rows<T> rows = {t.row_values + first, begin, static_cast<uint32_t>(t.inner)};
        step_plainly<Rule, true>(t, a, begin, end, rows, raw);
    }

private:
    NR_DEVICE void find_means(const gpu_tensor<T> &t, const task<T> &a, const staged_gradient<T> &raw, int64_t first,
                              int64_t last) const {
        for (int64_t r = first + thread_in_block() / warp_threads; r < last; r += warps_in_block) {
            const row_summer<row_of_warp, T, staged_gradient<T>> summer = {t, a, raw, r, 0, t.inner};
            double sums[most_sums] = {};
            summer.sum_gradient(stage_mean, sums);
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
