/* No kernel touches a byte beyond its arrays: every array ends right before a page that may not be touched, or begins right
 * behind one. */
#include "problem.h"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <unistd.h>

using namespace problem;

namespace {

/* Pages between two guards. */
class guarded {
public:
    guarded() {
        base_ = static_cast<char *>(mmap(nullptr, (pages + 2) * page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (base_ == MAP_FAILED || mprotect(base_ + page(), pages * page(), PROT_READ | PROT_WRITE) != 0)
            abort();
    }
    ~guarded() { munmap(base_, (pages + 2) * page()); }
    guarded(const guarded &) = delete;
    guarded &operator=(const guarded &) = delete;

    /* A copy of the values whose last byte is the last before the guard, or whose first is the first behind it. */
    void *place(const void *values, size_t bytes, bool at_end) {
        char *begin = base_ + page();
        char *to = at_end ? begin + pages * page() - bytes : begin;
        std::memcpy(to, values, bytes);
        return to;
    }

private:
    static constexpr size_t pages = 4;
    static size_t page() { return size_t(sysconf(_SC_PAGESIZE)); }

    char *base_;
};

template <class T>
void step_guarded(const options &o, tensor<T> start, std::vector<guarded> &rooms) {
    nr_options how = o.view();
    for (int32_t isa : instruction_sets())
        for (bool at_end : {true, false}) {
            size_t next = 0;
            auto move = [&](const void *from, size_t bytes) { return rooms.at(next++).place(from, bytes, at_end); };
            nr_tensor t = start.view();
            const size_t bytes = size_t(start.extents().span()) * sizeof(T);
            t.parameter = move(t.parameter, bytes);
            t.gradient = t.gradient == nullptr ? nullptr : move(t.gradient, bytes);
            for (void *&s : t.state)
                s = move(s, bytes);
            std::vector<nr_follower_buffers> buffers(t.followers, t.followers + o.followers.size());
            for (nr_follower_buffers &f : buffers)
                f = {move(f.weights, bytes), move(f.momentum, bytes)};
            t.followers = buffers.data();
            t.scalars = static_cast<double *>(move(t.scalars, sizeof start.scalars));

            std::vector<nr_row> rows(size_t(t.rows));
            nr_row *out = static_cast<nr_row *>(move(rows.data(), rows.size() * sizeof(nr_row)));
            how.isa = isa;
            if (t.gradient != nullptr) {
                ASSERT_EQ(nr_row_statistics(&how, 1, &t, &out), NR_OK);
                if (start.extents().outer == 1) {
                    double *sums = static_cast<double *>(move(rows.data(), ((bytes / sizeof(T) + 4095) / 4096) * 8));
                    int32_t nonfinite = 0;
                    ASSERT_EQ(nr_square_sums(&how, 1, &t, 1.0, &sums, &nonfinite), NR_OK);
                    ASSERT_EQ(nr_accumulate(how.type, isa, int64_t(bytes / sizeof(T)), t.gradient, t.parameter), NR_OK);
                }
            }
            ASSERT_EQ(nr_step(&how, 1, &t), NR_OK);
            t.row_values = out;
            ASSERT_EQ(nr_step(&how, 1, &t), NR_OK);
        }
}

template <class T>
void step_everything_guarded() {
    random_bits random(21);
    std::vector<guarded> rooms(20);
    for (int round = 0; round < 2000; ++round) {
        const int algorithm = algorithms[round % 5];
        const options o = random_options(random, algorithm, type_of<T>);
        shape s = round % 2 == 0 ? flat(1 + round / 2 % 130) : random_shape(random, 12, algorithm == NR_SEED_RANGER);
        tensor<T> start = random_tensor<T>(random, o, s, false);
        step_guarded(o, start, rooms);
    }
}

TEST(Memory, Fault_41_nothing_beyond_the_arrays_float32) { step_everything_guarded<float>(); }

TEST(Memory, Fault_41_nothing_beyond_the_arrays_float64) { step_everything_guarded<double>(); }

} // namespace
