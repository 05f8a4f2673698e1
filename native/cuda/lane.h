/* Lanes of one element, and of the elements that a 16-byte access moves; see math/lane.h. */
#ifndef NR_CUDA_LANE_H
#define NR_CUDA_LANE_H

#include "cuda/device.h"

#include "math/lane.h"

namespace nr::gpu {

constexpr int access_bytes = 16;

template <int Width>
struct mask {
    bool x[Width];
};

/* What one access moves. */
template <class T, int Width>
struct word {
    using type = T;
    static NR_DEVICE void split(T w, T *x) { x[0] = w; }
    static NR_DEVICE T join(const T *x) { return x[0]; }
};
template <>
struct word<float, 4> {
    using type = four_floats;
    static NR_DEVICE void split(type w, float *x) { x[0] = w.x, x[1] = w.y, x[2] = w.z, x[3] = w.w; }
    static NR_DEVICE type join(const float *x) { return {x[0], x[1], x[2], x[3]}; }
};
template <>
struct word<double, 2> {
    using type = two_doubles;
    static NR_DEVICE void split(type w, double *x) { x[0] = w.x, x[1] = w.y; }
    static NR_DEVICE type join(const double *x) { return {x[0], x[1]}; }
};

#define NR_EACH                                                                                                        \
    NR_UNROLL                                                                                                          \
    for (int i = 0; i < Width; ++i)

template <class T, int Width>
struct lane {
    using element = T;
    static constexpr int width = Width;
    using words = typename word<T, Width>::type;

    T x[Width];

    static NR_DEVICE lane all(T a) {
        lane l;
        NR_EACH l.x[i] = a;
        return l;
    }
    static NR_DEVICE lane load(const T *from) {
        lane l;
        word<T, Width>::split(*(const NR_GLOBAL words *)(Width > 1 ? from_here(from) : from), l.x);
        loaded_here(l.x);
        return l;
    }
    NR_DEVICE void store(T *to) const { *(NR_GLOBAL words *)(to) = word<T, Width>::join(x); }

    /* In memory that the threads of a block share. */
    static NR_DEVICE lane load_shared(const T *from) {
        lane l;
        word<T, Width>::split(*reinterpret_cast<const words *>(from), l.x);
        return l;
    }
    NR_DEVICE void store_shared(T *to) const { *reinterpret_cast<words *>(to) = word<T, Width>::join(x); }

    friend NR_DEVICE lane operator+(lane a, lane b) {
        lane l;
        NR_EACH l.x[i] = a.x[i] + b.x[i];
        return l;
    }
    friend NR_DEVICE lane operator-(lane a, lane b) {
        lane l;
        NR_EACH l.x[i] = a.x[i] - b.x[i];
        return l;
    }
    friend NR_DEVICE lane operator*(lane a, lane b) {
        lane l;
        NR_EACH l.x[i] = a.x[i] * b.x[i];
        return l;
    }
    friend NR_DEVICE lane operator/(lane a, lane b) {
        lane l;
        NR_EACH l.x[i] = a.x[i] / b.x[i];
        return l;
    }
    friend NR_DEVICE mask<Width> operator<(lane a, lane b) {
        mask<Width> m;
        NR_EACH m.x[i] = a.x[i] < b.x[i];
        return m;
    }
    friend NR_DEVICE mask<Width> operator>=(lane a, lane b) {
        mask<Width> m;
        NR_EACH m.x[i] = a.x[i] >= b.x[i];
        return m;
    }
    friend NR_DEVICE lane select(mask<Width> m, lane a, lane b) {
        lane l;
        NR_EACH l.x[i] = m.x[i] ? a.x[i] : b.x[i];
        return l;
    }
    friend NR_DEVICE lane root(lane a) {
        lane l;
        NR_EACH l.x[i] = root_of(a.x[i]);
        return l;
    }
    friend NR_DEVICE lane magnitude(lane a) {
        lane l;
        NR_EACH l.x[i] = magnitude_of(a.x[i]);
        return l;
    }
    friend NR_DEVICE lane<double, Width> widen(lane a) {
        lane<double, Width> l;
        NR_EACH l.x[i] = static_cast<double>(a.x[i]);
        return l;
    }
};

#undef NR_EACH

template <class T>
constexpr int access_width = access_bytes / static_cast<int>(sizeof(T));

} // namespace nr::gpu

#endif
