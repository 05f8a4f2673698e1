/* Which instruction sets are here, and which one a call gets. Decided once, when the library is loaded. */
#ifndef NR_CPU_DISPATCH_H
#define NR_CPU_DISPATCH_H

#include "cpu/kernel.h"
#include "cpu/processor.h"

namespace nr {

/* The tables of an instruction set, or null if it is unknown, not compiled in, or cannot run here. */
const instruction_set *find_instructions(int32_t isa);

/* What the processor said of itself. */
const processor &this_processor();

} // namespace nr

#endif
