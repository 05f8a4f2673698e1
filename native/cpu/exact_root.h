/* Square roots by multiplication, rounded to nearest even like the processor's own, which share one slow unit with the
 * divisions. The estimate is improved by Goldschmidt's iteration and corrected once by the exact residual a - g g, which a
 * fused multiply-add gives; scaled by an even power of two, so that no residual underflows (tests/roots_test.cpp tries every
 * float). Products with powers of two are additions to the exponent where nothing can be subnormal or overflow: any unit adds
 * integers, few multiply. */
#ifndef NR_CPU_EXACT_ROOT_H
#define NR_CPU_EXACT_ROOT_H

#include "cpu/lane_vector.h"

namespace nr::NR_LANES {

/* True for lanes that have root_by_fma(v). */
template <class V>
constexpr bool has_root_by_fma = false;

#if defined(__AVX512F__)

template <>
constexpr bool has_root_by_fma<lane<float, 16>> = true;
template <>
constexpr bool has_root_by_fma<lane<double, 8>> = true;

/* The root of v; but check is NaN, and value arbitrary, where the processor's own root has to be asked, which is for infinity,
 * NaN, and numbers that the scale takes to infinity. */
template <class V>
struct root_found {
    V value;
    V check;
};

NR_INLINE __m512 add_exponent(__m512 x, __mmask16 where, int by) {
    const __m512i bits = _mm512_castps_si512(x);
    return _mm512_castsi512_ps(_mm512_mask_add_epi32(bits, where, bits, _mm512_set1_epi32(by * (1 << 23))));
}

NR_INLINE __m512d add_exponent(__m512d x, __mmask8 where, int64_t by) {
    const __m512i bits = _mm512_castpd_si512(x);
    return _mm512_castsi512_pd(_mm512_mask_add_epi64(bits, where, bits, _mm512_set1_epi64(by * (int64_t{1} << 52))));
}

NR_INLINE root_found<lane<float, 16>> root_by_fma(lane<float, 16> v) {
    const __m512 half = _mm512_set1_ps(0.5f);
    const __m512 a = v.x * _mm512_set1_ps(0x1p48f);
    /* 0 has the root 0 without an estimate, which would be infinite. */
    const __mmask16 some = _mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    const __m512 y = _mm512_maskz_rsqrt14_ps(some, a);
    __m512 g = a * y;
    __m512 h = add_exponent(y, some, -1);
    const __m512 r = _mm512_fnmadd_ps(g, h, half);
    g = _mm512_fmadd_ps(g, r, g);
    h = _mm512_fmadd_ps(h, r, h);
    const __m512 residual = _mm512_fnmadd_ps(g, g, a);
    const __m512 scaled = _mm512_fmadd_ps(residual, h, g);
    return {{add_exponent(scaled, some, -24)}, {scaled}};
}

NR_INLINE root_found<lane<double, 8>> root_by_fma(lane<double, 8> v) {
    const __m512d half = _mm512_set1_pd(0.5);
    const __m512d a = v.x * _mm512_set1_pd(0x1p108);
    const __mmask8 some = _mm512_cmp_pd_mask(a, _mm512_setzero_pd(), _CMP_NEQ_UQ);
    const __m512d y = _mm512_maskz_rsqrt14_pd(some, a);
    __m512d g = a * y;
    __m512d h = add_exponent(y, some, int64_t{-1});
    for (int i = 0; i < 2; ++i) {
        const __m512d r = _mm512_fnmadd_pd(g, h, half);
        g = _mm512_fmadd_pd(g, r, g);
        h = _mm512_fmadd_pd(h, r, h);
    }
    const __m512d residual = _mm512_fnmadd_pd(g, g, a);
    const __m512d scaled = _mm512_fmadd_pd(residual, h, g);
    return {{add_exponent(scaled, some, int64_t{-54})}, {scaled}};
}

/* True if an element of either is a NaN. */
NR_INLINE bool any_nan(lane<float, 16> a, lane<float, 16> b) { return _mm512_cmp_ps_mask(a.x, b.x, _CMP_UNORD_Q) != 0; }
NR_INLINE bool any_nan(lane<double, 8> a, lane<double, 8> b) { return _mm512_cmp_pd_mask(a.x, b.x, _CMP_UNORD_Q) != 0; }

#endif

} // namespace nr::NR_LANES

#endif
