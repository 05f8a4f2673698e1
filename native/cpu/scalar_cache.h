/* The scalars of the steps that one call asks for, each computed once: the tensors of a call nearly always share theirs. */
#ifndef NR_CPU_SCALAR_CACHE_H
#define NR_CPU_SCALAR_CACHE_H

#include "math/step_scalars.h"

#include "nativeranger.h"

namespace nr {

class scalar_cache {
public:
    explicit scalar_cache(const nr_options &options) : options_(options) {}

    /* Valid until the next call. */
    const step_scalars &of(int64_t t);

private:
    static constexpr int size = 16;

    const nr_options &options_;
    uint32_t present_ = 0; /* bit i: entry i holds the scalars of step steps_[i] */
    int64_t steps_[size];
    step_scalars scalars_[size];
};

} // namespace nr

#endif
