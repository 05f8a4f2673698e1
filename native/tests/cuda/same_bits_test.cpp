/* Every kernel gives the bits of the processor's step. */
#include "device_problem.h"

#include <gtest/gtest.h>

using namespace problem;
using device::device_tensor;
using device::fixture;

namespace {

/* Steps copies of the tensors on the processor and, in one call, on the device. */
template <class T>
void expect_same(fixture &at, const options &o, std::vector<tensor<T>> tensors) {
    const nr_options how = o.view();
    std::vector<std::unique_ptr<device_tensor<T>>> there;
    std::vector<nr_tensor> views;
    for (tensor<T> &t : tensors) {
        there.push_back(std::make_unique<device_tensor<T>>(at, t));
        views.push_back(there.back()->view());
    }
    const nr_cuda_group group = {&how, views.data(), int64_t(views.size()), 0.0};
    ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
    for (size_t i = 0; i < tensors.size(); ++i) {
        tensor<T> got = tensors[i];
        there[i]->fetch(got);
        const nr_tensor t = tensors[i].view();
        ASSERT_EQ(nr_step(&how, 1, &t), NR_OK);
        ASSERT_EQ(difference(tensors[i], got), "")
            << "tensor " << i << ": " << describe(o, tensors[i].extents(), NR_ISA_SCALAR) << " tensor flags "
            << tensors[i].flags << " step " << tensors[i].step;
    }
}

template <class T>
class SameBits : public testing::Test {
protected:
    SameBits() { device::standin_set("reset=1 multiprocessors=2 interpret=0"); }
    ~SameBits() override { EXPECT_EQ(device::standin_violations(), 0); }
};
using types = testing::Types<float, double>;
TYPED_TEST_SUITE(SameBits, types, type_names);

TYPED_TEST(SameBits, EveryLengthInOneCall) {
    random_bits random(1);
    fixture at;
    for (int algorithm : algorithms) {
        const options o(algorithm, type_of<TypeParam>);
        std::vector<tensor<TypeParam>> all;
        for (int64_t n = 0; n <= 257; ++n) {
            all.emplace_back(random, o, flat(n), true, int(n % 5));
            all.back().step = 7;
        }
        expect_same(at, o, all);
    }
}

TYPED_TEST(SameBits, EveryLengthOfCentralisedRowsUnderLookahead) {
    random_bits random(2);
    fixture at;
    for (int algorithm : algorithms) {
        options o(algorithm, type_of<TypeParam>);
        o.followers = {{0.5, NR_FOLLOWER_LEADS, 0}};
        std::vector<tensor<TypeParam>> all;
        for (int64_t n = 2; n <= 257; ++n)
            for (shape s : {row_major(3, n), column_major(3, n), column_major(n, 3)}) {
                all.emplace_back(random, o, s, false, int(n % 3));
                all.back().step = 6;
                all.back().active = uint64_t(n % 2);
                all.back().flags = NR_CENTRALISE;
            }
        expect_same(at, o, all);
    }
}

TYPED_TEST(SameBits, AnythingAnywhereOnAnyGrid) {
    random_bits random(3);
    for (int multiprocessors : {1, 3, 100}) {
        device::standin_set(("multiprocessors=" + std::to_string(multiprocessors)).c_str());
        fixture at;
        for (int round = 0; round < 250; ++round) {
            const int algorithm = algorithms[round % 5];
            const options o = random_options(random, algorithm, type_of<TypeParam>);
            std::vector<tensor<TypeParam>> all;
            for (int i = 0; i < 4; ++i) {
                const shape s = random_shape(random, 40, algorithm == NR_SEED_RANGER);
                all.push_back(random_tensor<TypeParam>(random, o, s, round % 2 == 0));
            }
            expect_same(at, o, all);
            if (testing::Test::HasFatalFailure())
                FAIL() << "round " << round;
        }
    }
}

TYPED_TEST(SameBits, RowsOfSeveralBlocks) {
    random_bits random(4);
    fixture at;
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
                expect_same<TypeParam>(at, o, {start});
            }
        }
}

/* Options of plain steps: any of what their kernels look up. */
options plain_options(random_bits &random, int algorithm, int32_t type, int which) {
    options o(algorithm, type);
    o.how.weight_decay = which % 2 == 0 ? 0.01 : 0.0;
    o.how.gradient_scale = which == 1 ? 0.25 : 1.0;
    o.how.clip_factor = which == 2 ? 0.7 : 1.0;
    o.how.flags = which == 3 ? NR_ZERO_GRADIENT : 0;
    if (which == 0 && (algorithm == NR_ADAM || algorithm == NR_RADAM))
        o.how.flags |= NR_DECOUPLED_DECAY;
    if (pick(random, 2) == 0)
        o.followers = {{0.5, NR_FOLLOWER_LEADS, 0}};
    return o;
}

TYPED_TEST(SameBits, PlainSteps) {
    random_bits random(7);
    fixture at;
    for (int algorithm : {NR_SGD, NR_ADAGRAD, NR_ADAM, NR_RADAM})
        for (int which = 0; which < 4; ++which)
            for (double momentum : {0.9, 0.0}) {
                options o = plain_options(random, algorithm, type_of<TypeParam>, which);
                o.how.beta1 = momentum;
                std::vector<tensor<TypeParam>> all;
                for (shape s : {flat(9'001), flat(5), row_major(40, 7), column_major(31, 9), shape{5, 4, 3, 20}}) {
                    all.emplace_back(random, o, s, which == 3, which);
                    all.back().step = 6;
                    all.back().active = o.followers.size();
                }
                expect_same(at, o, all);
            }
}

/* Rows that fit shared memory, as many of them as do at a time, and rows that are too long by one element. */
TYPED_TEST(SameBits, RowsInSharedMemory) {
    random_bits random(5);
    for (int multiprocessors : {1, 50}) {
        device::standin_set(("multiprocessors=" + std::to_string(multiprocessors)).c_str());
        fixture at;
        for (int algorithm : {NR_SGD, NR_ADAGRAD, NR_ADAM, NR_RADAM})
            for (int skew = 0; skew < 4; ++skew) {
                options o = plain_options(random, algorithm, type_of<TypeParam>, skew);
                std::vector<tensor<TypeParam>> all;
                for (shape s : {row_major(3, 4'096), row_major(5, 4'095), row_major(2, 4'097), row_major(9, 1'025),
                                row_major(7, 1'366), row_major(2'049, 2), row_major(1'000, 7), row_major(200, 64)}) {
                    all.emplace_back(random, o, s, skew == 1, skew);
                    all.back().step = 6;
                    all.back().active = o.followers.size();
                    all.back().flags = NR_CENTRALISE;
                }
                expect_same(at, o, all);
            }
    }
}

/* Rows that lie side by side are summed 32 at a time. */
TYPED_TEST(SameBits, RowsSideBySide) {
    random_bits random(6);
    for (int multiprocessors : {1, 50}) {
        device::standin_set(("multiprocessors=" + std::to_string(multiprocessors)).c_str());
        fixture at;
        for (int64_t rows : {31, 32, 33, 97})
            for (int64_t columns : {1, 2, 31, 32, 33, 100, 4'096, 8'200}) {
                if (columns > 100 && rows != 33)
                    continue;
                options o = random_options(random, algorithms[columns % 4], type_of<TypeParam>);
                o.how.adaptive_clip = columns % 3 == 0 ? 0.3 : 0.0;
                std::vector<tensor<TypeParam>> all;
                for (shape s : {column_major(rows, columns), shape{columns, rows, 3, 3 * rows + 1}}) {
                    all.emplace_back(random, o, s, columns % 2 == 0, int(columns % 4));
                    all.back().step = 6;
                    all.back().flags = s.row_length() < 2 ? 0 : columns % 4 == 0 ? NR_STANDARDISE : NR_CENTRALISE;
                }
                expect_same(at, o, all);
            }
    }
}

} // namespace
