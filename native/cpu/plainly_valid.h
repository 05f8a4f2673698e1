/* Finds most tensors valid by a few operations on all their addresses at once: the steps of short tensors take hardly longer
 * than their checks one by one. */
#ifndef NR_CPU_PLAINLY_VALID_H
#define NR_CPU_PLAINLY_VALID_H

#include "cpu/validate.h"
#include "math/lane.h"
#include "math/options.h"

#if defined(__AVX__)
#include <immintrin.h>
#endif

#include <stddef.h>

namespace nr::NR_LANES {

typedef uint64_t four_words __attribute__((vector_size(32)));

static_assert(sizeof(void *) == 8 && offsetof(nr_tensor, gradient) == 8 && offsetof(nr_tensor, state) == 16 &&
                  offsetof(nr_tensor, row_values) == 64 && sizeof(nr_tensor) == 128,
              "a tensor's first four addresses are read as one vector, and what is no address as two");

NR_INLINE void load_words(four_words &to, const void *from) { __builtin_memcpy(&to, from, sizeof to); }

NR_INLINE bool any_bit(const four_words &x, const four_words &of) {
#if defined(__AVX__)
    return _mm256_testz_si256(reinterpret_cast<const __m256i &>(x), reinterpret_cast<const __m256i &>(of)) == 0;
#else
    const four_words found = x & of;
    return (found[0] | found[1] | found[2] | found[3]) != 0;
#endif
}

/* True if a tensor is one piece with nothing but a gradient and states; false says nothing. */
inline bool has_plain_extents(const nr_tensor &t, int64_t element_size, int64_t *bytes) {
    int64_t elements = 0;
    return t.outer == 1 && t.active == 0 && t.row_values == nullptr && (t.flags & ~uint32_t{NR_CENTRALISE}) == 0 &&
           t.reserved == 0 && t.step >= 1 && t.rows >= 1 && t.inner >= (t.flags != 0 ? 2 : 1) &&
           !__builtin_mul_overflow(t.rows, t.inner, &elements) &&
           !__builtin_mul_overflow(elements, element_size, bytes);
}

/* Whether the first Count addresses of a tensor are those of as many arrays of some size that are there and lie apart. */
template <int Count>
class array_check {
public:
    void expect(int64_t bytes) {
        const uint64_t size = static_cast<uint64_t>(bytes);
        size_ = four_words{} + size;
        before_ = four_words{} + (size - 1);
        limit_ = four_words{} + (2 * size - 1);
    }

    /* False says nothing. */
    NR_INLINE bool passes(const nr_tensor &t) const {
        four_words from;
        load_words(from, &t);
        /* The upper bit of each word says what is wrong: an array at 0 or that reaches into the upper half of the addresses, or
         * two whose distance lies in (-size, size). */
        four_words wrong = (from - 1) | (from + size_);
        const four_words next = Count == 4   ? __builtin_shufflevector(from, from, 1, 2, 3, 0)
                                : Count == 3 ? __builtin_shufflevector(from, from, 1, 2, 0, 3)
                                             : __builtin_shufflevector(from, from, 1, 0, 2, 3);
        const four_words distance = from - next + before_;
        wrong |= ~distance & (distance - limit_);
        if constexpr (Count == 4) {
            const four_words over_next = from - __builtin_shufflevector(from, from, 2, 3, 0, 1) + before_;
            wrong |= ~over_next & (over_next - limit_);
        }
        constexpr uint64_t upper = uint64_t{1} << 63;
        constexpr four_words upper_bits = {upper, upper, Count > 2 ? upper : 0, Count > 3 ? upper : 0};
        return !any_bit(wrong, upper_bits);
    }

private:
    four_words size_ = {}, before_ = {}, limit_ = {};
};

template <int States>
const nr_tensor *skip_with_states(int64_t element_size, const nr_tensor *from, const nr_tensor *end, int64_t *room) {
    constexpr four_words all = {~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}};
    /* Of the tensor before; no tensor is plain whose extents are all 0. */
    four_words upper_half = {}, lower_half = {};
    int64_t bytes = 0;
    array_check<2 + States> arrays;
    int64_t left = *room;
    for (; from != end; ++from) {
        four_words upper, lower;
        load_words(upper, &from->row_values);
        load_words(lower, &from->stride);
        if (bytes == 0 || any_bit((upper ^ upper_half) | (lower ^ lower_half), all)) {
            if (!has_plain_extents(*from, element_size, &bytes))
                break;
            upper_half = upper;
            lower_half = lower;
            arrays.expect(bytes);
        }
        if (!arrays.passes(*from))
            break;
        left -= left >= 0 ? bytes : 0;
    }
    *room = left;
    return from;
}

/* See skip_valid. */
inline const nr_tensor *skip_plainly_valid(const nr_options &o, const nr_tensor *from, const nr_tensor *end,
                                           int64_t *room) {
    const int64_t element_size = size_of(o.type);
    switch (states_of(o)) {
    case 0:
        return skip_with_states<0>(element_size, from, end, room);
    case 1:
        return skip_with_states<1>(element_size, from, end, room);
    case 2:
        return skip_with_states<2>(element_size, from, end, room);
    default:
        return from;
    }
}

} // namespace nr::NR_LANES

#endif
