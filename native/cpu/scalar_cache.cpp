#include "cpu/scalar_cache.h"

#define NR_LANES host
#include "math/scalars.h"

namespace nr {

const step_scalars &scalar_cache::of(int64_t t) {
    const int64_t entry = t % size;
    if (steps_[entry] != t) {
        scalars_[entry] = host::scalars_of_step(options_, t);
        steps_[entry] = t;
    }
    return scalars_[entry];
}

} // namespace nr
