/* What was measured, as JSON and as lines to read. */
#ifndef NRB_REPORT_H
#define NRB_REPORT_H

#include "problem.h"

#include <cstdio>
#include <string>
#include <vector>

namespace nrb {

/* A step against its limit. */
struct measurement {
    std::string study;
    std::string isa;
    std::string kernel; /* "chosen" by the library, or one that it was made to choose */
    double ns_per_element;
    double limit_ns_per_element;
    bool limit_prefetches;
    double ratio_to_limit; /* limit time / step time: median over the rounds, and its quartiles */
    double lower_quartile;
    double upper_quartile;
    std::size_t rounds;
};

/* A time against another; ratio is subject / baseline, median over the rounds. */
struct comparison {
    std::string study;
    std::string isa;
    std::string type;
    int64_t elements;
    std::string subject;
    std::string baseline;
    double subject_ns;
    double baseline_ns;
    double ratio;
};

class report {
public:
    void add(const problem &of, const measurement &m);
    void add(const comparison &c);

    /* The file's machine and commit are described by the caller: a JSON object of its own, taken over as it is. */
    void write(std::FILE *to, const std::string &circumstances) const;

private:
    std::vector<std::string> measurements_;
    std::vector<std::string> comparisons_;
};

std::string type_name(int32_t type);

} // namespace nrb

#endif
