/* What the library's loops decide for themselves on this processor: these programs are built of its objects. */
#ifndef NRB_LOOPS_H
#define NRB_LOOPS_H

#include "math/root_units.h"

namespace nrb {

struct loop_choices {
    nr::root_units roots;
    bool prefetch; /* beyond the last-level cache */
};

/* The library's own. */
loop_choices usual_choices();

/* From now on the loops go by these. */
void choose(loop_choices choices);

} // namespace nrb

#endif
