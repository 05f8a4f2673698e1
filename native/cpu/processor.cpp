#include "cpu/processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace nr {

namespace {

/* Used where the processor does not say. */
constexpr int64_t usual_cache_bytes = int64_t{32} << 20;

#if defined(__x86_64__)

struct registers {
    uint32_t eax, ebx, ecx, edx;
};

registers ask(uint32_t leaf, uint32_t subleaf) {
    registers r = {};
    __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
    return r;
}

bool has(uint32_t word, int bit) { return (word >> bit & 1) != 0; }

uint64_t enabled_state() {
    uint32_t low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return static_cast<uint64_t>(high) << 32 | low;
}

/* Leaf 4 (Intel) and leaf 0x8000001D (AMD) describe a cache per subleaf in the same way. */
int64_t largest_cache(uint32_t leaf) {
    int64_t bytes = 0;
    for (uint32_t i = 0; i < 16; ++i) {
        const registers r = ask(leaf, i);
        if ((r.eax & 0x1f) == 0)
            break;
        const int64_t ways = (r.ebx >> 22) + 1;
        const int64_t partitions = (r.ebx >> 12 & 0x3ff) + 1;
        const int64_t line = (r.ebx & 0xfff) + 1;
        const int64_t sets = int64_t{r.ecx} + 1;
        const int64_t size = ways * partitions * line * sets;
        if (size > bytes)
            bytes = size;
    }
    return bytes;
}

#endif

} // namespace

processor ask_processor() {
    processor p = {false, false, usual_cache_bytes, root_units::divider, true};
#if defined(__x86_64__)
    const registers basic = ask(1, 0);
    const registers extended = ask(7, 0);
    const bool saves_states = has(basic.ecx, 27);
    const uint64_t enabled = saves_states ? enabled_state() : 0;
    const bool ymm = (enabled & 0x6) == 0x6;
    const bool zmm = (enabled & 0xe6) == 0xe6;
    p.avx2 = ymm && has(basic.ecx, 28) && has(extended.ebx, 5);
    p.avx512 = zmm && p.avx2 && has(extended.ebx, 16) && has(extended.ebx, 17) && has(extended.ebx, 30) &&
               has(extended.ebx, 31);
    const bool amd = ask(0, 0).ecx == 0x444d4163; /* "cAMD" of AuthenticAMD */
    const int64_t bytes = largest_cache(amd ? 0x8000001d : 4);
    if (bytes > 0)
        p.last_level_cache_bytes = bytes;
    p.roots = amd ? root_units::both : root_units::multipliers;
    p.wants_prefetch = !amd;
#endif
    return p;
}

} // namespace nr
