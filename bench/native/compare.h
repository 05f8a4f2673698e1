/* Times several jobs against each other. */
#ifndef NRB_COMPARE_H
#define NRB_COMPARE_H

#include "team.h"

#include <string>
#include <vector>

namespace nrb {

struct variant {
    nrl::job work;
    int cycle = 1;    /* repetitions that belong together: every cycle-th is another one */
    bool warm = true; /* false where the arrays are far larger than the caches, so that there is nothing to warm */
};

/* Of each variant, the seconds of one repetition in every round. Each round runs all variants in an order drawn anew, since
 * what ran before changes what the caches hold, and each variant untimed first. Rounds go on for the given seconds, and
 * until there are enough for a median. */
std::vector<std::vector<double>> compare(nrl::team &team, const std::vector<variant> &variants, double seconds);

double median(std::vector<double> values);
double quantile(std::vector<double> values, double fraction);

/* Round by round a / b. */
std::vector<double> ratios(const std::vector<double> &a, const std::vector<double> &b);

} // namespace nrb

#endif
