/* The problems of problem.h on a device: the stand-in's, or a real one. */
#ifndef NR_TESTS_DEVICE_PROBLEM_H
#define NR_TESTS_DEVICE_PROBLEM_H

#include "nativeranger_cuda.h"
#include "problem.h"
#include "standin.h"

#include <memory>

namespace device {

using problem::options;
using problem::tensor;

/* The functions of standin.h, found in the driver that the library opened. */
int standin_set(const char *settings);
int64_t standin_calls(const char *function);
int64_t standin_allocations();
int64_t standin_violations();

/* An open device and one queue, for the length of a test. */
class fixture {
public:
    explicit fixture(int ordinal = 0);
    ~fixture();
    fixture(const fixture &) = delete;
    fixture &operator=(const fixture &) = delete;

    nr_cuda_device *device = nullptr;
    nr_cuda_queue *queue = nullptr;
};

/* A problem's tensor with all its arrays copied to the device, skew included, and back. */
template <class T>
class device_tensor {
public:
    device_tensor(fixture &at, tensor<T> &from);
    ~device_tensor();
    device_tensor(const device_tensor &) = delete;
    device_tensor &operator=(const device_tensor &) = delete;

    nr_tensor view() const;
    void fetch(tensor<T> &into);

private:
    template <class Move>
    void for_arrays(tensor<T> &t, const Move &move) const;

    fixture &at_;
    nr_tensor view_ = {};
    std::vector<nr_follower_buffers> buffers_;
    char *memory_ = nullptr;
};

} // namespace device

#endif
