#define NRL_VECTOR_BYTES 32
#include "pass.h"

namespace nrl {
pass_run choose_avx2(const nrl_pass &pass) { return choose(pass); }
} // namespace nrl
