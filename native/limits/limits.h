/* limits.h: the C contract of libnativeranger_limits, which times what memory allows.
 *
 * A limit kernel has the streams of an optimizer step and next to no arithmetic: it reads a gradient and up to five arrays
 * and writes the arrays in place. No step with these streams can be faster, so limit time / step time says how close a step
 * is to the speed of the memory that it touches. The library is built for measuring and is no part of the product.
 */
#ifndef NATIVERANGER_LIMITS_H
#define NATIVERANGER_LIMITS_H

#include <stdint.h>

#if defined(_WIN32)
#define NRL_API __declspec(dllexport)
#else
#define NRL_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum { NRL_MOST_ARRAYS = 5 };

/* One pass of a limit kernel: arrays[j][i] += 0 * gradient[i], which changes no finite value, so that a pass may run on the
 * very arrays of a step. */
typedef struct nrl_pass {
    int32_t element_bytes; /* 4 (float) or 8 (double) */
    int32_t array_count;   /* 1 ... NRL_MOST_ARRAYS */
    int32_t prefetch;      /* not 0: all streams are prefetched 2 KiB ahead */
    int32_t reserved;      /* 0 */
    int64_t elements;
    const void *gradient;
    void *arrays[NRL_MOST_ARRAYS];
} nrl_pass;

/* Arrays of equal size as the library's callers do best to lay them out: on huge pages where the system has them, 64-byte
 * aligned, each at a page offset of its own. Zero at the start. Null if the memory cannot be had. */
typedef struct nrl_memory nrl_memory;
NRL_API nrl_memory *nrl_memory_create(int32_t arrays, int64_t bytes_of_array);
NRL_API void nrl_memory_destroy(nrl_memory *memory);
NRL_API void *nrl_memory_array(const nrl_memory *memory, int32_t index);

/* A fixed number of threads, the caller's included, that share a pass in equal contiguous parts. The others sleep between
 * calls and spin within one. One call at a time. Null if the threads cannot be had. */
typedef struct nrl_team nrl_team;
NRL_API nrl_team *nrl_team_create(int32_t threads);
NRL_API void nrl_team_destroy(nrl_team *team);

/* Runs the pass `untimed` times, then `timed` times, and returns the seconds of the latter together; -1 if the pass is not
 * valid. */
NRL_API double nrl_time(nrl_team *team, const nrl_pass *pass, int64_t untimed, int64_t timed);

#ifdef __cplusplus
}
#endif

#endif
