#define NR_LANES scalar
#define NR_VECTOR_BYTES 0
#include "cpu/kernels.h"

namespace nr::scalar {

double reduce(int64_t n, const double *sums) {
    canonical_sum sum;
    sum.add<double>(plain_term<double>{sums}, 0, n);
    return sum.result();
}

} // namespace nr::scalar
