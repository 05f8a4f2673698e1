/* What the host writes for the kernels to read: the tensors of a step, what several of them share, and what one launch does with
 * them. The layout is the same for the host's compiler and the device's. */
#ifndef NR_CUDA_TABLE_H
#define NR_CUDA_TABLE_H

#include "math/seed_ranger.h"
#include "math/task.h"

namespace nr::NR_LANES {

constexpr int64_t sum_block = 4096;

/* Elements that a block of threads steps at a time. */
constexpr int64_t chunk_elements = 4096;

/* Rows that a block of threads sums together where they lie side by side. */
constexpr int64_t tile_rows = 32;

/* What is found out about all gradients of a step before it. */
struct verdict {
    double norm;
    int32_t nonfinite;
    int32_t reserved;
};

/* SeedRanger's choice, which the device makes. */
struct seed_state {
    int32_t slow_moves; /* m' and v' move in this step */
    int32_t slow_starts;
    int32_t choice; /* seed_choice */
    int32_t reserved;
};

struct seed_tensor {
    nr_options options;
    double *scalars;
    int64_t step;
    seed_state state;
};

/* The flags of plain steps: what they may ask for is looked up, the rest is known when their kernels are compiled, which so
 * need few registers. */
template <bool Centre>
struct plain_flags {
    uint32_t scale : 1;
    uint32_t factor : 1;
    uint32_t l2 : 1;
    uint32_t decays : 1;
    uint32_t zero : 1;
    uint32_t one_leader : 1;
    static constexpr bool centre_gradient = Centre;
    static constexpr bool clip = false;
    static constexpr bool adaptive = false;
    static constexpr bool standardise = false;
    static constexpr bool centre_update = false;
    static constexpr bool first = false;
    static constexpr bool nesterov = false;
    static constexpr bool maximum = false;
    static constexpr bool rectified = true;
    static constexpr bool moves = true;
    static constexpr bool followers = false;
};

inline bool is_plain(general_flags f) {
    f.scale = f.factor = f.l2 = f.zero = false;
    return f.common();
}

/* What tasks have in common that differ in their arrays only; it changes from step to step. */
template <class T>
struct gpu_step {
    constants<T> k;
    T start[state_arrays];
    T leader_weight;
    general_flags flags;
    int32_t states;
    int32_t follower_count;
    int32_t with_states; /* without a gradient: followers reach the states */
    int32_t resets;      /* a follower starts SeedRanger's scalars afresh */
    double adaptive_clip;
    double standardise_epsilon;
};

/* A task's arrays, and where its elements and rows lie; it mostly stays as it is from step to step. */
template <class T>
struct gpu_tensor {
    T *p;
    T *g;
    T *s[state_arrays];
    T *leader;
    const follower<T> *followers; /* into the table */
    int64_t step;                 /* where its gpu_step lies, in bytes from launch.fresh on */
    int64_t outer;
    int64_t rows;
    int64_t inner;
    int64_t stride;
    nr_row *row_values; /* given, or computed by earlier launches; null where no row matters */
    double *sums;       /* of blocks: of rows, of squares, or of the second moment */
    double *total;      /* of all squares: plain, and shrunk */
    seed_tensor *seed;
    const int32_t *gate; /* null, or 0 there: nothing is done */
    int32_t wide;        /* every array can be moved 16 bytes at a time */
    int32_t given_rows;  /* row_values come from the caller */
    int32_t plain;       /* is_plain of its flags, and no row matters that is not staged */
    int32_t staged_rows; /* that a block of threads sums and steps at a time; 0: they are summed before the step */
};

/* What is summed over the rows. */
enum row_stage : int32_t {
    stage_norms,      /* of gradient and parameter, for adaptive clipping */
    stage_mean,       /* of the gradient */
    stage_deviations, /* from the mean, for standardisation */
    stage_update      /* of the update */
};

/* Sums that a stage takes at once. Squares are summed twice: of the values, and of the values times 2^-600, which is what
 * counts where the first overflow. */
NR_INLINE int sums_of_stage(int32_t stage) { return stage == stage_norms ? 4 : 1; }
constexpr int most_sums = 4;
constexpr int stages = 4;

/* Whether a stage is needed for the rows of a tensor that has a gradient and no rows given. */
inline bool takes_part(const general_flags &f, int32_t stage) {
    switch (stage) {
    case stage_norms:
        return f.adaptive;
    case stage_mean:
        return f.centre_gradient;
    case stage_deviations:
        return f.standardise;
    default:
        return f.centre_update && f.moves;
    }
}

NR_INLINE int64_t blocks_of(int64_t elements) { return (elements + sum_block - 1) / sum_block; }

/* The sums of squares, of values and of shrunk values, that are still to be added up after some rounds of reduction: count of
 * each, side by side. */
struct squares {
    double *sums;
    int64_t count;

    NR_INLINE squares reduced() const { return {sums + 2 * count, blocks_of(count)}; }
};

/* The argument of every kernel. An item is what a block of threads, or a warp, does at a time. */
struct launch {
    const void *tensors;  /* gpu_tensor<T>[count] */
    const int64_t *first; /* count + 1: the first item of each tensor, and how many items there are */
    int64_t count;
    const char *fresh; /* what is sent for this step: every gpu_step<T> */
    verdict *found;
    const double *totals; /* of the squares of the tensors that have a gradient */
    double clip_norm;     /* 0: not at all */
    int32_t stage;        /* of row_stage, or how often the squares have been reduced */
    int32_t skip;         /* do nothing if a gradient is not finite */
};

/* sum += gradient */
struct accumulation {
    const void *gradient;
    void *sum;
    int64_t elements;
    int64_t wide;
};

} // namespace nr::NR_LANES

#endif
