/* What the entries of the library ask of an instruction set: one table of functions per element type. The entries have
 * validated everything before a kernel is called; kernels never fail. */
#ifndef NR_CPU_KERNEL_H
#define NR_CPU_KERNEL_H

#include "cpu/validate.h"
#include "math/root_units.h"
#include "nativeranger.h"

namespace nr {

struct step_scalars;
class scalar_cache;

/* How the loops go about a step; its bits do not depend on it. */
struct step_manner {
    bool from_memory; /* the step's bytes exceed the last-level cache */
    bool prefetch;
    root_units roots;
};

struct kernels {
    skip_valid skip_plainly_valid;

    /* One step of every tensor that has elements, and a gradient or a follower that moves. */
    void (*step)(const nr_options &options, scalar_cache &scalars, int64_t count, const nr_tensor *tensors,
                 step_manner manner);

    /* What step would compute for itself, one entry per row. */
    void (*row_statistics)(const nr_options &options, const step_scalars &scalars, const nr_tensor &tensor,
                           nr_row *rows);

    /* Sums of squares of the blocks of n contiguous elements; sums may be null. True if one of the n is not finite. */
    bool (*square_sums)(const nr_options &options, int64_t n, const void *gradient, double scale, double *sums);

    /* Sums of the blocks of the gradient whose row mean is taken. */
    void (*gradient_sums)(const nr_options &options, const step_scalars &scalars, const nr_tensor &tensor,
                          double *sums);

    void (*accumulate)(int64_t n, const void *gradient, void *sum);
};

/* The tables of one instruction set. */
struct instruction_set {
    const kernels *float32;
    const kernels *float64;
};

namespace scalar {
extern const instruction_set instructions;
double reduce(int64_t n, const double *sums);
} // namespace scalar
#if defined(__x86_64__)
namespace avx2 {
extern const instruction_set instructions;
}
namespace avx512 {
extern const instruction_set instructions;
}
#elif defined(__aarch64__)
namespace neon {
extern const instruction_set instructions;
}
#endif

} // namespace nr

#endif
