/* A device of the stand-in, and what its driver is told. */
#ifndef NR_TESTS_DEVICE_PROBLEM_H
#define NR_TESTS_DEVICE_PROBLEM_H

#include "device_tensor.h"
#include "standin.h"

#include <memory>

namespace device {

using problem::options;

/* The functions of standin.h, found in the driver that the library opened. */
int standin_set(const char *settings);
int64_t standin_calls(const char *function);
int64_t standin_allocations();
int64_t standin_violations();
int64_t standin_copied();

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

} // namespace device

#endif
