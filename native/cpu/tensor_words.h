/* The record of a tensor, a few words at a time. */
#ifndef NR_CPU_TENSOR_WORDS_H
#define NR_CPU_TENSOR_WORDS_H

#include "math/lane.h"
#include "nativeranger.h"

#if defined(__AVX__)
#include <immintrin.h>
#endif

#include <stddef.h>
#include <stdint.h>

namespace nr::NR_LANES {

typedef uint64_t four_words __attribute__((vector_size(32)));

static_assert(sizeof(void *) == 8 && offsetof(nr_tensor, gradient) == 8 && offsetof(nr_tensor, state) == 16 &&
                  offsetof(nr_tensor, row_values) == 64 && sizeof(nr_tensor) == 128,
              "a tensor's first four addresses are read as one vector, and what is no array as two");

constexpr four_words every_bit = {~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}};

NR_INLINE void load_words(four_words &to, const void *from) { __builtin_memcpy(&to, from, sizeof to); }

NR_INLINE bool any_bit(const four_words &x, const four_words &of) {
#if defined(__AVX__)
    return _mm256_testz_si256(reinterpret_cast<const __m256i &>(x), reinterpret_cast<const __m256i &>(of)) == 0;
#else
    const four_words found = x & of;
    return (found[0] | found[1] | found[2] | found[3]) != 0;
#endif
}

/* What is no array. */
struct tensor_extents {
    four_words upper, lower;

    NR_INLINE void load(const nr_tensor &t) {
        load_words(upper, &t.row_values);
        load_words(lower, &t.stride);
    }
    NR_INLINE bool differ(const tensor_extents &other) const {
        return any_bit((upper ^ other.upper) | (lower ^ other.lower), every_bit);
    }
};

} // namespace nr::NR_LANES

#endif
