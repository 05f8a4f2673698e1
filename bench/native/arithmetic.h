/* The slowest operations of the Adam family's steps, without their memory. */
#ifndef NRB_ARITHMETIC_H
#define NRB_ARITHMETIC_H

#include "compare.h"

#include <cstdint>

namespace nrb {

/* One square root and one quotient per element, from and to the first-level cache, by the processor's own instructions. */
variant roots_and_quotients(int32_t type, int32_t isa, int64_t elements);

/* True if there are loops for an instruction set. */
bool has_roots_and_quotients(int32_t isa);

} // namespace nrb

#endif
