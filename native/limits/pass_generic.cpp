#define NRL_VECTOR_BYTES 16
#include "pass.h"

namespace nrl {
pass_run choose_generic(const nrl_pass &pass) { return choose(pass); }
} // namespace nrl
