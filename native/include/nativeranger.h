/* nativeranger.h: the C contract of libnativeranger.
 *
 * An optimizer step is a pure function: a few scalars, a few arrays, new values in place. The library keeps no optimizer
 * state, starts no threads, allocates nothing, prints nothing, and needs nothing but libc. The caller owns every array and
 * every counter. All entries are reentrant. Every entry that steps first validates the whole call, then computes: a status
 * other than NR_OK means that nothing was written.
 *
 * The same bits: elementwise arithmetic in the tensors' type, round to nearest even, multiply and add never contracted;
 * scalars of a step in double, rounded once; reductions in one canonical order (32 double lanes, blocks of 4,096). The
 * caller's floating-point control word is set for the call (round to nearest, no flush to zero, exceptions masked) and
 * restored on return; like any arithmetic, a call may set the flags of exceptions that have happened.
 */
#ifndef NATIVERANGER_H
#define NATIVERANGER_H

#include <stdint.h>

#if defined(_WIN32)
#if defined(NR_BUILDING)
#define NR_API __declspec(dllexport)
#else
#define NR_API __declspec(dllimport)
#endif
#else
#define NR_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this contract. It changes whenever a caller compiled against the old one could misunderstand the new. */
enum nr_abi { NR_ABI_VERSION = 1 };

/* What an entry returns. Values are pinned for ever. */
enum nr_status_code {
    NR_OK = 0,
    NR_E_NULL = 1,     /* a pointer that must not be null is null */
    NR_E_LENGTH = 2,   /* a count or an extent is negative or contradicts another */
    NR_E_OPTION = 3,   /* an option is out of range, not finite, or contradicts another */
    NR_E_ABI = 4,      /* struct_size is none that this library knows, or a flag bit is unknown */
    NR_E_OVERLAP = 5,  /* two buffers of one tensor overlap */
    NR_E_OVERFLOW = 6, /* a product of extents, or a size in bytes, does not fit 64 bits */
    NR_E_ISA = 7,      /* the instruction set asked for is unknown, not compiled in, or cannot run here */
    NR_E_TYPE = 8      /* the element type is unknown */
};
typedef int32_t nr_status;

enum nr_type { NR_FLOAT32 = 1, NR_FLOAT64 = 2 };

/* Instruction sets, in ascending order of preference. NR_ISA_AUTO is the one that the process chose at load: the last one
 * that the processor and the operating system support, or the one that the environment variable NATIVERANGER_ISA
 * (scalar, avx2, avx512, neon) forces. */
enum nr_isa_code {
    NR_ISA_AUTO = 0,
    NR_ISA_SCALAR = 1,
    NR_ISA_AVX2 = 2,
    NR_ISA_AVX512 = 3,
    NR_ISA_NEON = 4,
    NR_ISA_COUNT = 5
};

/* t is the parameter's step (1 on the first), g the prepared gradient, s[i] the state arrays.
 *
 * NR_SGD      beta1 is the momentum. s[0] momentum buffer (only if beta1 != 0).
 *             b = g if t = 1, else beta1 b + (1-dampening) g;  u = g + beta1 b (NR_NESTEROV) or b;  p -= lr u
 * NR_ADAGRAD  s[0] accumulator.  S += g g;  p -= lr/(1+(t-1) rate_decay) (g/(sqrt(S)+eps))
 * NR_ADAM     s[0] first moment, s[1] second moment, s[2] running maximum (NR_AMSGRAD),
 *             vmax if vmax >= v, else v.
 *             m = b1 m + (1-b1) g;  v = b2 v + (1-b2) (g g);  p -= lr/bc1 (m / (sqrt(v or vmax) c + eps)), c = 1/sqrt(bc2)
 * NR_RADAM    s[0] first moment, s[1] second moment; m and v as above. rho > threshold: p -= lr r sqrt(bc2)/bc1
 *             (m/(sqrt(v)+eps)); otherwise p -= lr/bc1 m, or with NR_SKIP_UNRECTIFIED neither update nor decay.
 * NR_SEED_RANGER  s[0] m, s[1] v, s[2] m', s[3] v'; tensor.scalars: 4 doubles {S, S', t', 1 once m' is in use}.
 *             The listing of the source article with its smallest repairs; s = lr sqrt(bc2)/bc1, a = seed_alpha,
 *             k = seed_period, N = threshold. The parameter must come contiguous and in one piece.
 *             m, v as above;  S0 = S;  S = a S + (1-a) mean(v) over the whole parameter
 *             t <= k or S > S0 or t <= N: p -= s (m/(sqrt(v)+eps)). Otherwise, the first time (t',m',v',S') = (t,m,v,S),
 *             then t' += 1; m', v', S' move likewise, Q0 being S' before. t' <= k: no update; S' > Q0 or t' <= N: as above
 *             with m', v'; else p -= s ((m+m') / (2 sqrt((b2 v + (1-b2) v')/bc2) + eps)). At last p *= 1 - s weight_decay.
 *             Its gradient is standardised, with epsilon, where NR_STANDARDISE is set for the tensor. */
enum nr_algorithm { NR_SGD = 1, NR_ADAGRAD = 2, NR_ADAM = 3, NR_RADAM = 4, NR_SEED_RANGER = 5 };

/* nr_options.flags. Unknown bits are NR_E_ABI; a flag that the algorithm does not know is NR_E_OPTION. */
enum nr_option_flags {
    NR_NESTEROV = 1,           /* NR_SGD */
    NR_AMSGRAD = 2,            /* NR_ADAM */
    NR_DECOUPLED_DECAY = 4,    /* p *= 1 - lr weight_decay, not g += weight_decay p (NR_ADAM, NR_RADAM) */
    NR_SKIP_UNRECTIFIED = 8,   /* NR_RADAM */
    NR_CENTRALISE_UPDATE = 16, /* NR_CENTRALISE is u -= mean(u), u as above; not for NR_SEED_RANGER */
    NR_ZERO_GRADIENT = 32      /* store +0 to the gradient once it has been read */
};

/* nr_tensor.flags. The two exclude each other. Rows must have 2 elements or more, unless row_values are given. */
enum nr_tensor_flags {
    NR_CENTRALISE = 1, /* g -= mean(g) per row */
    NR_STANDARDISE = 2 /* d = g - mean(g);  g = d / (std + standardise_epsilon), std unbiased over the row */
};

/* nr_follower.flags. RESET and PULLBACK need LEADS and exclude each other. A reset sets earlier leading followers to p and
 * their momentum to 0; the caller restarts t. A pullback with weight = 1 exactly leaves b as it is. */
enum nr_follower_flags {
    NR_FOLLOWER_LEADS = 1,   /* Lookahead: after the follower moved, p = follower */
    NR_FOLLOWER_RESET = 2,   /* then the inner optimizer starts afresh, its states as at the start */
    NR_FOLLOWER_PULLBACK = 4 /* then b = weight b + (1-weight) momentum; momentum = b (NR_SGD with momentum) */
};

/* An array that follows the parameter: slow weights of Lookahead, an exponential or a stochastic average.
 * f += weight (p - f); with weight = 1 exactly, f = p. */
typedef struct nr_follower {
    double weight;
    uint32_t flags;
    uint32_t reserved; /* 0 */
} nr_follower;

/* The arrays of one follower of one tensor. */
typedef struct nr_follower_buffers {
    void *weights;
    void *momentum; /* the momentum at the last sync, with NR_FOLLOWER_PULLBACK; otherwise null */
} nr_follower_buffers;

/* How to step: shared by all tensors of a call; read, never written.
 *
 * adaptive_clip: with norms |.| in double over the row, c = adaptive_clip max(|p|, 1e-3); if |g| > c: g *= T(c/|g|).
 * working_set: beyond the size of the last-level cache the kernels may prefetch; the results are the same. */
typedef struct nr_options {
    uint32_t struct_size;         /* sizeof(nr_options) as the caller compiled it; new fields go last */
    int32_t type;                 /* nr_type */
    int32_t algorithm;            /* nr_algorithm */
    int32_t isa;                  /* nr_isa_code */
    uint32_t flags;               /* nr_option_flags */
    int32_t follower_count;       /* 0 … 64 */
    const nr_follower *followers; /* innermost first; applied in this order after the update */
    double learning_rate;
    double beta1;
    double beta2;
    double epsilon;
    double weight_decay; /* exactly 0 = not at all */
    double dampening;
    double rate_decay;
    double initial_accumulator; /* NR_ADAGRAD: what NR_FOLLOWER_RESET restores */
    double threshold;           /* NR_RADAM, NR_SEED_RANGER */
    double gradient_scale;      /* g *= T(gradient_scale) first; exactly 1 = not at all (1/M after M micro-batches) */
    double clip_value;          /* g = min(max(g, -clip), clip), NaN passes; +infinity = not at all */
    double clip_factor;         /* g *= T(clip_factor); exactly 1 = not at all (from the global norm) */
    double adaptive_clip;       /* lambda of adaptive clipping, per row; 0 = not at all */
    double standardise_epsilon; /* g = d / T(sqrt(sum(d d)/(length-1)) + standardise_epsilon) */
    double seed_alpha;          /* NR_SEED_RANGER */
    int64_t seed_period;        /* NR_SEED_RANGER */
    int64_t working_set;        /* bytes of the whole step, where this call is a piece of it; 0 = the call is all */
} nr_options;

/* Statistics of one row, already in their final rounding (see nr_row_statistics). */
typedef struct nr_row {
    double scale;       /* adaptive clipping's factor, or 1 */
    double mean;        /* to subtract from the gradient, or with NR_CENTRALISE_UPDATE from the update; or 0 */
    double denominator; /* to divide by, or 1 */
} nr_row;

/* One parameter, or a piece of one that can be stepped by itself, with everything that belongs to it.
 *
 * Element i of row r lies at index (i / inner) * stride + r * inner + i % inner, for 0 <= r < rows, 0 <= i < outer * inner.
 * Row-major with dimension 0 as the output dimension: outer 1, rows = dim0, inner = row length, stride = rows * inner.
 * Column-major R x C matrix, rows as output dimension: outer C, rows R, inner 1, stride R.
 * Where no row matters (no centralisation, standardisation, adaptive clipping): outer 1, rows 1, inner n, stride n.
 * Buffers of one tensor must not overlap. What a call writes for one of its tensors must not overlap any buffer of another:
 * they are stepped in no particular order, several at a time; this is not checked. Any extent may be 0. */
typedef struct nr_tensor {
    void *parameter;
    void *gradient; /* null: no gradient, only the active followers move. Only read, unless NR_ZERO_GRADIENT. */
    void *state[4];
    const nr_follower_buffers *followers; /* follower_count entries; may be null if none is active */
    double *scalars;                      /* NR_SEED_RANGER */
    const nr_row *row_values;             /* null: computed in the call; otherwise rows entries, used as they are */
    int64_t outer;
    int64_t rows;
    int64_t inner;
    int64_t stride;
    int64_t step;      /* t: 1 on the first update; ignored without a gradient */
    uint64_t active;   /* bit i: follower i moves in this call; a bit beyond follower_count is NR_E_OPTION */
    uint32_t flags;    /* nr_tensor_flags */
    uint32_t reserved; /* 0 */
} nr_tensor;

/* The version of the contract (NR_ABI_VERSION) and of the library ("0.1.0"), and how it was compiled. */
NR_API int32_t nr_abi_version(void);
NR_API const char *nr_version(void);
NR_API const char *nr_build_info(void);

/* Name ("NR_E_LENGTH") and meaning of a status; never null. */
NR_API const char *nr_status_name(nr_status status);
NR_API const char *nr_status_text(nr_status status);

/* Struct layouts as the library was compiled: structure names an nr_structure, field the 0-based position in declaration
 * order, or -1 for the size. -1 where there is no such structure or field. */
enum nr_structure {
    NR_STRUCT_FOLLOWER = 1,
    NR_STRUCT_FOLLOWER_BUFFERS = 2,
    NR_STRUCT_OPTIONS = 3,
    NR_STRUCT_ROW = 4,
    NR_STRUCT_TENSOR = 5
};
NR_API int64_t nr_layout(int32_t structure, int32_t field);

/* The instruction set chosen at load, or NR_ISA_AUTO if NATIVERANGER_ISA asks for one that is unknown or cannot run here:
 * then every call with NR_ISA_AUTO returns NR_E_ISA. nr_isa_forced is what the variable asks for; null if it is not set or
 * empty. nr_isa_name is null where there is no such instruction set. */
NR_API int32_t nr_isa(void);
NR_API const char *nr_isa_forced(void);
NR_API const char *nr_isa_name(int32_t isa);
/* 1 if the instruction set is compiled in and can run here; 0 otherwise. */
NR_API int32_t nr_isa_available(int32_t isa);

/* Steps every tensor. In this order: scale, clip by value, clip_factor, adaptive clipping, L2 decay, centralise or
 * standardise, moments, decoupled decay, update, followers, zeroing. Moments, momentum buffers and accumulators whose
 * magnitude is below the smallest normal number of their type become +0 before they are used further; the running maximum
 * is left as it is. Different tensors of a call must not share memory that is written. */
NR_API nr_status nr_step(const nr_options *options, int64_t count, const nr_tensor *tensors);

/* The row statistics that nr_step would compute, as nr_tensor.row_values takes them: for the gradient of each tensor, one
 * nr_row per row into rows[i] (an array of tensors[i].rows entries; may be null for tensors without row transforms or without
 * a gradient). Tensors hold whole rows; their row_values are not looked at. Writes nothing else. */
NR_API nr_status nr_row_statistics(const nr_options *options, int64_t count, const nr_tensor *tensors,
                                   nr_row *const *rows);

/* Sums of squares in the canonical blocks of the gradient, taken in storage order after gradient_scale and clip_value, each
 * element multiplied by scale in double first (1, or 2^-600 where float64 squares overflowed): ceil(n / 4096) doubles into
 * sums[i]. Tensors must be contiguous; a piece of a parameter must begin at a multiple of 4,096. nonfinite becomes 1 if a raw
 * gradient has an infinity or a NaN, else 0. Tensors without a gradient are left out. sums may be null: then only nonfinite is
 * found. Of the options only type, isa, gradient_scale and clip_value matter. */
NR_API nr_status nr_square_sums(const nr_options *options, int64_t count, const nr_tensor *tensors, double scale,
                                double *const *sums, int32_t *nonfinite);

/* Sums, in canonical blocks, of the gradient whose row mean is taken: after gradient_scale, clip_value, clip_factor and L2
 * decay. Each tensor is a piece of one row (outer 1, rows 1) that begins at a multiple of 4,096 of it: ceil(inner / 4096)
 * doubles into sums[i]. With nr_reduce and nr_tensor.row_values, several threads can share a long row. adaptive_clip must be 0;
 * tensors without a gradient are left out; flags and row_values are not looked at. */
NR_API nr_status nr_gradient_sums(const nr_options *options, int64_t count, const nr_tensor *tensors,
                                  double *const *sums);

/* The canonical reduction of n block sums (of a row, a gradient or a second moment) to one. sums is overwritten.
 * n = 0 gives +0. */
NR_API nr_status nr_reduce(int64_t n, double *sums, double *result);

/* sum += gradient, elementwise in the type: one micro-batch. */
NR_API nr_status nr_accumulate(int32_t type, int32_t isa, int64_t n, const void *gradient, void *sum);

#ifdef __cplusplus
}
#endif

#endif
