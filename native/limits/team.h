/* A team of threads that runs one job together, repeatedly, and times it. */
#ifndef NRL_TEAM_H
#define NRL_TEAM_H

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nrl {

/* Called once per member and repetition. */
using job = std::function<void(int member)>;

class team {
public:
    explicit team(int threads);
    ~team();
    team(const team &) = delete;
    team &operator=(const team &) = delete;

    int threads() const { return threads_; }

    /* Seconds of the timed repetitions; every repetition ends when the last member is done. */
    double time(const job &work, int64_t untimed, int64_t timed);

private:
    void serve(int member);
    void repeat(int member, int64_t times);
    void meet();

    const int threads_;
    std::vector<std::thread> members_;
    std::mutex mutex_;
    std::condition_variable wake_;
    uint64_t calls_ = 0;
    bool closing_ = false;
    const job *work_ = nullptr;
    int64_t repetitions_ = 0;
    std::atomic<int64_t> arrived_{0};
    std::atomic<int64_t> passed_{0};
};

} // namespace nrl

#endif
