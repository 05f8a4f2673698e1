#include "cpu/scalar_cache.h"

#define NR_LANES host
#include "math/scalars.h"

namespace nr {

const step_scalars &scalar_cache::of(int64_t t) {
    const int64_t entry = t % size;
    const uint32_t bit = uint32_t{1} << entry;
    if ((present_ & bit) == 0 || steps_[entry] != t) {
        host::find_scalars(options_, t, scalars_[entry]);
        steps_[entry] = t;
        present_ |= bit;
    }
    return scalars_[entry];
}

} // namespace nr
