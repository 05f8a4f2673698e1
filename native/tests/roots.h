/* The roots by multiplication beside the processor's own; in a file compiled for AVX-512, without anything that others share. */
#ifndef NR_TESTS_ROOTS_H
#define NR_TESTS_ROOTS_H

#include <stdint.h>

namespace roots {

/* values are padded to whole registers. */
constexpr int64_t padding = 16;

void by_fma(int64_t count, const float *values, float *roots);
void by_fma(int64_t count, const double *values, double *roots);

/* Of the floats whose bits lie in [from, to): those with a root that is neither the processor's nor NaN, and the NaNs. */
struct tally {
    int64_t wrong;
    int64_t nans;
};
tally compare_floats(uint32_t from, uint32_t to);

} // namespace roots

#endif
