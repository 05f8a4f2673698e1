/* The kernels of the library, compiled for the processor. */
#ifndef NR_TESTS_CUDA_HOST_KERNELS_H
#define NR_TESTS_CUDA_HOST_KERNELS_H

#include <cstdint>
#include <string>

namespace standin {

struct host_kernel {
    const char *name;
    bool threads_meet;
    void (*run)(const void *argument, uint32_t blocks, uint32_t threads);
    uint64_t argument_bytes;
};

/* null if there is none of that name. */
const host_kernel *find_host_kernel(const std::string &name);

} // namespace standin

#endif
