/* From the canonical sums of a row to its statistics: everything in double, rounded to the element type once. */
#ifndef NR_MATH_ROW_VALUES_H
#define NR_MATH_ROW_VALUES_H

#include "math/scalars.h"

namespace nr::NR_LANES {

/* Squares of float64 values may overflow where their norm does not: then they are taken of the values times 2^-600. */
constexpr double shrink = 0x1p-600;
constexpr double grow = 0x1p600;

/* The norm where the sum of squares is infinite, from the sum of the squares of the values times shrink. */
NR_INLINE double grown_norm(double shrunk_sum) { return square_root(shrunk_sum) * grow; }

/* Adaptive clipping's factor, from the norms of the row of the gradient and of the parameter. */
template <class T>
NR_INLINE T adaptive_scale(double adaptive_clip, double gradient_norm, double parameter_norm) {
    const double limit = adaptive_clip * (parameter_norm < 1e-3 ? 1e-3 : parameter_norm);
    return gradient_norm > limit ? T(limit / gradient_norm) : T(1);
}

template <class T>
NR_INLINE T row_mean(double sum, int64_t length) {
    return T(sum / static_cast<double>(length));
}

/* Unbiased standard deviation, from the sum of the squared deviations, plus epsilon. */
template <class T>
NR_INLINE T row_denominator(double sum, int64_t length, double epsilon) {
    return T(square_root(sum / static_cast<double>(length - 1)) + epsilon);
}

} // namespace nr::NR_LANES

#endif
