/* Finds most tensors valid by a few operations on all their addresses at once: the steps of short tensors take hardly longer
 * than their checks one by one. */
#ifndef NR_CPU_PLAINLY_VALID_H
#define NR_CPU_PLAINLY_VALID_H

#include "cpu/tensor_words.h"
#include "cpu/validate.h"
#include "math/options.h"

namespace nr::NR_LANES {

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
    /* Of the tensor before; no tensor is plain whose extents are all 0. */
    tensor_extents before = {};
    int64_t bytes = 0;
    array_check<2 + States> arrays;
    int64_t left = *room;
    for (; from != end; ++from) {
        tensor_extents extents;
        extents.load(*from);
        if (bytes == 0 || extents.differ(before)) {
            if (!has_plain_extents(*from, element_size, &bytes))
                break;
            before = extents;
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
