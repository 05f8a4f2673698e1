/* The entries of the kernels, nr_<name>_f32 and nr_<name>_f64. Included once by whatever compiles them. */
#ifndef NR_CUDA_KERNELS_H
#define NR_CUDA_KERNELS_H

#include "cuda/kernel_list.h"
#include "cuda/norms.h"
#include "cuda/row_steps.h"
#include "cuda/seed.h"
#include "cuda/steps.h"

/* Registers are shared out so that a multiprocessor runs so many blocks at a time, of float32 and of float64: while one waits
 * for memory, the others have something to do. */
#define NR_ENTRY_BUSY(name, blocks32, blocks64, argument, ...)                                                         \
    NR_KERNEL(blocks32) nr_##name##_f32(const nr::gpu::argument l) {                                                   \
        using namespace nr::gpu;                                                                                       \
        using T = float;                                                                                               \
        __VA_ARGS__;                                                                                                   \
    }                                                                                                                  \
    NR_KERNEL(blocks64) nr_##name##_f64(const nr::gpu::argument l) {                                                   \
        using namespace nr::gpu;                                                                                       \
        using T = double;                                                                                              \
        __VA_ARGS__;                                                                                                   \
    }

#define NR_ENTRY(name, argument, ...) NR_ENTRY_BUSY(name, 2, 2, argument, __VA_ARGS__)

#define NR_RULE_ENTRIES(rule)                                                                                          \
    NR_ENTRY(step_##rule, launch, step<rule, T>(l))                                                                    \
    NR_ENTRY_BUSY(plain_step_##rule, 3, 2, launch, plain_step<rule, T>(l))                                             \
    NR_ENTRY_BUSY(staged_step_##rule, 3, 2, launch, step_staged_rows<rule, T>(l))                                      \
    NR_ENTRY(sum_update_rows_##rule, launch, sum_row_blocks<T, update_sums<rule>>(l))

NR_RULE_ENTRIES(sgd)
NR_RULE_ENTRIES(sgd_momentum)
NR_RULE_ENTRIES(adagrad)
NR_RULE_ENTRIES(adam)
NR_RULE_ENTRIES(radam)
NR_ENTRY(follow_without_gradient, launch, follow_without_gradient<T>(l))
NR_ENTRY(sum_gradient_rows, launch, sum_row_blocks<T, gradient_sums>(l))
NR_ENTRY(sum_gradient_tiles, launch, sum_row_tiles<T>(l))
NR_ENTRY(finish_long_rows, launch, finish_long_rows<T>(l))
NR_ENTRY(sum_squares, launch, sum_squares<T>(l))
NR_ENTRY(reduce_squares, launch, reduce_squares<T>(l))
NR_ENTRY(find_norm, launch, find_norm<T>(l))
NR_ENTRY(sum_second_moments, launch, sum_second_moments<T>(l))
NR_ENTRY(decide_seed_fast, launch, decide_seed<T>(l, false))
NR_ENTRY(start_slow_moments, launch, start_slow_moments<T>(l))
NR_ENTRY(decide_seed_slow, launch, decide_seed<T>(l, true))
NR_ENTRY(update_seed, launch, update_seed<T>(l))
NR_ENTRY(accumulate, accumulation, accumulate<T>(l))

#undef NR_RULE_ENTRIES
#undef NR_ENTRY
#undef NR_ENTRY_BUSY

#endif
