/* The widths of an instruction set. An ISA file defines NR_VECTOR_BYTES, the size of its vector register; 0 is scalar. */
#ifndef NR_CPU_WIDTH_H
#define NR_CPU_WIDTH_H

#include "cpu/lane_vector.h"

#if !defined(NR_VECTOR_BYTES)
#error "define NR_VECTOR_BYTES, the size of a vector register, before the loops are included"
#endif

namespace nr::NR_LANES {

template <class T>
constexpr int full_width = NR_VECTOR_BYTES == 0 ? 1 : NR_VECTOR_BYTES / static_cast<int>(sizeof(T));

using wide_double = lane<double, full_width<double>>;

/* The next width below: half a register down to 128 bits, then single elements. */
template <class T, int Width>
constexpr int narrower = static_cast<int>(sizeof(T)) * Width > 16 ? Width / 2 : 1;

/* Calls body with lanes of falling width until count elements are done: whole registers, then each half of it down to 128
 * bits, then single elements. Never a masked or overlapping store: the next tensor may lie less than a register away. */
template <class T, int Width, class Body>
NR_INLINE void for_each_lane(int64_t &i, int64_t count, const Body &body) {
    body.template run<lane<T, Width>>(i, count);
    if constexpr (Width > 1)
        for_each_lane<T, narrower<T, Width>>(i, count, body);
}

} // namespace nr::NR_LANES

#endif
