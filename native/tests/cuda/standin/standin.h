/* What tests tell the stand-in driver, beside the driver's own functions. */
#ifndef NR_TESTS_CUDA_STANDIN_H
#define NR_TESTS_CUDA_STANDIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Settings, separated by blanks; also read from the environment variable NATIVERANGER_STANDIN when the driver is loaded:
 *     devices=2  version=12040  capability=90  multiprocessors=3  memory=1048576 (bytes of each device)
 *     interpret=1            run the kernels' PTX, not their host-compiled twins
 *     context=1              memory allocated from now on is in a context of somebody else; 2: in none; 0: in the device's
 *     fail=FUNCTION:N:RESULT the N-th call from now of a driver function returns RESULT; a fatal result stays
 *     reset=1                forgets failures, counts and a lost context
 * Returns 0, or the position after the first setting that is not understood. */
int standin_set(const char *settings);

/* Calls of a driver function since the last reset. */
int64_t standin_calls(const char *function);

/* Allocations of device memory and pinned memory that are alive, and what the library did that a device does not forgive:
 * memory freed or host memory changed hands while work was under way, events or modules left in a context that was given back. */
int64_t standin_allocations(void);
int64_t standin_violations(void);

/* Bytes of all asynchronous copies. */
int64_t standin_copied(void);

#ifdef __cplusplus
}
#endif

#endif
