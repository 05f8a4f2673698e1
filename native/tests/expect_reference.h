/* Every instruction set against the reference. */
#ifndef NR_TESTS_EXPECT_REFERENCE_H
#define NR_TESTS_EXPECT_REFERENCE_H

#include "problem.h"
#include "reference.h"

#include <gtest/gtest.h>

namespace problem {

/* Steps copies of a tensor on every instruction set and compares each with the reference. */
template <class T>
void expect_reference(const options &o, const tensor<T> &start) {
    tensor<T> want = start;
    nr_options how = o.view();
    reference::step<T>(how, want.view());
    for (int32_t isa : instruction_sets()) {
        SCOPED_TRACE(describe(o, start.extents(), isa) + " tensor flags " + std::to_string(start.flags) + " step " +
                     std::to_string(start.step));
        tensor<T> got = start;
        const nr_tensor t = got.view();
        how.isa = isa;
        ASSERT_EQ(nr_step(&how, 1, &t), NR_OK);
        ASSERT_EQ(difference(want, got), "");
    }
}

} // namespace problem

#endif
