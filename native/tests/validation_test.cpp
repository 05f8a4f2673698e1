/* Every status is provoked, and a call that fails has written nothing. */
#include "problem.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

using namespace problem;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

/* A valid call of two tensors, the second of which a test spoils: a check that came too late would leave the first stepped. */
class call {
public:
    explicit call(int32_t algorithm, std::vector<nr_follower> followers = {})
        : o(make(algorithm, std::move(followers))), random(1), first(random, o, row_major(6, 10), false),
          second(random, o, row_major(6, 10), false) {
        first.flags = second.flags = algorithm == NR_SEED_RANGER ? NR_STANDARDISE : NR_CENTRALISE;
        first.active = second.active = (uint64_t{1} << o.followers.size()) - 1;
        how = o.view();
        tensors[0] = first.view();
        tensors[1] = second.view();
    }

    nr_status step() { return nr_step(&how, 2, tensors); }

    /* Fails with the status, and changes nothing. */
    void expect(nr_status status) {
        const tensor<float> first_before = first, second_before = second;
        EXPECT_EQ(step(), status);
        EXPECT_EQ(difference(first_before, first), "");
        EXPECT_EQ(difference(second_before, second), "");
    }

    options o;
    random_bits random;
    tensor<float> first, second;
    nr_options how;
    nr_tensor tensors[2];

private:
    static options make(int32_t algorithm, std::vector<nr_follower> followers) {
        options made(algorithm, NR_FLOAT32);
        made.followers = std::move(followers);
        return made;
    }
};

void expect_options(nr_status status, int32_t algorithm, const std::function<void(nr_options &)> &spoil) {
    call c(algorithm);
    spoil(c.how);
    c.expect(status);
}

void expect_tensor(nr_status status, int32_t algorithm, const std::function<void(nr_tensor &)> &spoil) {
    call c(algorithm, {{0.5, NR_FOLLOWER_LEADS, 0}});
    spoil(c.tensors[1]);
    c.expect(status);
}

TEST(Validation, TheUnspoiledCallsSucceed) {
    for (int algorithm : algorithms) {
        EXPECT_EQ(call(algorithm).step(), NR_OK);
        EXPECT_EQ(call(algorithm, {{0.5, NR_FOLLOWER_LEADS, 0}}).step(), NR_OK);
    }
}

TEST(Validation, Fault_2_null_pointers) {
    call c(NR_ADAM, {{0.5, NR_FOLLOWER_LEADS, 0}});
    EXPECT_EQ(nr_step(nullptr, 2, c.tensors), NR_E_NULL);
    EXPECT_EQ(nr_step(&c.how, 2, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_step(&c.how, 0, nullptr), NR_OK);
    expect_tensor(NR_E_NULL, NR_ADAM, [](nr_tensor &t) { t.parameter = nullptr; });
    expect_tensor(NR_E_NULL, NR_ADAM, [](nr_tensor &t) { t.state[0] = nullptr; });
    expect_tensor(NR_E_NULL, NR_ADAM, [](nr_tensor &t) { t.state[1] = nullptr; });
    expect_tensor(NR_E_NULL, NR_SEED_RANGER, [](nr_tensor &t) { t.state[3] = nullptr; });
    expect_tensor(NR_E_NULL, NR_SEED_RANGER, [](nr_tensor &t) { t.scalars = nullptr; });
    expect_tensor(NR_E_NULL, NR_ADAM, [](nr_tensor &t) { t.followers = nullptr; });
    expect_options(NR_E_NULL, NR_ADAM, [](nr_options &o) {
        o.follower_count = 1;
        o.followers = nullptr;
    });

    call amsgrad(NR_ADAM);
    amsgrad.how.flags = NR_AMSGRAD;
    amsgrad.tensors[1].state[2] = nullptr;
    amsgrad.expect(NR_E_NULL);
    amsgrad.how.flags = 0;
    EXPECT_EQ(amsgrad.step(), NR_OK);

    call follower(NR_ADAM, {{0.5, NR_FOLLOWER_LEADS, 0}});
    nr_follower_buffers none = {nullptr, nullptr};
    follower.tensors[1].followers = &none;
    follower.expect(NR_E_NULL);
    follower.tensors[1].active = 0;
    EXPECT_EQ(follower.step(), NR_OK);

    call pullback(NR_SGD, {{0.5, NR_FOLLOWER_LEADS | NR_FOLLOWER_PULLBACK, 0}});
    nr_follower_buffers half = {pullback.second.followers[0].data(), nullptr};
    pullback.tensors[1].followers = &half;
    pullback.expect(NR_E_NULL);

    /* A reset writes to the slow weights of the levels within, even if those do not move. */
    call reset(NR_ADAM, {{0.5, NR_FOLLOWER_LEADS, 0}, {0.5, NR_FOLLOWER_LEADS | NR_FOLLOWER_RESET, 0}});
    nr_follower_buffers outer[2] = {{nullptr, nullptr}, {reset.second.followers[1].data(), nullptr}};
    reset.tensors[1].followers = outer;
    reset.tensors[1].active = 2;
    reset.expect(NR_E_NULL);
}

TEST(Validation, WithoutAGradientOnlyWhatMovesIsNeeded) {
    call c(NR_ADAM, {{0.5, NR_FOLLOWER_LEADS, 0}});
    c.tensors[1].gradient = nullptr;
    c.tensors[1].state[0] = c.tensors[1].state[1] = nullptr;
    c.tensors[1].step = 0;
    EXPECT_EQ(c.step(), NR_OK);
    c.tensors[1].active = 0;
    c.tensors[1].parameter = nullptr;
    c.tensors[1].followers = nullptr;
    EXPECT_EQ(c.step(), NR_OK);

    call reset(NR_ADAM, {{0.5, NR_FOLLOWER_LEADS | NR_FOLLOWER_RESET, 0}});
    reset.tensors[1].gradient = nullptr;
    reset.tensors[1].state[1] = nullptr;
    reset.expect(NR_E_NULL);
}

TEST(Validation, Fault_3_empty_tensors_need_no_pointers) {
    for (int algorithm : algorithms)
        for (shape s : {flat(0), shape{0, 3, 4, 12}, shape{4, 0, 4, 0}, shape{4, 3, 0, 0}}) {
            call c(algorithm, {{0.5, NR_FOLLOWER_LEADS, 0}});
            nr_tensor &t = c.tensors[1];
            t = {};
            t.outer = s.outer;
            t.rows = s.rows;
            t.inner = s.inner;
            t.stride = s.stride;
            t.step = 1;
            t.active = 1;
            float nowhere = 0;
            t.gradient = &nowhere;
            EXPECT_EQ(c.step(), NR_OK);
        }
}

TEST(Validation, Lengths) {
    call c(NR_ADAM);
    EXPECT_EQ(nr_step(&c.how, -1, c.tensors), NR_E_LENGTH);
    expect_tensor(NR_E_LENGTH, NR_ADAM, [](nr_tensor &t) { t.outer = -1; });
    expect_tensor(NR_E_LENGTH, NR_ADAM, [](nr_tensor &t) { t.rows = -6; });
    expect_tensor(NR_E_LENGTH, NR_ADAM, [](nr_tensor &t) { t.inner = -10; });
    expect_tensor(NR_E_LENGTH, NR_ADAM, [](nr_tensor &t) { t.stride = -1; });
    /* Columns that overlap. */
    expect_tensor(NR_E_LENGTH, NR_ADAM, [](nr_tensor &t) {
        t.outer = 10;
        t.inner = 1;
        t.stride = 5;
    });
    /* Rows that have no mean to subtract. */
    expect_tensor(NR_E_LENGTH, NR_ADAM, [](nr_tensor &t) {
        t.rows = 60;
        t.inner = 1;
    });
    /* A second moment with gaps has no mean in storage order. */
    expect_tensor(NR_E_LENGTH, NR_SEED_RANGER, [](nr_tensor &t) {
        t.outer = 10;
        t.rows = 4;
        t.inner = 1;
        t.stride = 6;
    });
    for (int32_t count : {-1, 65})
        expect_options(NR_E_LENGTH, NR_ADAM, [&](nr_options &o) { o.follower_count = count; });
}

TEST(Validation, RowsOfOneElementAreAllowedWithGivenStatistics) {
    call c(NR_ADAM);
    std::vector<nr_row> rows(60, nr_row{1, 0.5, 1});
    c.tensors[1].rows = 60;
    c.tensors[1].inner = 1;
    c.tensors[1].row_values = rows.data();
    EXPECT_EQ(c.step(), NR_OK);
}

TEST(Validation, Fault_6_7_9_10_options) {
    const std::vector<double> not_rates = {-1e-9, 1.0, 1.5, not_a_number, infinite};
    const std::vector<double> negative = {-1e-9, not_a_number, infinite, -infinite};
    const std::vector<double> not_positive = {0.0, -1.0, not_a_number, infinite, 1e-60, 1e60};
    for (double bad : not_rates) {
        for (int algorithm : {NR_SGD, NR_ADAM, NR_RADAM, NR_SEED_RANGER})
            expect_options(NR_E_OPTION, algorithm, [&](nr_options &o) { o.beta1 = bad; });
        for (int algorithm : {NR_ADAM, NR_RADAM, NR_SEED_RANGER})
            expect_options(NR_E_OPTION, algorithm, [&](nr_options &o) { o.beta2 = bad; });
    }
    for (double bad : negative) {
        for (int algorithm : algorithms) {
            expect_options(NR_E_OPTION, algorithm, [&](nr_options &o) { o.learning_rate = bad; });
            expect_options(NR_E_OPTION, algorithm, [&](nr_options &o) { o.weight_decay = bad; });
            expect_options(NR_E_OPTION, algorithm, [&](nr_options &o) { o.clip_factor = bad; });
            expect_options(NR_E_OPTION, algorithm, [&](nr_options &o) { o.adaptive_clip = bad; });
        }
        expect_options(NR_E_OPTION, NR_ADAGRAD, [&](nr_options &o) { o.rate_decay = bad; });
        expect_options(NR_E_OPTION, NR_ADAGRAD, [&](nr_options &o) { o.initial_accumulator = bad; });
    }
    for (double bad : not_positive) {
        for (int algorithm : {NR_ADAGRAD, NR_ADAM, NR_RADAM, NR_SEED_RANGER})
            expect_options(NR_E_OPTION, algorithm, [&](nr_options &o) { o.epsilon = bad; });
        call c(NR_ADAM);
        c.how.standardise_epsilon = bad;
        EXPECT_EQ(c.step(), NR_OK);
        c.tensors[1].flags = NR_STANDARDISE;
        c.expect(NR_E_OPTION);
    }
    for (double bad : {0.0, -1.0, not_a_number})
        expect_options(NR_E_OPTION, NR_ADAM, [&](nr_options &o) { o.clip_value = bad; });
    for (double bad : {not_a_number, infinite}) {
        expect_options(NR_E_OPTION, NR_ADAM, [&](nr_options &o) { o.gradient_scale = bad; });
        expect_options(NR_E_OPTION, NR_SGD, [&](nr_options &o) { o.dampening = bad; });
    }
    for (double bad : {3.9, not_a_number, infinite})
        for (int algorithm : {NR_RADAM, NR_SEED_RANGER})
            expect_options(NR_E_OPTION, algorithm, [&](nr_options &o) { o.threshold = bad; });
    for (double bad : {-0.1, 1.1, not_a_number})
        expect_options(NR_E_OPTION, NR_SEED_RANGER, [&](nr_options &o) { o.seed_alpha = bad; });
    expect_options(NR_E_OPTION, NR_SEED_RANGER, [](nr_options &o) { o.seed_period = 0; });
    expect_options(NR_E_OPTION, NR_ADAM, [](nr_options &o) { o.working_set = -1; });
    for (int algorithm : {0, 6, -1})
        expect_options(NR_E_OPTION, NR_ADAM, [&](nr_options &o) { o.algorithm = algorithm; });
    /* What is too small for float32 is not for float64. */
    call wide(NR_ADAM);
    wide.how.type = NR_FLOAT64;
    wide.how.epsilon = 1e-60;
    EXPECT_EQ(nr_step(&wide.how, 0, nullptr), NR_OK);
}

/* The last numbers that are right, and the next that are not. */
TEST(Validation, OptionsAtTheEndsOfTheirRanges) {
    const double below_one = std::nextafter(1.0, 0.0), below_four = std::nextafter(4.0, 0.0);
    const double smallest = std::numeric_limits<double>::denorm_min(), largest = std::numeric_limits<double>::max();
    const auto status = [](int32_t algorithm, const std::function<void(nr_options &)> &change) {
        options o(algorithm, NR_FLOAT64);
        nr_options how = o.view();
        change(how);
        return nr_step(&how, 0, nullptr);
    };
    using field = double nr_options::*;
    const auto expect = [&](int32_t algorithm, field f, std::vector<double> right, std::vector<double> wrong) {
        for (double value : right)
            EXPECT_EQ(status(algorithm, [&](nr_options &o) { o.*f = value; }), NR_OK) << value;
        for (double value : wrong)
            EXPECT_EQ(status(algorithm, [&](nr_options &o) { o.*f = value; }), NR_E_OPTION) << value;
    };
    for (field f : {&nr_options::beta1, &nr_options::beta2})
        expect(NR_RADAM, f, {-0.0, 0.0, smallest, below_one}, {-smallest, 1.0, -not_a_number});
    for (field f :
         {&nr_options::learning_rate, &nr_options::weight_decay, &nr_options::clip_factor, &nr_options::adaptive_clip})
        expect(NR_RADAM, f, {-0.0, 0.0, smallest, largest}, {-smallest, -largest, infinite, -not_a_number});
    expect(NR_RADAM, &nr_options::epsilon, {smallest, largest}, {-0.0, 0.0, -smallest, infinite, -not_a_number});
    expect(NR_RADAM, &nr_options::threshold, {4.0, largest}, {below_four, -4.0, -0.0, infinite, -infinite});
    expect(NR_RADAM, &nr_options::clip_value, {smallest, largest, infinite}, {-0.0, 0.0, -smallest, -infinite});
    expect(NR_RADAM, &nr_options::gradient_scale, {-0.0, -largest, largest}, {infinite, -infinite, -not_a_number});
    expect(NR_SEED_RANGER, &nr_options::seed_alpha, {-0.0, smallest, 1.0}, {-smallest, std::nextafter(1.0, 2.0)});

    for (double right : {double(std::numeric_limits<float>::denorm_min()), double(std::numeric_limits<float>::max())})
        EXPECT_EQ(status(NR_RADAM,
                         [&](nr_options &o) {
                             o.type = NR_FLOAT32;
                             o.epsilon = right;
                         }),
                  NR_OK)
            << right;
}

TEST(Validation, OptionsThatContradictEachOther) {
    expect_options(NR_E_OPTION, NR_SGD, [](nr_options &o) {
        o.flags = NR_NESTEROV;
        o.beta1 = 0;
    });
    expect_options(NR_E_OPTION, NR_SGD, [](nr_options &o) {
        o.flags = NR_NESTEROV;
        o.dampening = 0.1;
    });
    for (int algorithm : algorithms) {
        uint32_t known = NR_ZERO_GRADIENT;
        if (algorithm != NR_SEED_RANGER)
            known |= NR_CENTRALISE_UPDATE;
        if (algorithm == NR_SGD)
            known |= NR_NESTEROV;
        if (algorithm == NR_ADAM)
            known |= NR_AMSGRAD | NR_DECOUPLED_DECAY;
        if (algorithm == NR_RADAM)
            known |= NR_SKIP_UNRECTIFIED | NR_DECOUPLED_DECAY;
        for (uint32_t flag = 1; flag <= NR_ZERO_GRADIENT; flag *= 2)
            if (!(known & flag))
                expect_options(NR_E_OPTION, algorithm, [&](nr_options &o) { o.flags = flag; });
    }
    expect_tensor(NR_E_OPTION, NR_ADAM, [](nr_tensor &t) { t.flags = NR_CENTRALISE | NR_STANDARDISE; });
    expect_tensor(NR_E_OPTION, NR_ADAM, [](nr_tensor &t) { t.step = 0; });
    expect_tensor(NR_E_OPTION, NR_ADAM, [](nr_tensor &t) { t.active = 2; });
    for (double slow_step : {-1.0, not_a_number, infinite}) {
        call c(NR_SEED_RANGER);
        c.second.scalars[2] = slow_step;
        c.expect(NR_E_OPTION);
    }
    call used(NR_SEED_RANGER);
    used.second.scalars[3] = 2;
    used.expect(NR_E_OPTION);
}

TEST(Validation, Followers) {
    auto expect_follower = [](nr_status status, int32_t algorithm, nr_follower f) {
        call(algorithm, {f}).expect(status);
    };
    for (double weight : {-0.1, 1.1, not_a_number, infinite})
        expect_follower(NR_E_OPTION, NR_ADAM, {weight, NR_FOLLOWER_LEADS, 0});
    expect_follower(NR_E_OPTION, NR_ADAM, {0.5, NR_FOLLOWER_RESET, 0});
    expect_follower(NR_E_OPTION, NR_SGD, {0.5, NR_FOLLOWER_PULLBACK, 0});
    expect_follower(NR_E_OPTION, NR_SGD, {0.5, NR_FOLLOWER_LEADS | NR_FOLLOWER_RESET | NR_FOLLOWER_PULLBACK, 0});
    expect_follower(NR_E_OPTION, NR_ADAM, {0.5, NR_FOLLOWER_LEADS | NR_FOLLOWER_PULLBACK, 0});
    call plain(NR_SGD, {{0.5, NR_FOLLOWER_LEADS | NR_FOLLOWER_PULLBACK, 0}});
    plain.how.beta1 = 0;
    plain.expect(NR_E_OPTION);
    expect_follower(NR_E_ABI, NR_ADAM, {0.5, 8, 0});
    expect_follower(NR_E_ABI, NR_ADAM, {0.5, NR_FOLLOWER_LEADS, 1});
}

TEST(Validation, Fault_11_abi_type_and_instruction_set) {
    for (uint32_t size : {0u, uint32_t(sizeof(nr_options)) - 1, uint32_t(sizeof(nr_options)) + 1})
        expect_options(NR_E_ABI, NR_ADAM, [&](nr_options &o) { o.struct_size = size; });
    expect_options(NR_E_ABI, NR_ADAM, [](nr_options &o) { o.flags = 64; });
    expect_tensor(NR_E_ABI, NR_ADAM, [](nr_tensor &t) { t.flags = 4; });
    expect_tensor(NR_E_ABI, NR_ADAM, [](nr_tensor &t) { t.reserved = 1; });
    for (int32_t type : {0, 3, -1})
        expect_options(NR_E_TYPE, NR_ADAM, [&](nr_options &o) { o.type = type; });
    for (int32_t isa : {-1, int32_t{NR_ISA_COUNT}, 1000})
        expect_options(NR_E_ISA, NR_ADAM, [&](nr_options &o) { o.isa = isa; });
    for (int32_t isa = NR_ISA_SCALAR; isa < NR_ISA_COUNT; ++isa)
        if (!nr_isa_available(isa))
            expect_options(NR_E_ISA, NR_ADAM, [&](nr_options &o) { o.isa = isa; });
}

TEST(Validation, Fault_5_overflow) {
    const int64_t huge = int64_t{1} << 40;
    expect_tensor(NR_E_OVERFLOW, NR_ADAM, [&](nr_tensor &t) { t.rows = t.inner = huge; });
    expect_tensor(NR_E_OVERFLOW, NR_ADAM, [&](nr_tensor &t) { t.outer = t.rows = t.stride = huge; });
    expect_tensor(NR_E_OVERFLOW, NR_ADAM, [&](nr_tensor &t) {
        t.outer = huge;
        t.stride = huge;
    });
    expect_tensor(NR_E_OVERFLOW, NR_ADAM, [](nr_tensor &t) {
        t.rows = 1;
        t.inner = INT64_MAX / 4 + 1;
    });
    /* An array that would reach over the end of the address space. */
    expect_tensor(NR_E_OVERFLOW, NR_ADAM,
                  [](nr_tensor &t) { t.parameter = reinterpret_cast<void *>(UINTPTR_MAX - 8); });
}

TEST(Validation, Fault_37_38_overlap) {
    const auto at = [](call &c, size_t i) { return static_cast<void *>(c.second.p.data() + i); };
    const size_t n = 60;
    for (bool exactly : {true, false}) {
        const std::function<void(call &, void *)> places[] = {
            [](call &c, void *p) { c.tensors[1].gradient = p; },
            [](call &c, void *p) { c.tensors[1].state[0] = p; },
            [](call &c, void *p) { c.tensors[1].state[1] = p; },
        };
        for (const auto &place : places) {
            call c(NR_ADAM);
            place(c, at(c, exactly ? 0 : n - 1));
            c.expect(NR_E_OVERLAP);
        }
    }
    call states(NR_ADAM);
    states.tensors[1].state[1] = states.tensors[1].state[0];
    states.expect(NR_E_OVERLAP);

    call follower(NR_ADAM, {{0.5, NR_FOLLOWER_LEADS, 0}});
    nr_follower_buffers buffers = {follower.second.g.data() + n - 1, nullptr};
    follower.tensors[1].followers = &buffers;
    follower.expect(NR_E_OVERLAP);

    call rows(NR_ADAM);
    rows.tensors[1].row_values = reinterpret_cast<const nr_row *>(rows.second.state(0).data());
    rows.expect(NR_E_OVERLAP);

    call scalars(NR_SEED_RANGER);
    alignas(8) float shared[68] = {};
    scalars.tensors[1].parameter = shared;
    scalars.tensors[1].scalars = reinterpret_cast<double *>(shared + 58);
    scalars.expect(NR_E_OVERLAP);

    /* Neighbours that touch are no overlap. */
    std::vector<float> both(2 * n, 0.5f);
    call neighbours(NR_ADAM);
    neighbours.tensors[1].parameter = both.data();
    neighbours.tensors[1].gradient = both.data() + n;
    EXPECT_EQ(neighbours.step(), NR_OK);
}

/* Every two arrays of a tensor like the one before it, as far apart as they are long and one byte less, on every instruction
 * set: each has checks of its own for such tensors. */
TEST(Validation, TouchingAndOverlappingArraysOfAlikeTensors) {
    constexpr ptrdiff_t n = 15, bytes = n * ptrdiff_t(sizeof(float));
    constexpr struct {
        int32_t algorithm;
        double momentum;
        int arrays;
    } cases[] = {{NR_SGD, 0.0, 2}, {NR_SGD, 0.9, 3}, {NR_ADAGRAD, 0.0, 3}, {NR_RADAM, 0.9, 4}};
    const auto array_of = [](nr_tensor &t, int i) {
        return i == 0 ? &t.parameter : i == 1 ? &t.gradient : &t.state[i - 2];
    };
    for (int32_t isa : instruction_sets())
        for (const auto &how : cases) {
            options o(how.algorithm, NR_FLOAT32);
            o.how.isa = isa;
            o.how.beta1 = how.momentum;
            const nr_options view = o.view();
            const auto step = [&](int i, int j, ptrdiff_t apart) {
                std::vector<float> memory(2 * 8 * n + n, 0.5f);
                char *const start = reinterpret_cast<char *>(memory.data());
                nr_tensor tensors[2] = {};
                for (int k = 0; k < 2; ++k) {
                    for (int a = 0; a < how.arrays; ++a)
                        *array_of(tensors[k], a) = start + (k * 8 + 2 * a + 1) * bytes;
                    tensors[k].outer = tensors[k].rows = tensors[k].step = 1;
                    tensors[k].inner = tensors[k].stride = n;
                }
                if (j >= 0)
                    *array_of(tensors[1], j) = static_cast<char *>(*array_of(tensors[1], i)) + apart;
                else if (i >= 0)
                    *array_of(tensors[1], i) = nullptr;
                return nr_step(&view, 2, tensors);
            };
            ASSERT_EQ(step(-1, -1, 0), NR_OK);
            for (int i = 0; i < how.arrays; ++i) {
                /* Without a gradient nothing is done. */
                EXPECT_EQ(step(i, -1, 0), i == 1 ? NR_OK : NR_E_NULL) << isa << " " << i;
                for (int j = 0; j < how.arrays; ++j) {
                    if (i == j)
                        continue;
                    for (ptrdiff_t apart : {1 - bytes, ptrdiff_t{0}, bytes - 1})
                        EXPECT_EQ(step(i, j, apart), NR_E_OVERLAP) << isa << " " << i << " " << j << " " << apart;
                    for (ptrdiff_t apart : {-bytes, bytes})
                        EXPECT_EQ(step(i, j, apart), NR_OK) << isa << " " << i << " " << j << " " << apart;
                }
            }
        }
}

TEST(Validation, RowStatistics) {
    call c(NR_ADAM);
    std::vector<nr_row> first(6, nr_row{7, 7, 7}), second(6, nr_row{7, 7, 7});
    nr_row *rows[] = {first.data(), second.data()};
    EXPECT_EQ(nr_row_statistics(nullptr, 2, c.tensors, rows), NR_E_NULL);
    EXPECT_EQ(nr_row_statistics(&c.how, 2, nullptr, rows), NR_E_NULL);
    EXPECT_EQ(nr_row_statistics(&c.how, 2, c.tensors, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_row_statistics(&c.how, -2, c.tensors, rows), NR_E_LENGTH);
    nr_row *missing[] = {first.data(), nullptr};
    EXPECT_EQ(nr_row_statistics(&c.how, 2, c.tensors, missing), NR_E_NULL);
    c.tensors[1].inner = 1;
    EXPECT_EQ(nr_row_statistics(&c.how, 2, c.tensors, rows), NR_E_LENGTH);
    c.tensors[1].inner = 10;
    nr_row *shared[] = {first.data(), reinterpret_cast<nr_row *>(c.second.g.data())};
    EXPECT_EQ(nr_row_statistics(&c.how, 2, c.tensors, shared), NR_E_OVERLAP);
    c.how.epsilon = 0;
    EXPECT_EQ(nr_row_statistics(&c.how, 2, c.tensors, rows), NR_E_OPTION);
    c.how.epsilon = 1e-5;
    c.how.isa = NR_ISA_COUNT;
    EXPECT_EQ(nr_row_statistics(&c.how, 2, c.tensors, rows), NR_E_ISA);
    c.how.isa = NR_ISA_AUTO;
    for (const nr_row &row : first)
        EXPECT_EQ(row.scale, 7);

    /* Where nothing is asked of rows, none need be given. */
    c.tensors[1].flags = 0;
    EXPECT_EQ(nr_row_statistics(&c.how, 2, c.tensors, missing), NR_OK);
    EXPECT_EQ(first[0].scale, 1);
}

TEST(Validation, SquareSums) {
    call c(NR_SGD);
    double first[1] = {-1}, second[1] = {-1};
    double *sums[] = {first, second};
    int32_t nonfinite = -1;
    const nr_options good = c.how;
    auto status = [&] { return nr_square_sums(&c.how, 2, c.tensors, 1.0, sums, &nonfinite); };
    EXPECT_EQ(nr_square_sums(nullptr, 2, c.tensors, 1.0, sums, &nonfinite), NR_E_NULL);
    EXPECT_EQ(nr_square_sums(&c.how, 2, nullptr, 1.0, sums, &nonfinite), NR_E_NULL);
    EXPECT_EQ(nr_square_sums(&c.how, 2, c.tensors, 1.0, sums, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_square_sums(&c.how, -1, c.tensors, 1.0, sums, &nonfinite), NR_E_LENGTH);
    for (double scale : {not_a_number, infinite})
        EXPECT_EQ(nr_square_sums(&c.how, 2, c.tensors, scale, sums, &nonfinite), NR_E_OPTION);
    c.how.struct_size = 0;
    EXPECT_EQ(status(), NR_E_ABI);
    c.how = good;
    c.how.type = 0;
    EXPECT_EQ(status(), NR_E_TYPE);
    c.how = good;
    c.how.isa = NR_ISA_COUNT;
    EXPECT_EQ(status(), NR_E_ISA);
    c.how = good;
    c.how.clip_value = 0;
    EXPECT_EQ(status(), NR_E_OPTION);
    c.how = good;
    sums[1] = nullptr;
    EXPECT_EQ(status(), NR_E_NULL);
    sums[1] = reinterpret_cast<double *>(c.second.g.data() + 10);
    EXPECT_EQ(status(), NR_E_OVERLAP);
    sums[1] = second;
    c.tensors[1].outer = 2;
    c.tensors[1].rows = 2;
    c.tensors[1].stride = 40;
    EXPECT_EQ(status(), NR_E_LENGTH);
    c.tensors[1].stride = 0;
    EXPECT_EQ(status(), NR_E_LENGTH);
    c.tensors[1].outer = INT64_MAX;
    EXPECT_EQ(status(), NR_E_OVERFLOW);
    EXPECT_EQ(nonfinite, -1);
    EXPECT_EQ(first[0], -1);

    /* Gaps do not matter to who asks for finiteness alone, and are not looked at. */
    c.tensors[1].outer = 2;
    c.tensors[1].stride = 40;
    c.second.g[20] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(nr_square_sums(&c.how, 2, c.tensors, 1.0, nullptr, &nonfinite), NR_OK);
    EXPECT_EQ(nonfinite, 0);

    c.tensors[0].gradient = c.tensors[1].gradient = nullptr;
    EXPECT_EQ(status(), NR_OK);
    EXPECT_EQ(first[0], -1);
}

TEST(Validation, GradientSums) {
    options o(NR_SGD, NR_FLOAT32);
    nr_options how = o.view();
    float p[8] = {}, g[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    double sum = -1;
    double *sums = &sum;
    nr_tensor t = {};
    t.parameter = p;
    t.gradient = g;
    t.outer = t.rows = 1;
    t.inner = t.stride = 8;
    auto status = [&] { return nr_gradient_sums(&how, 1, &t, &sums); };

    EXPECT_EQ(nr_gradient_sums(nullptr, 1, &t, &sums), NR_E_NULL);
    EXPECT_EQ(nr_gradient_sums(&how, -1, &t, &sums), NR_E_LENGTH);
    EXPECT_EQ(nr_gradient_sums(&how, 1, nullptr, &sums), NR_E_NULL);
    EXPECT_EQ(nr_gradient_sums(&how, 1, &t, nullptr), NR_E_NULL);
    sums = nullptr;
    EXPECT_EQ(status(), NR_E_NULL);
    sums = reinterpret_cast<double *>(g);
    EXPECT_EQ(status(), NR_E_OVERLAP);
    sums = &sum;
    how.isa = NR_ISA_COUNT;
    EXPECT_EQ(status(), NR_E_ISA);
    how.isa = NR_ISA_AUTO;
    how.adaptive_clip = 0.1;
    EXPECT_EQ(status(), NR_E_OPTION);
    how.adaptive_clip = 0;
    t.rows = 2;
    EXPECT_EQ(status(), NR_E_LENGTH);
    t.rows = 1;
    t.outer = 2;
    EXPECT_EQ(status(), NR_E_LENGTH);
    t.outer = 1;
    t.inner = INT64_MAX;
    EXPECT_EQ(status(), NR_E_OVERFLOW);
    t.inner = 8;
    how.weight_decay = 0.5;
    t.parameter = nullptr;
    EXPECT_EQ(status(), NR_E_NULL);
    how.weight_decay = 0;
    t.gradient = nullptr;
    EXPECT_EQ(status(), NR_OK);
    EXPECT_EQ(sum, -1);
    t.gradient = g;
    EXPECT_EQ(status(), NR_OK);
    EXPECT_EQ(sum, 36);
}

TEST(Validation, ReduceAndAccumulate) {
    double sums[4] = {1, 2, 3, 4};
    double result = -1;
    EXPECT_EQ(nr_reduce(-1, sums, &result), NR_E_LENGTH);
    EXPECT_EQ(nr_reduce(4, nullptr, &result), NR_E_NULL);
    EXPECT_EQ(nr_reduce(4, sums, nullptr), NR_E_NULL);
    EXPECT_EQ(result, -1);
    EXPECT_EQ(nr_reduce(0, nullptr, &result), NR_OK);
    EXPECT_TRUE(same(0.0, result));

    EXPECT_EQ(nr_accumulate(0, NR_ISA_AUTO, 2, sums, sums + 2), NR_E_TYPE);
    EXPECT_EQ(nr_accumulate(NR_FLOAT64, NR_ISA_COUNT, 2, sums, sums + 2), NR_E_ISA);
    EXPECT_EQ(nr_accumulate(NR_FLOAT64, NR_ISA_AUTO, -2, sums, sums + 2), NR_E_LENGTH);
    EXPECT_EQ(nr_accumulate(NR_FLOAT64, NR_ISA_AUTO, INT64_MAX / 4, sums, sums + 2), NR_E_OVERFLOW);
    EXPECT_EQ(nr_accumulate(NR_FLOAT64, NR_ISA_AUTO, 2, nullptr, sums + 2), NR_E_NULL);
    EXPECT_EQ(nr_accumulate(NR_FLOAT64, NR_ISA_AUTO, 2, sums, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_accumulate(NR_FLOAT64, NR_ISA_AUTO, 2, sums, sums + 1), NR_E_OVERLAP);
    EXPECT_EQ(sums[2], 3);
    EXPECT_EQ(nr_accumulate(NR_FLOAT64, NR_ISA_AUTO, 0, nullptr, nullptr), NR_OK);
    EXPECT_EQ(nr_accumulate(NR_FLOAT64, NR_ISA_AUTO, 2, sums, sums + 2), NR_OK);
    EXPECT_EQ(sums[3], 6);
}

} // namespace
