/* Whatever the caller has set, the bits are the same, and the caller finds it as it was. */
#include "problem.h"

#include <gtest/gtest.h>

#if defined(__x86_64__)

using namespace problem;

namespace {

constexpr unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040, round_down = 0x2000, round_up = 0x4000;
constexpr unsigned masked = 0x1f80, inexact_seen = 0x0020, seen_flags = 0x003f;

class with_control {
public:
    explicit with_control(unsigned word) : before_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(word); }
    ~with_control() { __builtin_ia32_ldmxcsr(before_); }
    with_control(const with_control &) = delete;
    with_control &operator=(const with_control &) = delete;

private:
    unsigned before_;
};

/* A word without the flags of what has happened, which any arithmetic may set. */
unsigned control_of(unsigned word) { return word & ~seen_flags; }

/* Exceptions that are not masked would end the process at the first inexact result. */
constexpr unsigned words[] = {masked | flush_to_zero | denormals_are_zero,
                              masked | round_up,
                              masked | round_down,
                              masked | inexact_seen,
                              masked,
                              0};

TEST(ControlWord, Fault_17_is_set_for_the_call_and_restored) {
    random_bits random(31);
    for (int algorithm : algorithms) {
        options o(algorithm, NR_FLOAT32);
        o.followers = {{1.0 / 3, NR_FOLLOWER_LEADS, 0}};
        tensor<float> start(random, o, row_major(3, 50), true);
        start.flags = NR_STANDARDISE;
        start.step = 7;
        start.active = 1;
        for (int32_t isa : instruction_sets()) {
            nr_options how = o.view();
            how.isa = isa;
            tensor<float> want = start;
            const nr_tensor plain = want.view();
            ASSERT_EQ(nr_step(&how, 1, &plain), NR_OK);
            for (unsigned word : words) {
                tensor<float> got = start;
                const nr_tensor t = got.view();
                nr_status status = -1;
                unsigned after = 0;
                {
                    const with_control control(word);
                    status = nr_step(&how, 1, &t);
                    after = __builtin_ia32_stmxcsr();
                }
                ASSERT_EQ(status, NR_OK);
                ASSERT_EQ(control_of(after), control_of(word));
                ASSERT_EQ(difference(want, got), "") << describe(o, start.extents(), isa) << " word " << word;
            }
        }
    }
}

TEST(ControlWord, Fault_17_of_every_other_entry_too) {
    random_bits random(32);
    const options o(NR_ADAM, NR_FLOAT64);
    const nr_options how = o.view();
    tensor<double> start(random, o, row_major(3, 50), false);
    start.flags = NR_CENTRALISE;
    for (double &x : start.g)
        x *= 0x1p-1030;
    auto results = [&] {
        tensor<double> now = start;
        const nr_tensor t = now.view();
        std::vector<nr_row> rows(3);
        nr_row *row = rows.data();
        double sum = 0, reduced = 0;
        double *sums = &sum;
        int32_t nonfinite = 0;
        nr_row_statistics(&how, 1, &t, &row);
        nr_square_sums(&how, 1, &t, 0x1p600, &sums, &nonfinite);
        double blocks[] = {1.0, 0x1p-60, 0x1p-1040};
        nr_reduce(3, blocks, &reduced);
        nr_accumulate(NR_FLOAT64, NR_ISA_AUTO, 150, t.gradient, t.parameter);
        std::vector<double> all = {rows[0].mean, rows[1].mean, rows[2].mean, sum, reduced};
        all.insert(all.end(), now.p.begin(), now.p.end());
        return all;
    };
    const std::vector<double> want = results();
    EXPECT_NE(want[0], 0.0);
    for (unsigned word : words) {
        std::vector<double> got;
        unsigned after = 0;
        {
            const with_control control(word);
            got = results();
            after = __builtin_ia32_stmxcsr();
        }
        EXPECT_EQ(control_of(after), control_of(word));
        for (size_t i = 0; i < want.size(); ++i)
            ASSERT_TRUE(same(want[i], got[i])) << i << " word " << word;
    }
}

} // namespace

#endif
