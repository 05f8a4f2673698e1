/* Square roots by multiplication are the processor's own to the bit, and so are the steps that take them. Linked with the
 * library's objects, to choose how the loops go about a step. */
#include "cpu/dispatch.h"
#include "expect_reference.h"
#include "roots.h"

using namespace problem;

namespace {

class Roots : public testing::Test {
protected:
    void SetUp() override {
        if (!nr_isa_available(NR_ISA_AVX512))
            GTEST_SKIP() << "no AVX-512 here: only its kernels take roots by multiplication";
    }
};

uint32_t bits_of(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

TEST_F(Roots, EveryFloat) {
    /* Up to here the scaled number is finite. */
    const uint32_t first_refused = bits_of(0x1p80f), infinity = bits_of(std::numeric_limits<float>::infinity());
    const roots::tally exact = roots::compare_floats(0, first_refused);
    EXPECT_EQ(exact.wrong, 0);
    EXPECT_EQ(exact.nans, 0);
    const roots::tally refused = roots::compare_floats(first_refused, infinity);
    EXPECT_EQ(refused.nans, int64_t(infinity - first_refused));
}

template <class T>
void expect_nan_of(std::vector<T> values) {
    const size_t count = values.size();
    values.resize(count + size_t(roots::padding), T(1));
    std::vector<T> got(values.size());
    roots::by_fma(int64_t(count), values.data(), got.data());
    for (size_t i = 0; i < count; ++i)
        EXPECT_TRUE(std::isnan(got[i])) << values[i];
}

TEST_F(Roots, WhatIsLeftToTheProcessor) {
    const double infinity = std::numeric_limits<double>::infinity();
    expect_nan_of<double>({infinity, -infinity, std::nan(""), 0x1p916, 0x1.fffffffffffffp1023, -1.0, -0x1p-1022});
    expect_nan_of<float>({float(infinity), -1.0f, std::nanf(""), -0x1p-126f});
}

/* Counts those of a batch whose root is not the processor's. */
class batch {
public:
    void add(double x) {
        values_.push_back(x);
        if (values_.size() == 4096)
            compare();
    }
    int64_t tried() const { return tried_; }
    int64_t wrong() {
        compare();
        return wrong_;
    }

private:
    void compare() {
        const size_t count = values_.size();
        values_.resize(count + size_t(roots::padding), 1.0);
        std::vector<double> got(values_.size());
        roots::by_fma(int64_t(count), values_.data(), got.data());
        for (size_t i = 0; i < count; ++i)
            if (!same(got[i], std::sqrt(values_[i]))) {
                if (wrong_++ == 0)
                    ADD_FAILURE() << std::hexfloat << values_[i] << ": " << got[i];
            }
        tried_ += int64_t(count);
        values_.clear();
    }

    std::vector<double> values_;
    int64_t tried_ = 0;
    int64_t wrong_ = 0;
};

__extension__ typedef __int128 wide;

/* A root is hard to round if it lies next to the middle Z/2 of two neighbouring doubles: if Z Z - A 2^k = r is small for an
 * odd Z of 54 bits and the significand A of the radicand. The roots Z of r modulo 2^k are found bit by bit; an odd r has any
 * if it is 1 modulo 8, and then four, which differ by signs and 2^(k-1). */
void add_hard_cases(batch &cases, int64_t r, int k) {
    const uint64_t mask = (uint64_t{1} << k) - 1;
    uint64_t z = 1;
    for (int bit = 3; bit < k; ++bit)
        if (((z * z - uint64_t(r)) >> bit & 1) != 0)
            z += uint64_t{1} << (bit - 1);
    for (uint64_t root : {z, ~z + 1, z + (uint64_t{1} << (k - 1)), ~z + 1 + (uint64_t{1} << (k - 1))}) {
        const uint64_t odd = root & mask;
        if (odd < uint64_t{1} << 53 || odd >= uint64_t{1} << 54)
            continue;
        const wide product = (wide(odd) * odd - r) >> k;
        if (product < wide(1) << 52 || product >= wide(1) << 53)
            continue;
        for (int exponent : {-1000, -500, -52, 0, 400})
            cases.add(std::ldexp(double(int64_t(product)), 2 * (exponent / 2) + k % 2));
    }
}

TEST_F(Roots, HardestDoubles) {
    batch cases;
    for (int64_t r = 1; r < 800'000; r += 8)
        for (int k : {54, 55}) {
            add_hard_cases(cases, r, k);
            add_hard_cases(cases, r - 800'000 - 8, k); /* negative, and 1 modulo 8 too */
        }
    EXPECT_EQ(cases.wrong(), 0);
    EXPECT_GT(cases.tried(), 1'000'000);
}

TEST_F(Roots, RandomDoublesAndTheEndsOfTheirRange) {
    batch cases;
    random_bits random(7);
    for (double x : {0.0, -0.0, std::numeric_limits<double>::denorm_min(), 0x1p-1022, 0x1p-1074, 0x1.fffffffffffffp915})
        cases.add(x);
    const uint64_t below_refused = uint64_t{1023 + 916} << 52;
    for (int i = 0; i < 4'000'000; ++i) {
        const uint64_t bits = random() % below_refused;
        double x;
        std::memcpy(&x, &bits, sizeof x);
        cases.add(x);
    }
    for (int i = 0; i < 1'000'000; ++i) {
        const double root = std::ldexp(uniform(random) + 1.0, pick(random, 400) - 200);
        const double square = root * root;
        cases.add(square);
        cases.add(std::nextafter(square, 0.0));
        cases.add(std::nextafter(square, 1e300));
    }
    EXPECT_EQ(cases.wrong(), 0);
}

/* Lets the library take this for another processor. */
template <class Parameter>
class AsElsewhere : public testing::TestWithParam<Parameter> {
protected:
    void TearDown() override { here() = usual_; }
    static nr::processor &here() { return const_cast<nr::processor &>(nr::this_processor()); }

private:
    const nr::processor usual_ = here();
};

class Groups : public AsElsewhere<nr::root_units> {
protected:
    void SetUp() override { here().roots = GetParam(); }
};

/* Whether memory is prefetched beyond the caches. */
class Prefetch : public AsElsewhere<bool> {
protected:
    void SetUp() override { here().wants_prefetch = GetParam(); }
};

template <class T>
void expect_the_same_steps(random_bits &random, bool hostile, int64_t working_set = 0) {
    for (int algorithm : {NR_SGD, NR_ADAGRAD, NR_ADAM, NR_RADAM})
        for (int64_t length :
             {31, 32, 63, 64, 65, 127, 128, 191, 192, 256, 257, 320, 4'095, 4'096, 4'097, 8'256, 12'288})
            for (int64_t rows : {1, 2, 3}) {
                options o(algorithm, type_of<T>);
                o.followers = {{0.5, NR_FOLLOWER_LEADS, 0}};
                o.how.working_set = working_set;
                tensor<T> start(random, o, row_major(rows, length), hostile, int(length % 3));
                start.step = 60;
                start.active = uint64_t(rows % 2);
                start.flags = length % 5 == 0 ? 0 : NR_CENTRALISE;
                ASSERT_NO_FATAL_FAILURE(expect_reference(o, start));
            }
}

TEST_P(Groups, GiveTheBitsOfTheReference) {
    random_bits random(8);
    expect_the_same_steps<float>(random, false);
    expect_the_same_steps<double>(random, false);
}

/* Zeros, infinities and NaNs among the second moments, so that some groups ask the processor and some do not. */
TEST_P(Groups, GiveThemWhereRootsAreRefused) {
    random_bits random(9);
    expect_the_same_steps<float>(random, true);
    expect_the_same_steps<double>(random, true);
}

TEST_P(Prefetch, GivesTheBitsOfTheReference) {
    constexpr int64_t beyond_every_cache = int64_t{1} << 50;
    random_bits random(10);
    expect_the_same_steps<float>(random, false, beyond_every_cache);
    expect_the_same_steps<double>(random, false, beyond_every_cache);
}

INSTANTIATE_TEST_SUITE_P(Both, Prefetch, testing::Bool());
INSTANTIATE_TEST_SUITE_P(RootsByMultiplication, Groups,
                         testing::Values(nr::root_units::divider, nr::root_units::both, nr::root_units::multipliers));

} // namespace
