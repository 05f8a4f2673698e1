#include "team.h"

#include <chrono>

namespace nrl {

namespace {

double seconds_now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/* Long enough for every member of a running team to arrive; a team with more members than processors must let go. */
constexpr int spins_before_yield = 20000;

} // namespace

team::team(int threads) : threads_(threads) {
    for (int member = 1; member < threads; ++member)
        members_.emplace_back([this, member] { serve(member); });
}

team::~team() {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        closing_ = true;
    }
    wake_.notify_all();
    for (std::thread &member : members_)
        member.join();
}

double team::time(const job &work, int64_t untimed, int64_t timed) {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        work_ = &work;
        repetitions_ = untimed + timed;
        ++calls_;
    }
    wake_.notify_all();
    meet();
    repeat(0, untimed);
    const double start = seconds_now();
    repeat(0, timed);
    return seconds_now() - start;
}

void team::serve(int member) {
    for (uint64_t served = 0;; ++served) {
        {
            std::unique_lock<std::mutex> lock(mutex_);
            wake_.wait(lock, [&] { return closing_ || calls_ != served; });
            if (closing_)
                return;
        }
        meet();
        repeat(member, repetitions_);
    }
}

void team::repeat(int member, int64_t times) {
    for (int64_t i = 0; i < times; ++i) {
        (*work_)(member);
        meet();
    }
}

void team::meet() {
    if (threads_ == 1)
        return;
    const int64_t meeting = passed_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
        arrived_.store(0, std::memory_order_relaxed);
        passed_.store(meeting + 1, std::memory_order_release);
        return;
    }
    for (int spins = 0; passed_.load(std::memory_order_acquire) == meeting; ++spins) {
        if (spins >= spins_before_yield)
            std::this_thread::yield();
    }
}

} // namespace nrl
