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

/* Tensors on the host, which make(i) makes, and the same on the device, with their views. */
template <class T>
struct both_sides {
    std::vector<tensor<T>> host;
    std::vector<std::unique_ptr<device_tensor<T>>> there;
    std::vector<nr_tensor> views;

    template <class Make>
    both_sides(fixture &at, int count, const Make &make) {
        for (int i = 0; i < count; ++i)
            host.push_back(make(i));
        for (auto &t : host) {
            there.push_back(std::make_unique<device_tensor<T>>(at, t));
            views.push_back(there.back()->view());
        }
    }

    void expect_same() const {
        for (size_t i = 0; i < host.size(); ++i) {
            tensor<T> got = host[i];
            there[i]->fetch(got);
            ASSERT_EQ(difference(host[i], got), "") << "tensor " << i;
        }
    }
};

/* Options, and tensors of theirs. */
struct pool {
    options o;
    both_sides<float> tensors;

    pool(random_bits &random, fixture &at, int algorithm)
        : o(random_options(random, algorithm, NR_FLOAT32)), tensors(at, 7, [&](int i) {
              /* What is clipped or skipped is contiguous. */
              const shape s = i == 0 ? row_major(6, 1'500) : random_shape(random, 9, true);
              auto t = random_tensor<float>(random, o, s, false);
              if (algorithm == NR_SEED_RANGER)
                  std::fill(std::begin(t.scalars), std::end(t.scalars), 0.0);
              return t;
          }) {
        o.how.clip_factor = 1;
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
        for (size_t i = 0; i < from.tensors.host.size(); ++i) {
            if (pick(random, 4) == 0)
                continue;
            here.push_back(from.tensors.host[i].view());
            there.push_back(from.tensors.views[i]);
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
        for (const pool &p : pools) {
            SCOPED_TRACE("history " + std::to_string(history) + ", algorithm " + std::to_string(p.o.how.algorithm));
            p.tensors.expect_same();
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
    both_sides<double> all(at, 3'000, [&](int i) {
        tensor<double> t(random, o, flat(1 + i % 5), false);
        t.step = 2 + i;
        return t;
    });
    const nr_cuda_group group = {&how, all.views.data(), int64_t(all.views.size()), 0.0};
    for (int round = 0; round < 3; ++round) {
        const int64_t launches = device::standin_calls("cuLaunchKernel");
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
        EXPECT_EQ(device::standin_calls("cuLaunchKernel") - launches, 1);
        for (size_t i = 0; i < all.host.size(); ++i) {
            const nr_tensor t = all.host[i].view();
            ASSERT_EQ(nr_step(&how, 1, &t), NR_OK);
            all.views[i].step = all.host[i].step += 1 + int64_t(i % 3);
        }
    }
    all.expect_same();
}

/* What is planned for memory that turns out to be too small is sent whole. */
TEST_F(Table, MovesToLargerMemory) {
    random_bits random(44);
    fixture at;
    const options o(NR_RADAM, NR_FLOAT32);
    const nr_options how = o.view();
    constexpr size_t count = 1'000;
    both_sides<float> all(at, count, [&](int) { return tensor<float>(random, o, row_major(10, 2), false); });
    std::vector<nr_tensor> here;
    for (auto &t : all.host)
        here.push_back(t.view());
    const auto step = [&](size_t tensors) {
        const nr_cuda_group group = {&how, all.views.data(), int64_t(tensors), 0.0};
        const int64_t allocated = device::standin_calls("cuMemAlloc_v2");
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
        EXPECT_GT(device::standin_calls("cuMemAlloc_v2"), allocated) << tensors;
        ASSERT_EQ(nr_step(&how, int64_t(tensors), here.data()), NR_OK);
    };
    step(10);
    step(count); /* the first ten as before */
    for (size_t i = 0; i < count; ++i)
        for (nr_tensor *t : {&here[i], &all.views[i]}) {
            std::swap(t->gradient, t->state[3]);
            t->flags = i < count / 2 ? 0 : NR_CENTRALISE; /* with statistics of 5,000 rows */
        }
    step(count);
    all.expect_same();
}

/* The scalars of a step, and what is new about its tensors. */
TEST_F(Table, IsSentOnlyWhereItChanges) {
    random_bits random(43);
    fixture at;
    options o(NR_RADAM, NR_FLOAT32);
    o.followers = {{0.5, NR_FOLLOWER_LEADS, 0}};
    const nr_options how = o.view();
    constexpr int count = 2'000;
    both_sides<float> all(at, count, [&](int) { return tensor<float>(random, o, row_major(2, 3), false); });
    std::vector<nr_tensor> &views = all.views;
    for (int i = 1; i < count; i += 2)
        views[size_t(i)].flags = NR_CENTRALISE;
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
