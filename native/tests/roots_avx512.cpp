#define NR_LANES roots_avx512
#include "cpu/exact_root.h"

#include "roots.h"

namespace {

/* NaN where the processor has to be asked. */
template <class V>
V root_or_nan(V v) {
    const auto found = nr::roots_avx512::root_by_fma(v);
    return select(found.check < V::all(__builtin_inf()), found.value, found.check);
}

template <class V, class T = typename V::element>
void take_roots(int64_t count, const T *values, T *roots) {
    for (int64_t i = 0; i < count; i += V::width)
        root_or_nan(V::load(values + i)).store(roots + i);
}

using floats = nr::roots_avx512::lane<float, 16>;
using doubles = nr::roots_avx512::lane<double, 8>;

} // namespace

void roots::by_fma(int64_t count, const float *values, float *roots) { take_roots<floats>(count, values, roots); }
void roots::by_fma(int64_t count, const double *values, double *roots) { take_roots<doubles>(count, values, roots); }

roots::tally roots::compare_floats(uint32_t from, uint32_t to) {
    tally found = {0, 0};
    __m512i bits = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(from)),
                                    _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    for (uint32_t at = from; at < to; at += 16, bits = _mm512_add_epi32(bits, _mm512_set1_epi32(16))) {
        const floats v = {_mm512_castsi512_ps(bits)};
        const floats want = root(v);
        const floats got = root_or_nan(v);
        const unsigned nan = _mm512_cmp_ps_mask(got.x, got.x, _CMP_UNORD_Q);
        const unsigned different =
            _mm512_cmpneq_epi32_mask(_mm512_castps_si512(got.x), _mm512_castps_si512(want.x)) & ~nan;
        found.wrong += __builtin_popcount(different);
        found.nans += __builtin_popcount(nan);
    }
    return found;
}
