#define NRL_VECTOR_BYTES 64
#include "pass.h"

namespace nrl {
pass_run choose_avx512(const nrl_pass &pass) { return choose(pass); }
} // namespace nrl
