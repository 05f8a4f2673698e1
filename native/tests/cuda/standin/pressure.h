/* How many registers a kernel needs, as far as its PTX tells. */
#ifndef NR_TESTS_CUDA_PRESSURE_H
#define NR_TESTS_CUDA_PRESSURE_H

#include "ptx.h"

namespace standin {

/* The most registers of 32 bits that hold values at one time which are still to be read. What compiles PTX for a device may move
 * instructions, and needs a few more or less. */
int register_pressure(const kernel &k);

} // namespace standin

#endif
