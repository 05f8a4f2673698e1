/* The kernels by name: K(name), each for float32 and float64. Their order is that of enum kernel_id. */
#ifndef NR_CUDA_KERNEL_LIST_H
#define NR_CUDA_KERNEL_LIST_H

/* K(name_rule) for the rules in the order of enum rule_id. */
#define NR_CUDA_RULES(K, name)                                                                                         \
    K(name##_sgd)                                                                                                      \
    K(name##_sgd_momentum)                                                                                             \
    K(name##_adagrad)                                                                                                  \
    K(name##_adam)                                                                                                     \
    K(name##_radam)

#define NR_CUDA_KERNELS(K)                                                                                             \
    NR_CUDA_RULES(K, step)                                                                                             \
    NR_CUDA_RULES(K, plain_step)                                                                                       \
    NR_CUDA_RULES(K, staged_step)                                                                                      \
    NR_CUDA_RULES(K, sum_update_rows)                                                                                  \
    K(follow_without_gradient)                                                                                         \
    K(sum_gradient_rows)                                                                                               \
    K(sum_gradient_tiles)                                                                                              \
    K(finish_long_rows)                                                                                                \
    K(sum_squares)                                                                                                     \
    K(reduce_squares)                                                                                                  \
    K(find_norm)                                                                                                       \
    K(sum_second_moments)                                                                                              \
    K(decide_seed_fast)                                                                                                \
    K(start_slow_moments)                                                                                              \
    K(decide_seed_slow)                                                                                                \
    K(update_seed)                                                                                                     \
    K(accumulate)

#endif
