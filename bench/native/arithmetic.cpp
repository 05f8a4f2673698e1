#include "arithmetic.h"

#include "nativeranger.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nrb {

namespace {

/* Of the first-level cache, together with what is written. */
constexpr int64_t buffer_bytes = 4096;

using pass = void (*)(const char *from, char *to);

#if defined(__x86_64__)

__attribute__((target("avx2"))) void float32_avx2(const char *from, char *to) {
    for (int64_t i = 0; i < buffer_bytes; i += 32) {
        const __m256 x = _mm256_loadu_ps(reinterpret_cast<const float *>(from + i));
        _mm256_storeu_ps(reinterpret_cast<float *>(to + i), _mm256_div_ps(x, _mm256_sqrt_ps(x)));
    }
}

__attribute__((target("avx2"))) void float64_avx2(const char *from, char *to) {
    for (int64_t i = 0; i < buffer_bytes; i += 32) {
        const __m256d x = _mm256_loadu_pd(reinterpret_cast<const double *>(from + i));
        _mm256_storeu_pd(reinterpret_cast<double *>(to + i), _mm256_div_pd(x, _mm256_sqrt_pd(x)));
    }
}

__attribute__((target("avx512f"))) void float32_avx512(const char *from, char *to) {
    for (int64_t i = 0; i < buffer_bytes; i += 64) {
        const __m512 x = _mm512_loadu_ps(from + i);
        _mm512_storeu_ps(to + i, _mm512_div_ps(x, _mm512_maskz_sqrt_ps(0xffff, x)));
    }
}

__attribute__((target("avx512f"))) void float64_avx512(const char *from, char *to) {
    for (int64_t i = 0; i < buffer_bytes; i += 64) {
        const __m512d x = _mm512_loadu_pd(from + i);
        _mm512_storeu_pd(to + i, _mm512_div_pd(x, _mm512_maskz_sqrt_pd(0xff, x)));
    }
}

pass find_pass(int32_t type, int32_t isa) {
    switch (isa) {
    case NR_ISA_AVX2:
        return type == NR_FLOAT64 ? float64_avx2 : float32_avx2;
    case NR_ISA_AVX512:
        return type == NR_FLOAT64 ? float64_avx512 : float32_avx512;
    default:
        return nullptr;
    }
}

#else

pass find_pass(int32_t, int32_t) { return nullptr; }

#endif

} // namespace

bool has_roots_and_quotients(int32_t isa) { return find_pass(NR_FLOAT32, isa) != nullptr; }

variant roots_and_quotients(int32_t type, int32_t isa, int64_t elements) {
    const pass run = find_pass(type, isa);
    const int64_t bytes = elements * (type == NR_FLOAT64 ? 8 : 4);
    if (run == nullptr || bytes % buffer_bytes != 0)
        throw std::invalid_argument("no roots and quotients of that kind");
    auto buffers = std::make_shared<std::vector<char>>(static_cast<std::size_t>(2 * buffer_bytes));
    if (type == NR_FLOAT64)
        std::fill_n(reinterpret_cast<double *>(buffers->data()), buffer_bytes / 8, 1e-4);
    else
        std::fill_n(reinterpret_cast<float *>(buffers->data()), buffer_bytes / 4, 1e-4f);
    return {[=](int) {
        for (int64_t done = 0; done < bytes; done += buffer_bytes)
            run(buffers->data(), buffers->data() + buffer_bytes);
    }};
}

} // namespace nrb
