#include "device_problem.h"

#include <dlfcn.h>
#include <stdexcept>

namespace device {
namespace {

template <class Function>
Function find(const char *name) {
    static void *file = dlopen(STANDIN, RTLD_NOW);
    void *symbol = file != nullptr ? dlsym(file, name) : nullptr;
    if (symbol == nullptr)
        throw std::runtime_error(std::string("the stand-in has no ") + name);
    return reinterpret_cast<Function>(symbol);
}

} // namespace

int standin_set(const char *settings) { return find<int (*)(const char *)>("standin_set")(settings); }
int64_t standin_calls(const char *function) { return find<int64_t (*)(const char *)>("standin_calls")(function); }
int64_t standin_allocations() { return find<int64_t (*)()>("standin_allocations")(); }
int64_t standin_violations() { return find<int64_t (*)()>("standin_violations")(); }
int64_t standin_copied() { return find<int64_t (*)()>("standin_copied")(); }

fixture::fixture(int ordinal) {
    char message[512];
    const nr_status status = nr_cuda_open(STANDIN, ordinal, &device, message, sizeof message);
    if (status != NR_OK)
        throw std::runtime_error(message);
    require(nr_cuda_queue_create(device, &queue), "queue");
}

fixture::~fixture() {
    nr_cuda_queue_free(queue);
    nr_cuda_close(device);
}

} // namespace device
