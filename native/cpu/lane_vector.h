/* Lanes of 2 to 16 elements over the vector extension of GCC and clang, which gives + - * / and comparisons on every
 * processor. Square roots, and conversions that are fast, need each processor's own names. */
#ifndef NR_CPU_LANE_VECTOR_H
#define NR_CPU_LANE_VECTOR_H

#include "cpu/lane_one.h"

#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace nr::NR_LANES {

template <class T>
struct bits_of;
template <>
struct bits_of<float> {
    using type = int32_t;
    static constexpr int32_t magnitude = INT32_MAX;
};
template <>
struct bits_of<double> {
    using type = int64_t;
    static constexpr int64_t magnitude = INT64_MAX;
};

template <class T, int Width>
struct lane {
    using element = T;
    static constexpr int width = Width;
    typedef T vector __attribute__((vector_size(sizeof(T) * Width)));
    typedef typename bits_of<T>::type mask __attribute__((vector_size(sizeof(T) * Width)));

    vector x;

    static NR_INLINE lane all(T a) { return {a - vector{}}; } /* a - 0 is a, -0 included */
    static NR_INLINE lane load(const T *from) {
        lane l;
        __builtin_memcpy(&l.x, from, sizeof(vector));
        return l;
    }
    NR_INLINE void store(T *to) const { __builtin_memcpy(to, &x, sizeof(vector)); }

    friend NR_INLINE lane operator+(lane a, lane b) { return {a.x + b.x}; }
    friend NR_INLINE lane operator-(lane a, lane b) { return {a.x - b.x}; }
    friend NR_INLINE lane operator*(lane a, lane b) { return {a.x * b.x}; }
    friend NR_INLINE lane operator/(lane a, lane b) { return {a.x / b.x}; }
    friend NR_INLINE mask operator<(lane a, lane b) { return a.x < b.x; }
    friend NR_INLINE mask operator>=(lane a, lane b) { return a.x >= b.x; }
    friend NR_INLINE lane select(mask m, lane a, lane b) { return {m ? a.x : b.x}; }
    friend NR_INLINE lane magnitude(lane a) { return {(vector)((mask)a.x & bits_of<T>::magnitude)}; }
};

template <class T, int Width>
NR_INLINE lane<double, Width> widen(lane<T, Width> a) {
    return {__builtin_convertvector(a.x, typename lane<double, Width>::vector)};
}

template <int First, int... N>
constexpr std::integer_sequence<int, (First + N)...> sequence_from(std::integer_sequence<int, N...>) {
    return {};
}

/* The elements N of two registers, one after the other. */
template <class T, int Width, int... N>
NR_INLINE lane<T, sizeof...(N)> pick(lane<T, Width> a, lane<T, Width> b, std::integer_sequence<int, N...>) {
    if constexpr (sizeof...(N) == 1)
        return {a.x[N]...};
    else
        return {__builtin_shufflevector(a.x, b.x, N...)};
}

/* The elements of a register in two. */
template <class T, int Width>
NR_INLINE lane<T, Width / 2> lower_half(lane<T, Width> a) {
    return pick(a, a, std::make_integer_sequence<int, Width / 2>{});
}
template <class T, int Width>
NR_INLINE lane<T, Width / 2> upper_half(lane<T, Width> a) {
    return pick(a, a, sequence_from<Width / 2>(std::make_integer_sequence<int, Width / 2>{}));
}

/* Two registers in one. GCC takes more operations than one where it is not told which. */
template <class T, int Width>
NR_INLINE lane<T, 2 * Width> join(lane<T, Width> lower, lane<T, Width> upper) {
    return pick(lower, upper, std::make_integer_sequence<int, 2 * Width>{});
}
#if defined(__AVX__)
NR_INLINE lane<float, 8> join(lane<float, 4> lower, lane<float, 4> upper) {
    return {_mm256_set_m128(upper.x, lower.x)};
}
NR_INLINE lane<double, 4> join(lane<double, 2> lower, lane<double, 2> upper) {
    return {_mm256_set_m128d(upper.x, lower.x)};
}
#endif
#if defined(__AVX512F__)
NR_INLINE lane<float, 16> join(lane<float, 8> lower, lane<float, 8> upper) {
    return {_mm512_maskz_insertf32x8(0xffff, _mm512_castps256_ps512(lower.x), upper.x, 1)};
}
NR_INLINE lane<double, 8> join(lane<double, 4> lower, lane<double, 4> upper) {
    return {_mm512_maskz_insertf64x4(0xff, _mm512_castpd256_pd512(lower.x), upper.x, 1)};
}
#endif

#if defined(__AVX__)
/* Masks of which the first count elements are set begin at 8 - count. */
constexpr int32_t some_of_8[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
constexpr int64_t some_of_4[8] = {-1, -1, -1, -1};
template <>
NR_INLINE lane<float, 8> load_some<lane<float, 8>>(const float *from, int count) {
    const __m256i mask = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(some_of_8 + 8 - count));
    return {_mm256_maskload_ps(from, mask)};
}
template <>
NR_INLINE lane<float, 4> load_some<lane<float, 4>>(const float *from, int count) {
    const __m128i mask = _mm_loadu_si128(reinterpret_cast<const __m128i *>(some_of_8 + 8 - count));
    return {_mm_maskload_ps(from, mask)};
}
template <>
NR_INLINE lane<double, 4> load_some<lane<double, 4>>(const double *from, int count) {
    const __m256i mask = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(some_of_4 + 4 - count));
    return {_mm256_maskload_pd(from, mask)};
}
#endif
#if defined(__AVX512F__)
template <>
NR_INLINE lane<double, 8> load_some<lane<double, 8>>(const double *from, int count) {
    return {_mm512_maskz_loadu_pd(static_cast<__mmask8>((1 << count) - 1), from)};
}
#endif

/* GCC converts halves, and puts them together. */
#if defined(__AVX__)
NR_INLINE lane<double, 4> widen(lane<float, 4> a) { return {_mm256_cvtps_pd(a.x)}; }
#endif
#if defined(__AVX512F__)
NR_INLINE lane<double, 8> widen(lane<float, 8> a) { return {_mm512_maskz_cvtps_pd(0xff, a.x)}; }
#endif

/* Doubles rounded to T. */
template <class T, int Width>
NR_INLINE lane<T, Width> narrow(lane<double, Width> a) {
    return {__builtin_convertvector(a.x, typename lane<T, Width>::vector)};
}

/* The flush of math/flush.h by one test: below the smallest normal number every bit of the exponent is 0. */
#if defined(__AVX512F__)
NR_INLINE lane<float, 16> flush(lane<float, 16> a) {
    const __m512i exponent = _mm512_set1_epi32(0x7f800000);
    return {_mm512_maskz_mov_ps(_mm512_test_epi32_mask(_mm512_castps_si512(a.x), exponent), a.x)};
}
NR_INLINE lane<double, 8> flush(lane<double, 8> a) {
    const __m512i exponent = _mm512_set1_epi64(0x7ff0000000000000);
    return {_mm512_maskz_mov_pd(_mm512_test_epi64_mask(_mm512_castpd_si512(a.x), exponent), a.x)};
}
#endif

#if defined(__SSE2__)
NR_INLINE lane<float, 4> root(lane<float, 4> a) { return {_mm_sqrt_ps(a.x)}; }
NR_INLINE lane<double, 2> root(lane<double, 2> a) { return {_mm_sqrt_pd(a.x)}; }
#endif
#if defined(__aarch64__)
NR_INLINE lane<float, 2> root(lane<float, 2> a) { return {vsqrt_f32(a.x)}; }
NR_INLINE lane<float, 4> root(lane<float, 4> a) { return {vsqrtq_f32(a.x)}; }
NR_INLINE lane<double, 2> root(lane<double, 2> a) { return {vsqrtq_f64(a.x)}; }
#endif
#if defined(__AVX__)
NR_INLINE lane<float, 8> root(lane<float, 8> a) { return {_mm256_sqrt_ps(a.x)}; }
NR_INLINE lane<double, 4> root(lane<double, 4> a) { return {_mm256_sqrt_pd(a.x)}; }
#endif
#if defined(__AVX512F__)
NR_INLINE lane<float, 16> root(lane<float, 16> a) { return {_mm512_maskz_sqrt_ps(0xffff, a.x)}; }
NR_INLINE lane<double, 8> root(lane<double, 8> a) { return {_mm512_maskz_sqrt_pd(0xff, a.x)}; }
#endif

} // namespace nr::NR_LANES

#endif
