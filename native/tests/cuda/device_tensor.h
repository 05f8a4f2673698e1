/* The tensors of problem.h in the memory of a device: the stand-in's, or a real one. */
#ifndef NR_TESTS_DEVICE_TENSOR_H
#define NR_TESTS_DEVICE_TENSOR_H

#include "nativeranger_cuda.h"
#include "problem.h"

#include <stdexcept>

namespace device {

using problem::tensor;

inline void require(nr_status status, const char *what) {
    if (status != NR_OK)
        throw std::runtime_error(std::string(what) + ": " + nr_cuda_status_name(status));
}

/* A tensor with all its arrays in one piece of device memory, as far from aligned addresses as on the host, and back. */
template <class T>
class device_tensor {
public:
    /* at has a device and a queue. */
    template <class Place>
    device_tensor(const Place &at, tensor<T> &from) : device_(at.device), queue_(at.queue) {
        int64_t bytes = 0;
        for_arrays(from, [&](char *, void *, int64_t n) { bytes += room(n); });
        void *memory = nullptr;
        require(nr_cuda_allocate(device_, bytes, &memory), "allocate");
        memory_ = static_cast<char *>(memory);

        view_ = from.view();
        const auto skew = from.skew() * int64_t(sizeof(T));
        std::vector<char *> places;
        for_arrays(from, [&](char *to, void *host, int64_t n) {
            require(nr_cuda_copy(queue_, to, host, n), "copy");
            places.push_back(to);
        });
        view_.parameter = places[0] + skew;
        view_.gradient = from.with_gradient ? places[1] + skew : nullptr;
        for (int j = 0; j < 4; ++j)
            view_.state[j] = places[size_t(2 + j)] + skew;
        for (size_t i = 0; i < from.followers.size(); ++i)
            buffers_.push_back({places[6 + 2 * i] + skew, places[7 + 2 * i] + skew});
        view_.followers = buffers_.data();
        view_.scalars = reinterpret_cast<double *>(places[6 + 2 * from.followers.size()]);
        if (view_.row_values != nullptr)
            view_.row_values = reinterpret_cast<nr_row *>(places.back());
    }
    ~device_tensor() { nr_cuda_free(device_, memory_); }
    device_tensor(const device_tensor &) = delete;
    device_tensor &operator=(const device_tensor &) = delete;

    nr_tensor view() const { return view_; }

    /* Waits for the queue. */
    void fetch(tensor<T> &into) {
        for_arrays(into,
                   [&](char *from, void *host, int64_t n) { require(nr_cuda_copy(queue_, host, from, n), "copy"); });
        require(nr_cuda_queue_wait(queue_), "wait");
    }

private:
    static int64_t room(int64_t bytes) {
        constexpr int64_t line = 256;
        return (bytes + line - 1) / line * line + line;
    }

    /* The arrays one after the other. */
    template <class Move>
    void for_arrays(tensor<T> &t, const Move &move) const {
        int64_t at = 0;
        auto array = [&](void *values, size_t bytes) {
            move(memory_ == nullptr ? nullptr : memory_ + at, values, int64_t(bytes));
            at += room(int64_t(bytes));
        };
        const auto values = [&](std::vector<T> &list) { array(list.data(), list.size() * sizeof(T)); };
        values(t.p);
        values(t.g);
        for (int j = 0; j < 4; ++j)
            values(t.state(j));
        for (size_t i = 0; i < t.followers.size(); ++i) {
            values(t.followers[i]);
            values(t.momenta[i]);
        }
        array(t.scalars, sizeof t.scalars);
        array(t.row_values.data(), t.row_values.size() * sizeof(nr_row));
    }

    nr_cuda_device *device_;
    nr_cuda_queue *queue_;
    nr_tensor view_ = {};
    std::vector<nr_follower_buffers> buffers_;
    char *memory_ = nullptr;
};

} // namespace device

#endif
