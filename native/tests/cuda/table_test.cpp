/* What the device keeps of a step for the next one: it is never out of date, and only what has changed is sent. */
#include "device_problem.h"

#include <algorithm>

#include <gtest/gtest.h>

using namespace problem;
using device::device_tensor;
using device::fixture;

namespace {

class Table : public testing::Test {
protected:
    Table() { device::standin_set("reset=1 devices=1 multiprocessors=2"); }
    ~Table() override { EXPECT_EQ(device::standin_violations(), 0); }
};

/* Options, and tensors of theirs on the host and on the device. */
struct pool {
    options o;
    std::vector<tensor<float>> host;
    std::vector<std::unique_ptr<device_tensor<float>>> there;

    pool(random_bits &random, fixture &at, int algorithm) : o(random_options(random, algorithm, NR_FLOAT32)) {
        o.how.clip_factor = 1;
        for (int i = 0; i < 7; ++i) {
            /* What is clipped or skipped is contiguous. */
            const shape s = i == 0 ? row_major(6, 1'500) : random_shape(random, 9, true);
            host.push_back(random_tensor<float>(random, o, s, false));
            if (algorithm == NR_SEED_RANGER)
                std::fill(std::begin(host.back().scalars), std::end(host.back().scalars), 0.0);
        }
        for (auto &t : host)
            there.push_back(std::make_unique<device_tensor<float>>(at, t));
    }

    /* As a step's caller may change a tensor, on both sides. */
    void change(random_bits &random, nr_tensor &here, nr_tensor &over_there) const {
        const auto both = [&](auto nr_tensor::*member, auto value) { here.*member = over_there.*member = value; };
        both(&nr_tensor::step, one_of<int64_t>(random, {1, 2, 6, 7, 8, 100}));
        both(&nr_tensor::active, random() & ((uint64_t{1} << o.followers.size()) - 1));
        if (pick(random, 3) == 0)
            both(&nr_tensor::flags,
                 here.outer * here.inner >= 2 ? one_of<uint32_t>(random, {0, NR_CENTRALISE, NR_STANDARDISE}) : 0u);
        if (pick(random, 6) == 0)
            both(&nr_tensor::gradient, static_cast<void *>(nullptr));
        else if (pick(random, 3) == 0 && o.how.algorithm != NR_SEED_RANGER)
            here.gradient = here.state[3], over_there.gradient = over_there.state[3];
        if (here.outer == 1 && here.row_values == nullptr)
            both(&nr_tensor::rows, 1 + int64_t(random() % uint64_t(here.rows)));
    }
};

/* A few of the tensors of a pool in any order, as one group. */
struct choice {
    nr_options how;
    std::vector<nr_tensor> here, there;

    choice(random_bits &random, pool &from) : how(from.o.view()) {
        how.learning_rate = one_of(random, {1e-3, 0.1});
        for (size_t i = 0; i < from.host.size(); ++i) {
            if (pick(random, 4) == 0)
                continue;
            here.push_back(from.host[i].view());
            there.push_back(from.there[i]->view());
            from.change(random, here.back(), there.back());
        }
        if (pick(random, 3) == 0) {
            std::reverse(here.begin(), here.end());
            std::reverse(there.begin(), there.end());
        }
    }
};

/* Steps of anything on two queues, some of which fail before they are launched, and are tried again or not. */
TEST_F(Table, IsNeverOutOfDate) {
    random_bits random(41);
    fixture at;
    nr_cuda_queue *other = nullptr;
    ASSERT_EQ(nr_cuda_queue_create(at.device, &other), NR_OK);
    for (int history = 0; history < 6; ++history) {
        std::vector<pool> pools;
        for (int algorithm : algorithms)
            pools.emplace_back(random, at, algorithm);
        nr_cuda_queue *last = at.queue;
        int failures = 0;
        for (int round = 0; round < 60; ++round) {
            std::vector<choice> chosen;
            for (pool &p : pools)
                if (pick(random, 3) == 0)
                    chosen.emplace_back(random, p);
            std::vector<nr_cuda_group> groups;
            for (const choice &c : chosen)
                groups.push_back({&c.how, c.there.data(), int64_t(c.there.size()),
                                  pick(random, 4) == 0 ? 1e30 : 0.0 /* more than any norm */});
            nr_cuda_queue *queue = pick(random, 4) == 0 ? other : at.queue;
            if (queue != last) {
                ASSERT_EQ(nr_cuda_queue_follow(queue, last), NR_OK);
            }
            last = queue;

            const bool skips = pick(random, 4) == 0;
            const auto step = [&] {
                return nr_cuda_step(queue, int32_t(groups.size()), groups.data(), skips ? NR_CUDA_SKIP_NONFINITE : 0);
            };
            if (pick(random, 5) == 0) {
                device::standin_set(one_of(random, {"fail=cuMemcpyAsync:1:1", "fail=cuMemAlloc_v2:1:2",
                                                    skips ? "fail=cuEventSynchronize:1:1" : "fail=cuMemcpyAsync:2:1",
                                                    skips ? "fail=cuMemHostAlloc:1:2" : "fail=cuEventRecord:1:1"}));
                const int64_t launches = device::standin_calls("cuLaunchKernel");
                const bool failed = step() != NR_OK;
                EXPECT_EQ(device::standin_violations(), 0);
                if (failed) {
                    ++failures;
                    EXPECT_EQ(device::standin_calls("cuLaunchKernel"), launches);
                }
                device::standin_set("reset=1");
                if (failed && pick(random, 2) == 0)
                    continue;
                if (failed) {
                    ASSERT_EQ(step(), NR_OK) << "tried again as it is";
                }
            } else {
                ASSERT_EQ(step(), NR_OK);
            }
            for (const choice &c : chosen) {
                ASSERT_EQ(nr_step(&c.how, int64_t(c.here.size()), c.here.data()), NR_OK);
            }
        }
        EXPECT_GT(failures, 1);
        ASSERT_EQ(nr_cuda_queue_follow(at.queue, last), NR_OK);
        for (const pool &p : pools)
            for (size_t i = 0; i < p.host.size(); ++i) {
                tensor<float> got = p.host[i];
                p.there[i]->fetch(got);
                ASSERT_EQ(difference(p.host[i], got), "") << "history " << history << ", tensor " << i << ": "
                                                          << describe(p.o, p.host[i].extents(), NR_ISA_SCALAR);
            }
    }
    EXPECT_EQ(nr_cuda_queue_free(other), NR_OK);
}

/* Thousands of tensors, each at a step of its own, and one launch. */
TEST_F(Table, HasTensorsOfManySteps) {
    random_bits random(42);
    fixture at;
    const options o(NR_ADAM, NR_FLOAT64);
    const nr_options how = o.view();
    std::vector<tensor<double>> all;
    std::vector<std::unique_ptr<device_tensor<double>>> there;
    std::vector<nr_tensor> views;
    for (int i = 0; i < 3'000; ++i) {
        all.emplace_back(random, o, flat(1 + i % 5), false);
        all.back().step = 2 + i;
    }
    for (auto &t : all) {
        there.push_back(std::make_unique<device_tensor<double>>(at, t));
        views.push_back(there.back()->view());
    }
    const nr_cuda_group group = {&how, views.data(), int64_t(views.size()), 0.0};
    for (int round = 0; round < 3; ++round) {
        const int64_t launches = device::standin_calls("cuLaunchKernel");
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
        EXPECT_EQ(device::standin_calls("cuLaunchKernel") - launches, 1);
        for (size_t i = 0; i < all.size(); ++i) {
            const nr_tensor t = all[i].view();
            ASSERT_EQ(nr_step(&how, 1, &t), NR_OK);
            views[i].step = all[i].step += 1 + int64_t(i % 3);
        }
    }
    for (size_t i = 0; i < all.size(); ++i) {
        tensor<double> got = all[i];
        there[i]->fetch(got);
        ASSERT_EQ(difference(all[i], got), "") << i;
    }
}

/* What is planned for memory that turns out to be too small is sent whole. */
TEST_F(Table, MovesToLargerMemory) {
    random_bits random(44);
    fixture at;
    const options o(NR_RADAM, NR_FLOAT32);
    const nr_options how = o.view();
    constexpr size_t count = 1'000;
    std::vector<tensor<float>> all;
    std::vector<std::unique_ptr<device_tensor<float>>> there;
    std::vector<nr_tensor> here, views;
    for (size_t i = 0; i < count; ++i)
        all.emplace_back(random, o, row_major(10, 2), false);
    for (auto &t : all) {
        there.push_back(std::make_unique<device_tensor<float>>(at, t));
        views.push_back(there.back()->view());
        here.push_back(t.view());
    }
    const auto step = [&](size_t tensors) {
        const nr_cuda_group group = {&how, views.data(), int64_t(tensors), 0.0};
        const int64_t allocated = device::standin_calls("cuMemAlloc_v2");
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
        EXPECT_GT(device::standin_calls("cuMemAlloc_v2"), allocated) << tensors;
        ASSERT_EQ(nr_step(&how, int64_t(tensors), here.data()), NR_OK);
    };
    step(10);
    step(count); /* the first ten as before */
    for (size_t i = 0; i < count; ++i)
        for (nr_tensor *t : {&here[i], &views[i]}) {
            std::swap(t->gradient, t->state[3]);
            t->flags = i < count / 2 ? 0 : NR_CENTRALISE; /* with statistics of 5,000 rows */
        }
    step(count);
    for (size_t i = 0; i < count; ++i) {
        tensor<float> got = all[i];
        there[i]->fetch(got);
        ASSERT_EQ(difference(all[i], got), "") << i;
    }
}

/* The scalars of a step, and what is new about its tensors. */
TEST_F(Table, IsSentOnlyWhereItChanges) {
    random_bits random(43);
    fixture at;
    options o(NR_RADAM, NR_FLOAT32);
    o.followers = {{0.5, NR_FOLLOWER_LEADS, 0}};
    const nr_options how = o.view();
    constexpr int count = 2'000;
    std::vector<tensor<float>> all;
    std::vector<std::unique_ptr<device_tensor<float>>> there;
    std::vector<nr_tensor> views;
    for (int i = 0; i < count; ++i)
        all.emplace_back(random, o, row_major(2, 3), false);
    for (auto &t : all) {
        there.push_back(std::make_unique<device_tensor<float>>(at, t));
        views.push_back(there.back()->view());
        views.back().flags = views.size() % 2 == 0 ? NR_CENTRALISE : 0;
    }
    const nr_cuda_group group = {&how, views.data(), count, 0.0};
    const auto sent_by = [&](int64_t t, uint64_t active) {
        for (nr_tensor &view : views) {
            view.step = t;
            view.active = active;
        }
        const int64_t before = device::standin_copied();
        EXPECT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
        return device::standin_copied() - before;
    };
    constexpr int64_t of_a_tensor = 192; /* and more */
    constexpr int64_t of_a_step = 512;   /* two sets of scalars */
    EXPECT_GT(sent_by(100, 1), count * 128);
    EXPECT_LE(sent_by(101, 0), of_a_step);
    EXPECT_LE(sent_by(102, 0), of_a_step);
    EXPECT_LE(sent_by(103, 1), of_a_step) << "where the slow weights lie is known";
    std::swap(views[7].gradient, views[7].state[3]);
    EXPECT_LE(sent_by(104, 0), of_a_step + of_a_tensor);
    EXPECT_LE(sent_by(105, 0), of_a_step);
    for (nr_tensor &view : views)
        std::swap(view.gradient, view.state[3]);
    const int64_t all_of_them = sent_by(106, 0);
    EXPECT_GT(all_of_them, count * 64);
    EXPECT_LE(all_of_them, of_a_step + count * of_a_tensor);
}

} // namespace
