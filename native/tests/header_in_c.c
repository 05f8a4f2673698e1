/* The header is C11: this file is compiled as C and called from the tests. */
#include "nativeranger.h"

int32_t abi_version_in_c(void);

int32_t abi_version_in_c(void) { return nr_abi_version(); }
