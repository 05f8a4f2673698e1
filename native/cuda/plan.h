/* One step on its way to the device: the tensors as the kernels read them, and the launches in their order. */
#ifndef NR_CUDA_PLAN_H
#define NR_CUDA_PLAN_H

#include "cuda/context.h"

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

/* Bytes that a step needs. */
struct needs {
    int64_t table;    /* in a staging slot and on the device */
    int64_t scratch;  /* on the device */
    int64_t launches; /* planned_launch */
};

/* Whether nothing lies between the elements of a tensor. */
inline bool is_contiguous(const nr_tensor &t) { return t.outer <= 1 || t.stride == t.rows * t.inner; }

needs measure(int32_t group_count, const nr_cuda_group *groups);

/* Memory that is handed out from its beginning on. The host writes at host what the device will find at device. */
struct region {
    char *host;
    char *device;
    int64_t used;
};

struct plan {
    planned_launch *launches;
    int64_t count;
    nr::cuda_host::verdict *found; /* on the device; null if nothing is asked of the gradients */
};

/* Fills the regions, which are as large as measure says. */
plan make_plan(int32_t group_count, const nr_cuda_group *groups, bool skip, region &table, region &scratch,
               planned_launch *launches);

} // namespace nr_cuda

#endif
