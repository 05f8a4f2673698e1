/* Every instruction set gives the bits of the reference. */
#include "expect_reference.h"

using namespace problem;

namespace {

template <class T>
class SameBits : public testing::Test {};
using types = testing::Types<float, double>;
TYPED_TEST_SUITE(SameBits, types, type_names);

TYPED_TEST(SameBits, EveryLengthFlat) {
    random_bits random(1);
    for (int algorithm : algorithms)
        for (int64_t n = 0; n <= 257; ++n) {
            const options o(algorithm, type_of<TypeParam>);
            tensor<TypeParam> start(random, o, flat(n), true, int(n % 3));
            start.step = 7;
            expect_reference(o, start);
        }
}

TYPED_TEST(SameBits, EveryLengthOfCentralisedRowsUnderLookahead) {
    random_bits random(2);
    for (int algorithm : algorithms)
        for (int64_t n = 2; n <= 257; ++n)
            for (shape s : {row_major(3, n), column_major(3, n), column_major(n, 3)}) {
                options o(algorithm, type_of<TypeParam>);
                o.followers = {{0.5, NR_FOLLOWER_LEADS, 0}};
                tensor<TypeParam> start(random, o, s, false, int(n % 3));
                start.step = 6;
                start.active = uint64_t(n % 2);
                start.flags = NR_CENTRALISE;
                expect_reference(o, start);
            }
}

/* So many that they fill the tables of a step several times, from the caches and from memory. */
TYPED_TEST(SameBits, ManyShortRows) {
    random_bits random(9);
    for (int64_t working_set : {int64_t{0}, int64_t{1} << 50})
        for (int64_t length :
             {2, 3, 4, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 100, 128, 200, 255, 256, 257})
            for (uint32_t flags : {uint32_t{NR_CENTRALISE}, uint32_t{NR_STANDARDISE}}) {
                options o(NR_RADAM, type_of<TypeParam>);
                o.how.working_set = working_set;
                tensor<TypeParam> start(random, o, row_major(9'001 / length, length), length % 2 == 0, int(length % 3));
                start.step = 7;
                start.flags = flags;
                ASSERT_NO_FATAL_FAILURE(expect_reference(o, start));
            }
}

TYPED_TEST(SameBits, AnythingAnywhere) {
    random_bits random(3);
    for (int round = 0; round < 4000; ++round) {
        const int algorithm = algorithms[round % 5];
        const options o = random_options(random, algorithm, type_of<TypeParam>);
        const shape s = random_shape(random, 40, algorithm == NR_SEED_RANGER);
        expect_reference(o, random_tensor<TypeParam>(random, o, s, round % 2 == 0));
        if (testing::Test::HasFatalFailure())
            FAIL() << "round " << round;
    }
}

TYPED_TEST(SameBits, RowsOfSeveralBlocks) {
    random_bits random(4);
    for (int algorithm : algorithms)
        for (shape s : {flat(20'011), row_major(3, 5'000), row_major(2, 4'096), column_major(5, 9'000),
                        column_major(70, 4'097), shape{3, 4, 3'000, 12'005}, shape{5'000, 3, 2, 6}}) {
            if (algorithm == NR_SEED_RANGER)
                s.stride = s.rows * s.inner;
            options o = random_options(random, algorithm, type_of<TypeParam>);
            o.how.adaptive_clip = 0.3;
            for (uint32_t flags : {uint32_t{NR_CENTRALISE}, uint32_t{NR_STANDARDISE}}) {
                tensor<TypeParam> start = random_tensor<TypeParam>(random, o, s, false);
                start.flags = flags;
                expect_reference(o, start);
            }
        }
}

/* The states go where a run takes them: many steps in a row, among them every boundary of the rectification. */
TYPED_TEST(SameBits, ManyStepsInARow) {
    random_bits random(5);
    for (int algorithm : algorithms) {
        options o(algorithm, type_of<TypeParam>);
        o.how.beta2 = 0.9;
        o.how.weight_decay = 0.01;
        o.followers = {{0.5, NR_FOLLOWER_LEADS, 0}, {0.1, 0, 0}};
        tensor<TypeParam> want(random, o, row_major(5, 37), false);
        for (int j = 0; j < 4; ++j)
            std::fill(want.state(j).begin(), want.state(j).end(), TypeParam(0));
        std::vector<tensor<TypeParam>> got(instruction_sets().size(), want);
        for (int64_t t = 1; t <= 40; ++t) {
            /* Zero gradients now and then let SeedRanger's smoothed mean fall, so that all its branches are met. */
            std::vector<TypeParam> g(want.g.size());
            for (TypeParam &x : g)
                x = t % 16 > 8 ? TypeParam(0) : random_value<TypeParam>(random, false);
            auto prepare = [&](tensor<TypeParam> &now) {
                now.g = g;
                now.step = t;
                now.active = 2 + (t % 6 == 0 ? 1 : 0);
                now.flags = algorithm == NR_SEED_RANGER ? NR_STANDARDISE : NR_CENTRALISE;
            };
            nr_options how = o.view();
            prepare(want);
            reference::step<TypeParam>(how, want.view());
            for (size_t i = 0; i < got.size(); ++i) {
                prepare(got[i]);
                how.isa = instruction_sets()[i];
                const nr_tensor now = got[i].view();
                ASSERT_EQ(nr_step(&how, 1, &now), NR_OK);
                ASSERT_EQ(difference(want, got[i]), "") << "algorithm " << algorithm << " step " << t;
            }
        }
    }
}

/* Powers of the decay rates that have become tiny, or 0, on the way to the last step of a long training. */
TEST(Scalars, OfLateSteps) {
    random_bits random(8);
    for (int algorithm : {NR_ADAM, NR_RADAM})
        for (double beta : {0.0, 0x1p-600, 0x1p-538, 0x1p-537, 1e-100, 0.5, 0.9, 0.999, 0.9999999})
            for (int64_t t : {1, 2, 3, 6, 31, 1'000, 1'024, 4'095, 7'100, 8'192, 100'001, 1'048'576, 2'000'000'000}) {
                options o(algorithm, NR_FLOAT64);
                o.how.beta1 = beta;
                if (beta >= 0.999)
                    o.how.beta2 = beta;
                tensor<double> want(random, o, flat(5), false);
                want.step = t;
                tensor<double> got = want;
                const nr_options how = o.view();
                reference::step<double>(how, want.view());
                const nr_tensor now = got.view();
                ASSERT_EQ(nr_step(&how, 1, &now), NR_OK);
                ASSERT_EQ(difference(want, got), "") << "algorithm " << algorithm << " beta " << beta << " step " << t;
            }
}

/* A row whose squares overflow float64 still has a finite norm, and is clipped by it. */
TEST(AdaptiveClipping, NormsOfOverflowingSquares) {
    random_bits random(6);
    options o(NR_SGD, NR_FLOAT64);
    o.how.beta1 = 0;
    o.how.adaptive_clip = 0.01;
    for (shape s : {row_major(4, 70), column_major(9, 30)}) {
        tensor<double> start(random, o, s, false);
        for (double &x : start.g)
            x *= 1e200;
        for (size_t i = 0; i < start.p.size(); i += 3)
            start.p[i] *= 1e180;
        expect_reference(o, start);
        nr_options how = o.view();
        const nr_tensor t = start.view();
        std::vector<nr_row> rows(size_t(s.rows));
        nr_row *out = rows.data();
        ASSERT_EQ(nr_row_statistics(&how, 1, &t, &out), NR_OK);
        for (const nr_row &row : rows)
            EXPECT_TRUE(row.scale > 0 && row.scale < 1) << row.scale;
    }
}

TYPED_TEST(SameBits, RowStatistics) {
    random_bits random(7);
    for (int round = 0; round < 1000; ++round) {
        const int algorithm = algorithms[round % 5];
        const options o = random_options(random, algorithm, type_of<TypeParam>);
        const shape s = random_shape(random, 40, algorithm == NR_SEED_RANGER);
        tensor<TypeParam> start = random_tensor<TypeParam>(random, o, s, round % 2 == 0);
        start.with_gradient = true;
        nr_options how = o.view();
        const nr_tensor t = start.view();
        const std::vector<nr_row> want = reference::row_statistics<TypeParam>(how, t);
        for (int32_t isa : instruction_sets()) {
            const tensor<TypeParam> before = start;
            std::vector<nr_row> got(want.size());
            nr_row *rows = got.data();
            how.isa = isa;
            ASSERT_EQ(nr_row_statistics(&how, 1, &t, &rows), NR_OK);
            for (size_t r = 0; r < want.size(); ++r)
                ASSERT_TRUE(same(want[r].scale, got[r].scale) && same(want[r].mean, got[r].mean) &&
                            same(want[r].denominator, got[r].denominator))
                    << describe(o, s, isa) << " row " << r;
            ASSERT_EQ(difference(before, start), "");
        }
    }
}

TYPED_TEST(SameBits, SquareSumsAndAccumulation) {
    random_bits random(8);
    std::vector<int64_t> lengths = {4'095, 4'096, 4'097, 100'003};
    for (int64_t n = 0; n <= 257; ++n)
        lengths.push_back(n);
    for (int64_t n : lengths)
        for (double scale : {1.0, 0x1p-600}) {
            options o = random_options(random, NR_SGD, type_of<TypeParam>);
            tensor<TypeParam> start(random, o, flat(n), n % 3 == 0, int(n % 2));
            nr_options how = o.view();
            const TypeParam *g = start.g.data() + start.skew();
            const std::vector<double> want = reference::square_sums(how, g, n, scale);
            bool finite = true;
            for (int64_t i = 0; i < n; ++i)
                finite = finite && std::isfinite(g[i]);
            for (int32_t isa : instruction_sets()) {
                std::vector<double> got(want.size());
                double *sums = got.data();
                int32_t nonfinite = -1;
                how.isa = isa;
                const nr_tensor t = start.view();
                ASSERT_EQ(nr_square_sums(&how, 1, &t, scale, &sums, &nonfinite), NR_OK);
                for (size_t i = 0; i < want.size(); ++i)
                    ASSERT_TRUE(same(want[i], got[i])) << n << " elements, block " << i;
                ASSERT_EQ(nonfinite, finite ? 0 : 1);
                ASSERT_EQ(nr_square_sums(&how, 1, &t, scale, nullptr, &nonfinite), NR_OK);
                ASSERT_EQ(nonfinite, finite ? 0 : 1);

                tensor<TypeParam> sum = start;
                ASSERT_EQ(nr_accumulate(how.type, isa, n, g, sum.p.data() + sum.skew()), NR_OK);
                for (size_t i = size_t(start.skew()); i < start.p.size(); ++i)
                    ASSERT_TRUE(same(TypeParam(start.p[i] + start.g[i]), sum.p[i]));
            }
        }
}

TEST(Reduce, IsTheCanonicalOrder) {
    random_bits random(9);
    for (int64_t n : {0, 1, 2, 31, 32, 33, 4'095, 4'096, 4'097, 8'192, 50'000, 4'096 * 33 + 5}) {
        std::vector<double> sums(static_cast<size_t>(n));
        for (double &x : sums)
            x = random_value<double>(random, false);
        const double want = reference::canonical_sum(sums);
        double got = -1;
        ASSERT_EQ(nr_reduce(n, sums.data(), &got), NR_OK);
        EXPECT_TRUE(same(want, got)) << n;
    }
}

/* 17 million block sums are the first that need a third level; -0 alone must come out as +0. */
TEST(Reduce, ThirdLevelAndZero) {
    std::vector<double> sums(4'096 * 4'096 + 7);
    for (size_t i = 0; i < sums.size(); ++i)
        sums[i] = 1.0 / double(i + 1);
    const double want = reference::canonical_sum(sums);
    double got = -1;
    ASSERT_EQ(nr_reduce(int64_t(sums.size()), sums.data(), &got), NR_OK);
    EXPECT_TRUE(same(want, got));

    double minus = -0.0;
    ASSERT_EQ(nr_reduce(1, &minus, &got), NR_OK);
    EXPECT_TRUE(same(0.0, got));
}

} // namespace
