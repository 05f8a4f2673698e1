#include "host_kernels.h"

#include "block.h"
#include "cuda/kernels.h"

#include <cstring>

namespace standin {
namespace {

template <class Argument, void (*Kernel)(Argument)>
void run(const void *argument, uint32_t blocks, uint32_t threads, bool threads_meet) {
    Argument copy;
    std::memcpy(&copy, argument, sizeof copy);
    run_grid(blocks, threads, threads_meet, [&] { Kernel(copy); });
}

template <class Argument, void (*Kernel)(Argument), bool Meet>
host_kernel entry(const char *name) {
    return {name, Meet,
            [](const void *argument, uint32_t blocks, uint32_t threads) {
                run<Argument, Kernel>(argument, blocks, threads, Meet);
            },
            sizeof(Argument)};
}

/* Kernels whose threads only look at elements of their own. */
constexpr bool meets(const char *name) {
    const char *const alone[] = {"step", "plain", "follow", "start", "update", "accumulate"};
    for (const char *prefix : alone) {
        int i = 0;
        while (prefix[i] != 0 && prefix[i] == name[i])
            ++i;
        if (prefix[i] == 0)
            return false;
    }
    return true;
}

template <void (*Kernel)(nr::gpu::launch), bool Meet>
host_kernel make(const char *name) {
    return entry<nr::gpu::launch, Kernel, Meet>(name);
}

template <void (*Kernel)(nr::gpu::accumulation), bool Meet>
host_kernel make(const char *name) {
    return entry<nr::gpu::accumulation, Kernel, Meet>(name);
}

const host_kernel kernels[] = {
#define NR_HOST_KERNEL(name)                                                                                           \
    make<nr_##name##_f32, meets(#name)>("nr_" #name "_f32"), make<nr_##name##_f64, meets(#name)>("nr_" #name "_f64"),
    NR_CUDA_KERNELS(NR_HOST_KERNEL)
#undef NR_HOST_KERNEL
};

} // namespace

const host_kernel *find_host_kernel(const std::string &name) {
    for (const host_kernel &k : kernels)
        if (name == k.name)
            return &k;
    return nullptr;
}

} // namespace standin
