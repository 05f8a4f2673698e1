#ifndef NR_MATH_FLUSH_H
#define NR_MATH_FLUSH_H

#include "math/lane.h"

namespace nr::NR_LANES {

template <class T>
struct smallest_normal;
template <>
struct smallest_normal<float> {
    static constexpr float value = 0x1p-126f;
};
template <>
struct smallest_normal<double> {
    static constexpr double value = 0x1p-1022;
};

/* A moment is never subnormal: with a gradient of 0 it would decay into the subnormals, stay there, and make every step
 * tens of times slower. NaN is kept. */
template <class V>
NR_INLINE V flush(V moment) {
    return select(magnitude(moment) < V::all(smallest_normal<typename V::element>::value),
                  V::all(typename V::element(0)), moment);
}

} // namespace nr::NR_LANES

#endif
