/* The limit kernels of each vector size. */
#ifndef NRL_KERNELS_H
#define NRL_KERNELS_H

#include "limits.h"

namespace nrl {

/* Runs elements [begin, end) of a pass. */
using pass_run = void (*)(const nrl_pass &pass, int64_t begin, int64_t end);

pass_run choose_generic(const nrl_pass &pass);
#if defined(__x86_64__)
pass_run choose_avx2(const nrl_pass &pass);
pass_run choose_avx512(const nrl_pass &pass);
#endif

} // namespace nrl

#endif
