/* What tests ask of the stand-in MPI library, beside the MPI functions: ranks that are threads of one process, and faults. */
#ifndef NR_TESTS_MPI_STANDIN_H
#define NR_TESTS_MPI_STANDIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A new world of so many ranks: handles[r] is the communicator by which rank r knows it. */
void standin_world(int32_t size, int64_t *handles);

/* From now on the call of function ("Isend") number after + 1, counted over all ranks, fails with an error code. */
void standin_fail(const char *function, int64_t after);

/* From now on the operation that this call of function begins never completes. */
void standin_stall(const char *function, int64_t after);

/* The level that MPI_Init_thread and MPI_Query_thread report; -1: what is asked for. */
void standin_thread_level(int32_t level);

/* The size of MPI_COMM_WORLD, all but one of whose ranks are never heard of; 1 at the start. */
void standin_world_size(int32_t size);

/* What MPIX_Query_cuda_support tells: 1 if buffers may be a device's; 0 at the start. */
void standin_cuda_support(int32_t supported);

/* How often function was called since the last reset, and the largest count that any call was given. */
int64_t standin_calls(const char *function);
int64_t standin_largest_count(void);

/* The tag of the message number index, from 0, that any communicator's rank has sent since the last reset; -1 beyond the last. */
int32_t standin_sent_tag(int32_t rank, int64_t index);

/* Where the data of the last message that was sent or received begin. */
int64_t standin_last_message(void);

/* Forgets faults and counts, and ends calls that block; MPI is uninitialised again. */
void standin_reset(void);

#ifdef __cplusplus
}
#endif

#endif
