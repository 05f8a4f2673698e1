/* Values that are known from elsewhere: closed forms and traces computed by hand from the papers. */
#include "problem.h"

#include <gtest/gtest.h>

using namespace problem;

namespace {

/* One element under one optimizer. */
struct scalar_run {
    explicit scalar_run(const options &options, double start) : o(options), p(start), slow(start) {}

    void step(double gradient, bool sync = false) {
        nr_options how = o.view();
        nr_follower_buffers buffers = {&slow, nullptr};
        nr_tensor tensor = {};
        tensor.parameter = &p;
        tensor.gradient = &gradient;
        for (int j = 0; j < 4; ++j)
            tensor.state[j] = &states[j];
        tensor.followers = &buffers;
        tensor.outer = tensor.rows = tensor.inner = tensor.stride = 1;
        tensor.step = ++t;
        tensor.active = sync ? 1 : 0;
        ASSERT_EQ(nr_step(&how, 1, &tensor), NR_OK);
    }

    options o;
    double p, slow;
    double states[4] = {};
    int64_t t = 0;
};

options ranger() {
    options o(NR_RADAM, NR_FLOAT64);
    o.how.learning_rate = 1e-3;
    o.how.beta1 = 0.95;
    o.how.beta2 = 0.999;
    o.how.epsilon = 1e-5;
    o.how.flags = NR_DECOUPLED_DECAY;
    o.followers = {{0.5, NR_FOLLOWER_LEADS, 0}};
    return o;
}

/* f = x^2/2 from 1. The printed digits are exact to double: 1e-15 is 5 units in the last place of numbers near 1. */
TEST(KnownValues, RangerOnAParabola) {
    scalar_run run(ranger(), 1.0);
    const std::vector<std::pair<int64_t, double>> expected = {{1, .999},
                                                              {2, .9980005128205128},
                                                              {5, .9950052116971447},
                                                              {6, .9974896988770281},
                                                              {7, .9974569680437095},
                                                              {12, .997351806641192}};
    size_t next = 0;
    for (int64_t t = 1; t <= 12; ++t) {
        run.step(run.p, t % 6 == 0);
        if (t != expected[next].first)
            continue;
        EXPECT_NEAR(run.p, expected[next].second, 1e-15) << t;
        ++next;
    }
}

/* With beta1 = 0, gradient 1 and v = 1, a step from 0 is -lr r sqrt(bc2)/(1+eps), which gives r away. The digits of r are
 * printed to 12 places; a step computes it in double with a few roundings, far below 1e-12. */
TEST(KnownValues, RectificationTerm) {
    const std::pair<int64_t, double> expected[] = {
        {6, 0.025821112802}, {10, 0.048998013447}, {100, 0.215335436538}, {1000, 0.645325652338}};
    for (const auto &[t, r] : expected) {
        options o(NR_RADAM, NR_FLOAT64);
        o.how.learning_rate = 1;
        o.how.beta1 = 0;
        o.how.beta2 = 0.999;
        o.how.epsilon = 1e-300;
        scalar_run run(o, 0.0);
        run.states[1] = 1;
        run.t = t - 1;
        run.step(1.0);
        const double root_bias = std::sqrt(1 - std::pow(0.999, double(t)));
        EXPECT_NEAR(-run.p / root_bias, r, 1e-12) << t;
    }
}

/* The unrectified steps are momentum steps: -lr m/bc1, which is -lr under a constant gradient of 1. */
TEST(KnownValues, FirstRectifiedStep) {
    for (double beta2 : {0.9, 0.99, 0.999, 0.9999})
        for (const auto &[threshold, first] : {std::pair<double, int64_t>{5, 6}, {4, 5}})
            for (bool skip : {false, true}) {
                options o(NR_RADAM, NR_FLOAT64);
                o.how.learning_rate = 0.125;
                o.how.beta1 = 0;
                o.how.beta2 = beta2;
                o.how.threshold = threshold;
                o.how.flags = skip ? NR_SKIP_UNRECTIFIED | NR_DECOUPLED_DECAY : NR_DECOUPLED_DECAY;
                o.how.weight_decay = 0.5;
                scalar_run run(o, 1.0);
                for (int64_t t = 1; t <= first; ++t) {
                    const double before = run.p;
                    run.step(1.0);
                    const double plain = before * (1 - 0.0625) - 0.125;
                    if (t == first)
                        EXPECT_GT(run.p, plain) << beta2;
                    else
                        EXPECT_EQ(run.p, skip ? before : plain) << beta2 << " step " << t;
                    EXPECT_EQ(run.states[0], 1.0);
                }
            }
}

TEST(KnownValues, Fault_8_never_rectified) {
    for (const auto &[threshold, beta2] : {std::pair<double, double>{5, 2.0 / 3}, {4, 0.6}, {4, 0.5}, {5, 0.0}}) {
        options o(NR_RADAM, NR_FLOAT64);
        o.how.learning_rate = 0.125;
        o.how.beta1 = 0;
        o.how.beta2 = beta2;
        o.how.threshold = threshold;
        scalar_run run(o, 0.0);
        for (int64_t t : {int64_t{1}, int64_t{6}, int64_t{1000}, int64_t{1} << 40}) {
            const double before = run.p;
            run.t = t - 1;
            run.step(1.0);
            EXPECT_EQ(run.p, before - 0.125) << beta2 << " step " << t;
        }
    }
}

/* |step| = lr |g|/(|g|+eps), up to the roundings of a dozen operations. */
TEST(KnownValues, FirstStepOfAdam) {
    for (double g : {1e-8, 1e-3, -1.0, 1e6}) {
        options o(NR_ADAM, NR_FLOAT64);
        o.how.learning_rate = 1e-3;
        o.how.epsilon = 1e-8;
        scalar_run run(o, 0.0);
        run.step(g);
        const double want = -1e-3 * g / (std::fabs(g) + 1e-8);
        EXPECT_NEAR(run.p, want, 1e-14 * std::fabs(want)) << g;
    }
}

/* sum of t^-1/2 for 100 steps: 100 roundings of numbers below 2. */
TEST(KnownValues, AdaGradUnderAConstantGradient) {
    options o(NR_ADAGRAD, NR_FLOAT64);
    o.how.learning_rate = 0.1;
    o.how.epsilon = 1e-300;
    scalar_run run(o, 0.0);
    for (int t = 0; t < 100; ++t)
        run.step(1.0);
    EXPECT_NEAR(run.p, -1.8589603824784153, 1e-13);
}

/* -lr [T/(1-b) - b (1-b^T)/(1-b)^2]: 100 roundings of numbers below 128, the printed value has 13 places. */
TEST(KnownValues, MomentumUnderAConstantGradient) {
    options o(NR_SGD, NR_FLOAT64);
    o.how.learning_rate = 0.1;
    scalar_run run(o, 0.0);
    for (int t = 0; t < 100; ++t)
        run.step(1.0);
    EXPECT_NEAR(run.p, -91.00023905259, 1e-11);
}

TEST(KnownValues, BlendOneIsTheInnerOptimizer) {
    for (double poison : {0.5, std::numeric_limits<double>::infinity()}) {
        options o = ranger();
        o.followers[0].weight = 1;
        scalar_run with(o, 1.0);
        with.slow = poison;
        o.followers.clear();
        scalar_run without(o, 1.0);
        for (int t = 1; t <= 20; ++t) {
            with.step(with.p, t % 5 == 0);
            without.step(without.p);
            ASSERT_TRUE(same(with.p, without.p)) << t;
        }
    }
}

/* A moment that decays is 0 before it is subnormal, and what was 0 stays. */
TEST(KnownValues, MomentsAreNeverSubnormal) {
    options o(NR_ADAM, NR_FLOAT64);
    o.how.beta1 = o.how.beta2 = 0.5;
    scalar_run run(o, 1.0);
    run.step(1.0);
    for (int t = 0; t < 1100; ++t) {
        run.step(0.0);
        for (double moment : {run.states[0], run.states[1]})
            ASSERT_TRUE(moment == 0 || std::fabs(moment) >= std::numeric_limits<double>::min());
    }
    EXPECT_TRUE(same(run.states[0], 0.0));
    EXPECT_TRUE(same(run.states[1], 0.0));
}

/* Centralised steps of SGD conserve the sums of rows: each of 1,000 steps adds a rounding of at most 1e-16 times the
 * number of elements to sums of size 1. */
TEST(KnownValues, CentralisationConservesRowSums) {
    random_bits random(41);
    options o(NR_SGD, NR_FLOAT64);
    o.how.beta1 = 0;
    o.how.learning_rate = 1e-3;
    const nr_options how = o.view();
    tensor<double> weights(random, o, row_major(4, 25), false);
    weights.flags = NR_CENTRALISE;
    auto row_sum = [&](size_t r) {
        double sum = 0;
        for (size_t i = 0; i < 25; ++i)
            sum += weights.p[r * 25 + i];
        return sum;
    };
    std::vector<double> before;
    for (size_t r = 0; r < 4; ++r)
        before.push_back(row_sum(r));
    for (int t = 0; t < 1000; ++t) {
        for (double &x : weights.g)
            x = random_value<double>(random, false);
        const nr_tensor now = weights.view();
        ASSERT_EQ(nr_step(&how, 1, &now), NR_OK);
    }
    for (size_t r = 0; r < 4; ++r)
        EXPECT_NEAR(row_sum(r), before[r], 1e-11);
}

} // namespace
