#include "limit_pass.h"

#include "kernels.h"

namespace nrl {

namespace {

pass_run choose_widest(const nrl_pass &pass) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return choose_avx512(pass);
    if (__builtin_cpu_supports("avx2"))
        return choose_avx2(pass);
#endif
    return choose_generic(pass);
}

} // namespace

bool is_valid(const nrl_pass &pass) {
    if ((pass.element_bytes != 4 && pass.element_bytes != 8) || pass.array_count < 1 ||
        pass.array_count > NRL_MOST_ARRAYS || pass.reserved != 0 || pass.elements < 0 || pass.gradient == nullptr)
        return false;
    for (int j = 0; j < pass.array_count; ++j)
        if (pass.arrays[j] == nullptr)
            return false;
    return true;
}

job share_pass(const nrl_pass &pass, int threads) {
    constexpr int64_t line = 64;
    const int64_t lines = (pass.elements * pass.element_bytes + line - 1) / line;
    const int64_t part = (lines + threads - 1) / threads * (line / pass.element_bytes);
    const pass_run run = choose_widest(pass);
    return [pass, part, run](int member) {
        const int64_t begin = member * part;
        const int64_t end = begin + part < pass.elements ? begin + part : pass.elements;
        if (begin < end)
            run(pass, begin, end);
    };
}

} // namespace nrl
