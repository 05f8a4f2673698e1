/* What the processor can do, asked of the processor itself: the compilers' own helpers need a library that we do not link. */
#ifndef NR_CPU_PROCESSOR_H
#define NR_CPU_PROCESSOR_H

#include "math/root_units.h"

#include <stdint.h>

namespace nr {

struct processor {
    bool avx2;
    bool avx512; /* F, DQ, BW and VL */
    int64_t last_level_cache_bytes;
    /* Intel's divide and take roots in one unit and multiply in two others; AMD's Zen 4 has half as many multiplications to
     * spare. */
    root_units roots;
    /* What comes from memory comes faster if the loops ask for it ahead. On Zen 4 that only hinders its own prefetchers. */
    bool wants_prefetch;
};

/* Instruction sets count only if the operating system saves their registers. */
processor ask_processor();

} // namespace nr

#endif
