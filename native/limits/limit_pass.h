/* Which kernel a pass gets, and how a team shares it. */
#ifndef NRL_LIMIT_PASS_H
#define NRL_LIMIT_PASS_H

#include "limits.h"
#include "team.h"

namespace nrl {

bool is_valid(const nrl_pass &pass);

/* The pass in equal parts, one per member, with the widest vectors that this processor has. */
job share_pass(const nrl_pass &pass, int threads);

} // namespace nrl

#endif
