/* A host that forks, as embedding programs do: the library has no threads and no locks that a child could wait for. */
#include "problem.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

using namespace problem;

namespace {

constexpr unsigned seconds_before_giving_up = 60;

/* Steps in a child; whether it ended with the wanted bits. A child that waits for a lock is ended by its alarm. */
bool child_steps(const options &o, const tensor<float> &start, const tensor<float> &want) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(seconds_before_giving_up);
        tensor<float> now = start;
        const nr_options how = o.view();
        const nr_tensor t = now.view();
        _exit(nr_step(&how, 1, &t) == NR_OK && difference(want, now).empty() ? 0 : 1);
    }
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Fork, Fault_49_parent_and_child_go_on) {
    random_bits random(49);
    const options o(NR_RADAM, NR_FLOAT32);
    const tensor<float> start(random, o, row_major(30, 400), false);
    const nr_options how = o.view();
    tensor<float> want = start;
    const nr_tensor t = want.view();
    EXPECT_EQ(nr_step(&how, 1, &t), NR_OK);

    EXPECT_TRUE(child_steps(o, start, want));
    tensor<float> after = start;
    const nr_tensor again = after.view();
    EXPECT_EQ(nr_step(&how, 1, &again), NR_OK);
    EXPECT_EQ(difference(want, after), "");
}

TEST(Fork, Fault_49_while_other_threads_step) {
    random_bits random(50);
    const options o(NR_ADAM, NR_FLOAT32);
    const tensor<float> start(random, o, row_major(30, 400), false);
    const nr_options how = o.view();
    tensor<float> want = start;
    const nr_tensor t = want.view();
    ASSERT_EQ(nr_step(&how, 1, &t), NR_OK);

    std::atomic<bool> stop{false};
    std::atomic<int> steps{0};
    std::thread other([&] {
        while (!stop) {
            tensor<float> now = start;
            const nr_tensor own = now.view();
            steps += nr_step(&how, 1, &own) == NR_OK;
        }
    });
    while (steps == 0) {
        std::this_thread::yield();
    }
    int sound = 0;
    for (int i = 0; i < 20; ++i)
        sound += child_steps(o, start, want);
    stop = true;
    other.join();
    EXPECT_EQ(sound, 20);
}

} // namespace
