/* What tests ask of the stand-in NCCL, beside its functions: ranks that are threads of one process, and faults. */
#ifndef NR_TESTS_NCCL_STANDIN_H
#define NR_TESTS_NCCL_STANDIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From now on the call of function ("ncclAllGather") number after + 1, counted over all ranks, returns result. */
void standin_nccl_fail(const char *function, int64_t after, int32_t result);

/* What ncclGetVersion tells; 21803 at the start. */
void standin_nccl_version(int32_t version);

/* How often function was called since the last reset; communicators that are alive. */
int64_t standin_nccl_calls(const char *function);
int64_t standin_nccl_communicators(void);

/* Forgets faults and counts. */
void standin_nccl_reset(void);

#ifdef __cplusplus
}
#endif

#endif
