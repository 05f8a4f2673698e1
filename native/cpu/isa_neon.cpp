#define NR_LANES neon
#define NR_VECTOR_BYTES 16
#include "cpu/kernels.h"
