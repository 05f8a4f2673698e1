/* Square roots by multiplication, rounded to nearest even like the processor's own, which share one slow unit with the
 * divisions. The estimate is improved by Goldschmidt's iteration and corrected once by the exact residual a - g g, which a
 * fused multiply-add gives; scaled by an even power of two, so that no residual underflows (tests/exact_root_test.cpp tries
 * every float). */
#ifndef NR_CPU_EXACT_ROOT_H
#define NR_CPU_EXACT_ROOT_H

#include "cpu/lane_vector.h"

namespace nr::NR_LANES {

/* True for lanes that have root_by_fma(v): the root of v, or NaN where the processor's own has to be asked, which is for
 * infinity, NaN, and numbers that the scale takes to infinity. any_nan(a, b) is true if an element of either is a NaN. */
template <class V>
constexpr bool has_root_by_fma = false;

#if defined(__AVX512F__)

template <>
constexpr bool has_root_by_fma<lane<float, 16>> = true;
template <>
constexpr bool has_root_by_fma<lane<double, 8>> = true;

NR_INLINE lane<float, 16> root_by_fma(lane<float, 16> v) {
    const __m512 half = _mm512_set1_ps(0.5f);
    const __m512 a = v.x * _mm512_set1_ps(0x1p48f);
    /* 0 has the root 0 without an estimate, which would be infinite. */
    const __m512 y = _mm512_maskz_rsqrt14_ps(_mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_NEQ_UQ), a);
    __m512 g = a * y;
    __m512 h = y * half;
    const __m512 r = _mm512_fnmadd_ps(g, h, half);
    g = _mm512_fmadd_ps(g, r, g);
    h = _mm512_fmadd_ps(h, r, h);
    const __m512 residual = _mm512_fnmadd_ps(g, g, a);
    return {_mm512_fmadd_ps(residual, h, g) * _mm512_set1_ps(0x1p-24f)};
}

NR_INLINE lane<double, 8> root_by_fma(lane<double, 8> v) {
    const __m512d half = _mm512_set1_pd(0.5);
    const __m512d a = v.x * _mm512_set1_pd(0x1p108);
    const __m512d y = _mm512_maskz_rsqrt14_pd(_mm512_cmp_pd_mask(a, _mm512_setzero_pd(), _CMP_NEQ_UQ), a);
    __m512d g = a * y;
    __m512d h = y * half;
    for (int i = 0; i < 2; ++i) {
        const __m512d r = _mm512_fnmadd_pd(g, h, half);
        g = _mm512_fmadd_pd(g, r, g);
        h = _mm512_fmadd_pd(h, r, h);
    }
    const __m512d residual = _mm512_fnmadd_pd(g, g, a);
    return {_mm512_fmadd_pd(residual, h, g) * _mm512_set1_pd(0x1p-54)};
}

NR_INLINE bool any_nan(lane<float, 16> a, lane<float, 16> b) { return _mm512_cmp_ps_mask(a.x, b.x, _CMP_UNORD_Q) != 0; }
NR_INLINE bool any_nan(lane<double, 8> a, lane<double, 8> b) { return _mm512_cmp_pd_mask(a.x, b.x, _CMP_UNORD_Q) != 0; }

#endif

} // namespace nr::NR_LANES

#endif
