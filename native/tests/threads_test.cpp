/* Threads that step at once share nothing that is written: pieces of one parameter under one set of options, whole parameters
 * of different optimizers, and the first calls of all, while what the library finds out about the processor is found out. */
#include "problem.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

using namespace problem;

namespace {

constexpr int thread_count = 4;

template <class F>
void on_threads(F f) {
    std::atomic<int> waiting{thread_count};
    std::vector<std::thread> threads;
    for (int i = 0; i < thread_count; ++i)
        threads.emplace_back([&, i] {
            --waiting;
            while (waiting > 0)
                std::this_thread::yield();
            f(i);
        });
    for (std::thread &t : threads)
        t.join();
}

TEST(Threads, ask_at_once_what_the_processor_can) {
    int32_t chosen[thread_count];
    on_threads([&](int i) { chosen[i] = nr_isa() + 100 * nr_isa_available(NR_ISA_SCALAR); });
    for (int32_t isa : chosen)
        EXPECT_EQ(isa, chosen[0]);
}

TEST(Threads, step_pieces_of_one_parameter) {
    random_bits random(5);
    for (int algorithm : {NR_SGD, NR_ADAGRAD, NR_ADAM, NR_RADAM}) {
        const options o = random_options(random, algorithm, NR_FLOAT32);
        nr_options how = o.view();
        how.adaptive_clip = 0;
        const int64_t n = 4 * 1000;
        tensor<float> want(random, o, flat(n), false);
        want.active = (uint64_t{1} << o.followers.size()) - 1;
        tensor<float> got = want;
        const nr_tensor whole = want.view();
        ASSERT_EQ(nr_step(&how, 1, &whole), NR_OK);

        const nr_tensor view = got.view();
        on_threads([&](int i) {
            nr_tensor piece = view;
            auto move = [&](void *p) { return static_cast<float *>(p) + i * (n / thread_count); };
            piece.parameter = move(view.parameter);
            piece.gradient = move(view.gradient);
            for (int j = 0; j < 4; ++j)
                piece.state[j] = move(view.state[j]);
            std::vector<nr_follower_buffers> followers(view.followers, view.followers + o.followers.size());
            for (nr_follower_buffers &f : followers)
                f = {move(f.weights), move(f.momentum)};
            piece.followers = followers.data();
            piece.inner = piece.stride = n / thread_count;
            EXPECT_EQ(nr_step(&how, 1, &piece), NR_OK);
        });
        EXPECT_EQ(difference(want, got), "") << describe(o, want.extents(), NR_ISA_AUTO);
    }
}

TEST(Threads, step_different_optimizers) {
    on_threads([](int i) {
        random_bits random{uint64_t(i)};
        for (int round = 0; round < 20; ++round) {
            const options o = random_options(random, algorithms[round % 5], NR_FLOAT64);
            tensor<double> want = random_tensor<double>(random, o, row_major(3, 1 + pick(random, 40)), false);
            tensor<double> got = want;
            const nr_options how = o.view();
            const nr_tensor a = want.view(), b = got.view();
            ASSERT_EQ(nr_step(&how, 1, &a), NR_OK);
            ASSERT_EQ(nr_step(&how, 1, &b), NR_OK);
            EXPECT_EQ(difference(want, got), "");
        }
    });
}

} // namespace
