#define NR_LANES avx512
#define NR_VECTOR_BYTES 64
#include "cpu/kernels.h"
