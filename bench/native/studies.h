/* What is measured. */
#ifndef NRB_STUDIES_H
#define NRB_STUDIES_H

#include "report.h"

#include <string>

namespace nrb {

struct settings {
    bool quick = false;
    std::string study; /* empty: all */
    std::string algorithm;
    std::string type;
    std::string isa;
    int threads = 0;
    int64_t bytes = 0;
    int most_threads = 1;
    double seconds = 1.5; /* per group of variants that are interleaved */

    bool wants(const std::string &asked, const std::string &value) const { return asked.empty() || asked == value; }
};

/* Every algorithm, type, instruction set and number of threads over the sizes of working sets. */
void measure_sizes(const settings &s, report &out);
/* Centralised rows longer than a core's own cache: the gradient has to be read twice. */
void measure_long_rows(const settings &s, report &out);
/* Centralised rows of up to a few hundred elements. */
void measure_short_rows(const settings &s, report &out);
/* Centralised column-major matrices. */
void measure_column_major(const settings &s, report &out);
/* Many small tensors in one call against one tensor of as many elements. */
void measure_many_tensors(const settings &s, report &out);
/* What Lookahead adds, averaged over its period. */
void measure_lookahead(const settings &s, report &out);
/* 2,000 steps with a tenth of the gradients exactly 0, against none. */
void measure_zeros(const settings &s, report &out);
/* Steps in the caches against their square roots and quotients alone. */
void measure_arithmetic(const settings &s, report &out);
/* Large arrays a power of two apart against others. */
void measure_spacing(const settings &s, report &out);
/* A step of one element against the smallest call. */
void measure_call(const settings &s, report &out);

} // namespace nrb

#endif
