#define NR_LANES avx2
#define NR_VECTOR_BYTES 32
#include "cpu/kernels.h"
