#include "cpu/dispatch.h"

#include <stdlib.h>
#include <string.h>

namespace nr {

namespace {

/* Indexed by nr_isa_code. */
const char *const isa_names[NR_ISA_COUNT] = {"auto", "scalar", "avx2", "avx512", "neon"};

constexpr size_t longest_forced = 64;

struct selection {
    const instruction_set *tables[NR_ISA_COUNT];
    int32_t chosen;
    bool forced;
    char asked_for[longest_forced];
    processor here;
};

selection selected;

int32_t isa_of_name(const char *name) {
    for (int32_t isa = NR_ISA_SCALAR; isa < NR_ISA_COUNT; ++isa)
        if (strcmp(name, isa_names[isa]) == 0)
            return isa;
    return NR_ISA_AUTO;
}

__attribute__((constructor)) void select_instructions() {
    selected.here = ask_processor();
    selected.tables[NR_ISA_SCALAR] = &scalar::instructions;
#if defined(__x86_64__)
    if (selected.here.avx2)
        selected.tables[NR_ISA_AVX2] = &avx2::instructions;
    if (selected.here.avx512)
        selected.tables[NR_ISA_AVX512] = &avx512::instructions;
#elif defined(__aarch64__)
    selected.tables[NR_ISA_NEON] = &neon::instructions; /* part of every such processor */
#endif

    const char *forced = getenv("NATIVERANGER_ISA");
    if (forced != nullptr && *forced != '\0') {
        strncpy(selected.asked_for, forced, longest_forced - 1);
        selected.forced = true;
        const int32_t isa = isa_of_name(forced);
        selected.chosen = selected.tables[isa] != nullptr ? isa : static_cast<int32_t>(NR_ISA_AUTO);
        return;
    }
    for (int32_t isa = NR_ISA_SCALAR; isa < NR_ISA_COUNT; ++isa)
        if (selected.tables[isa] != nullptr)
            selected.chosen = isa;
}

} // namespace

const instruction_set *find_instructions(int32_t isa) {
    if (isa < 0 || isa >= NR_ISA_COUNT)
        return nullptr;
    return selected.tables[isa == NR_ISA_AUTO ? selected.chosen : isa];
}

const processor &this_processor() { return selected.here; }

} // namespace nr

int32_t nr_isa(void) { return nr::selected.chosen; }

const char *nr_isa_forced(void) { return nr::selected.forced ? nr::selected.asked_for : nullptr; }

const char *nr_isa_name(int32_t isa) { return isa >= 0 && isa < NR_ISA_COUNT ? nr::isa_names[isa] : nullptr; }

int32_t nr_isa_available(int32_t isa) {
    return isa > NR_ISA_AUTO && isa < NR_ISA_COUNT && nr::selected.tables[isa] != nullptr;
}
