/* The kernels by name: K(name), each for float32 and float64. Their order is that of enum kernel_id. */
#ifndef NR_CUDA_KERNEL_LIST_H
#define NR_CUDA_KERNEL_LIST_H

#define NR_CUDA_KERNELS(K)                                                                                             \
    K(step_sgd)                                                                                                        \
    K(step_sgd_momentum)                                                                                               \
    K(step_adagrad)                                                                                                    \
    K(step_adam)                                                                                                       \
    K(step_radam)                                                                                                      \
    K(follow_without_gradient)                                                                                         \
    K(sum_gradient_rows)                                                                                               \
    K(sum_update_rows_sgd)                                                                                             \
    K(sum_update_rows_sgd_momentum)                                                                                    \
    K(sum_update_rows_adagrad)                                                                                         \
    K(sum_update_rows_adam)                                                                                            \
    K(sum_update_rows_radam)                                                                                           \
    K(finish_long_rows)                                                                                                \
    K(sum_squares)                                                                                                     \
    K(find_norm)                                                                                                       \
    K(sum_second_moments)                                                                                              \
    K(decide_seed_fast)                                                                                                \
    K(start_slow_moments)                                                                                              \
    K(decide_seed_slow)                                                                                                \
    K(update_seed)                                                                                                     \
    K(accumulate)

#endif
