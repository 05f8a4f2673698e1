#include "loops.h"

#include "cpu/dispatch.h"

namespace nrb {

namespace {

nr::processor &processor() { return const_cast<nr::processor &>(nr::this_processor()); }

} // namespace

int usual_fma_roots() {
    static const int usual = processor().fma_roots;
    return usual;
}

void set_fma_roots(int roots) { processor().fma_roots = static_cast<int8_t>(roots); }

} // namespace nrb
