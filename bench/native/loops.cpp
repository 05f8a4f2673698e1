#include "loops.h"

#include "cpu/dispatch.h"

namespace nrb {

namespace {

nr::processor &processor() { return const_cast<nr::processor &>(nr::this_processor()); }

} // namespace

loop_choices usual_choices() {
    static const loop_choices usual = {processor().roots, processor().wants_prefetch};
    return usual;
}

void choose(loop_choices choices) {
    processor().roots = choices.roots;
    processor().wants_prefetch = choices.prefetch;
}

} // namespace nrb
