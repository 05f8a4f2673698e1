/* The limit kernels, once; a file per vector size includes this one with its own flags. */
#ifndef NRL_PASS_H
#define NRL_PASS_H

#include "kernels.h"

#include <cstring>

#if !defined(NRL_VECTOR_BYTES)
#error "define NRL_VECTOR_BYTES, the size of a vector register, before the kernels are included"
#endif

namespace nrl {

/* A copy per file: the linker must not give one file's code to another. */
namespace {

/* The distance that the kernels of the library use. */
constexpr int prefetch_bytes = 2048;

inline void fetch_ahead(const void *at) { __builtin_prefetch(static_cast<const char *>(at) + prefetch_bytes, 1); }

template <class V, class T>
V load(const T *from) {
    V v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

template <class T, int Arrays, bool Prefetch>
void run(const nrl_pass &pass, int64_t begin, int64_t end) {
    typedef T vector __attribute__((vector_size(NRL_VECTOR_BYTES)));
    constexpr int64_t width = NRL_VECTOR_BYTES / sizeof(T);
    /* Opaque, so that the multiplication stays. */
    volatile T opaque = 0;
    const T zero = opaque;
    const T *g = static_cast<const T *>(pass.gradient);
    T *a[Arrays];
    for (int j = 0; j < Arrays; ++j)
        a[j] = static_cast<T *>(pass.arrays[j]);

    int64_t i = begin;
#pragma GCC unroll 4
    for (; i + width <= end; i += width) {
        if (Prefetch) {
            fetch_ahead(g + i);
#pragma GCC unroll 5
            for (int j = 0; j < Arrays; ++j)
                fetch_ahead(a[j] + i);
        }
        const vector add = load<vector>(g + i) * zero;
#pragma GCC unroll 5
        for (int j = 0; j < Arrays; ++j) {
            const vector sum = load<vector>(a[j] + i) + add;
            std::memcpy(a[j] + i, &sum, sizeof sum);
        }
    }
    for (; i < end; ++i)
        for (int j = 0; j < Arrays; ++j)
            a[j][i] += g[i] * zero;
}

template <class T, bool Prefetch>
pass_run choose_by_arrays(int arrays) {
    static constexpr pass_run runs[NRL_MOST_ARRAYS] = {run<T, 1, Prefetch>, run<T, 2, Prefetch>, run<T, 3, Prefetch>,
                                                       run<T, 4, Prefetch>, run<T, 5, Prefetch>};
    return runs[arrays - 1];
}

pass_run choose(const nrl_pass &pass) {
    const int arrays = pass.array_count;
    if (pass.element_bytes == 4)
        return pass.prefetch != 0 ? choose_by_arrays<float, true>(arrays) : choose_by_arrays<float, false>(arrays);
    return pass.prefetch != 0 ? choose_by_arrays<double, true>(arrays) : choose_by_arrays<double, false>(arrays);
}

} // namespace

} // namespace nrl

#endif
