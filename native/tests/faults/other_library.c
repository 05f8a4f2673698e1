/* other_library.c: what may lie where libnativeranger is expected, chosen by the macro that it is compiled with. */
#include <stdint.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

#if defined(OLD_CONTRACT) /* a library of an older contract: its version must be asked before anything else */

EXPORT int32_t nr_abi_version(void) { return 0; }
EXPORT int32_t nr_isa(void) { abort(); }
EXPORT int32_t nr_isa_available(void) { abort(); }

#elif defined(INCOMPLETE) /* the right contract, but not all functions */

EXPORT int32_t nr_abi_version(void) { return 1; }

#elif defined(DEPENDENT) /* it needs a library that is not there */

extern int32_t nr_from_a_library_that_is_missing(void);
EXPORT int32_t nr_abi_version(void) { return nr_from_a_library_that_is_missing(); }

#elif defined(MISSING) /* what it needs */

EXPORT int32_t nr_from_a_library_that_is_missing(void) { return 1; }

#elif defined(PLANTED) /* a stranger's: the process ends as soon as it is loaded */

__attribute__((constructor)) static void loaded(void) { _Exit(66); }

#endif
