/* The lane of width one: the scalar instruction set, and the last elements of every other. */
#ifndef NR_CPU_LANE_ONE_H
#define NR_CPU_LANE_ONE_H

#include "math/lane.h"

#include <stdint.h>

namespace nr::NR_LANES {

template <class T, int Width>
struct lane;

template <class T>
struct lane<T, 1> {
    using element = T;
    static constexpr int width = 1;

    T x;

    static NR_INLINE lane all(T a) { return {a}; }
    static NR_INLINE lane load(const T *from) {
        lane l;
        __builtin_memcpy(&l.x, from, sizeof(T));
        return l;
    }
    NR_INLINE void store(T *to) const { __builtin_memcpy(to, &x, sizeof(T)); }

    friend NR_INLINE lane operator+(lane a, lane b) { return {a.x + b.x}; }
    friend NR_INLINE lane operator-(lane a, lane b) { return {a.x - b.x}; }
    friend NR_INLINE lane operator*(lane a, lane b) { return {a.x * b.x}; }
    friend NR_INLINE lane operator/(lane a, lane b) { return {a.x / b.x}; }
    friend NR_INLINE bool operator<(lane a, lane b) { return a.x < b.x; }
    friend NR_INLINE bool operator>=(lane a, lane b) { return a.x >= b.x; }
    friend NR_INLINE lane select(bool mask, lane a, lane b) { return mask ? a : b; }
};

/* The first count elements of a register, fewer than it holds, and +0. */
template <class V>
NR_INLINE V load_some(const typename V::element *from, int count) {
    typename V::element some[V::width] = {};
    for (int i = 0; i < count; ++i)
        some[i] = from[i];
    return V::load(some);
}

NR_INLINE lane<float, 1> root(lane<float, 1> a) { return {__builtin_sqrtf(a.x)}; }
NR_INLINE lane<double, 1> root(lane<double, 1> a) { return {__builtin_sqrt(a.x)}; }
NR_INLINE lane<float, 1> magnitude(lane<float, 1> a) { return {__builtin_fabsf(a.x)}; }
NR_INLINE lane<double, 1> magnitude(lane<double, 1> a) { return {__builtin_fabs(a.x)}; }
template <class T>
NR_INLINE lane<double, 1> widen(lane<T, 1> a) {
    return {static_cast<double>(a.x)};
}
template <class T>
NR_INLINE lane<T, 1> narrow(lane<double, 1> a) {
    return {static_cast<T>(a.x)};
}

} // namespace nr::NR_LANES

#endif
