/* One step on its way to the device: the tensors as the kernels read them, and the launches in their order. */
#ifndef NR_CUDA_PLAN_H
#define NR_CUDA_PLAN_H

#include "cuda/context.h"
#include "cuda/region.h"

#define NR_LANES cuda_host
#include "cuda/table.h"

namespace nr_cuda {

using nr::cuda_host::launch;

/* Who does an item of a launch. */
enum class worker { block, warp, single_block /* which does them all */ };

struct planned_launch {
    kernel_id kernel;
    worker by;
    int64_t items;
    launch argument;
};

/* What a step needs at most; of scratch it may need more. */
struct needs {
    int64_t fresh;   /* bytes */
    int64_t table;   /* bytes */
    int64_t scratch; /* bytes */
    int64_t launches;
};

/* Whether nothing lies between the elements of a tensor. */
inline bool is_contiguous(const nr_tensor &t) { return t.outer <= 1 || t.stride == t.rows * t.inner; }

needs measure(int32_t group_count, const nr_cuda_group *groups);

struct plan {
    planned_launch *launches;
    int64_t count;
    nr::cuda_host::verdict *found; /* on the device; null if nothing is asked of the gradients */
};

/* Fills the regions. fresh is for what is sent with every step, some of which the device writes to, table for what lasts; both are as
 * large as measure says. How much of scratch is used turns out here: what is planned with too little of it is not to be launched. */
plan make_plan(int32_t group_count, const nr_cuda_group *groups, bool skip, region &fresh, lasting_region &table,
               region &scratch, planned_launch *launches);

} // namespace nr_cuda

#endif
