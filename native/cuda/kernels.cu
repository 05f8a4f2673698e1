/* The kernels for a GPU: compiled to PTX, by clang without the CUDA SDK or by nvcc. */
#include "cuda/kernels.h"
