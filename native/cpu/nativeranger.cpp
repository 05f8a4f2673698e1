#include "nativeranger.h"

int32_t nr_abi_version(void) { return NR_ABI_VERSION; }

const char *nr_version(void) { return NR_VERSION; }
