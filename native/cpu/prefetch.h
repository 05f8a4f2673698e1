/* Asking for what a loop reads next, where the processor's own prefetchers leave something to gain. */
#ifndef NR_CPU_PREFETCH_H
#define NR_CPU_PREFETCH_H

#include "math/lane.h"

namespace nr::NR_LANES {

/* Far enough to hide the latency of memory, near enough to stay in the first-level cache. */
constexpr int prefetch_bytes = 2048;

template <class T>
NR_INLINE void fetch(const T *at) {
    __builtin_prefetch(at);
}

template <class T>
NR_INLINE void fetch_ahead(const T *at) {
    __builtin_prefetch(reinterpret_cast<const char *>(at) + prefetch_bytes, 1);
}

} // namespace nr::NR_LANES

#endif
