#include "cuda/driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace nr_cuda {
namespace {

constexpr int oldest_version = 10000; /* the first that reads the PTX of the kernels */

driver the_driver;
bool is_open;
pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

template <class Function>
bool resolve(void *file, const char *name, Function *function, message &why) {
    void *symbol = dlsym(file, name);
    static_assert(sizeof symbol == sizeof *function, "a function is found as an address");
    memcpy(function, &symbol, sizeof symbol);
    if (symbol == nullptr)
        snprintf(why.text, sizeof why.text, "it has no %s: it is no CUDA driver, or older than CUDA 10.0", name);
    return symbol != nullptr;
}

bool initialise(const driver &d, message &why) {
    const cu_result result = d.cuInit(0);
    if (result == cu_success)
        return true;
    const char *text = nullptr;
    d.cuGetErrorString(result, &text);
    snprintf(why.text, sizeof why.text, "cuInit failed: %s (%d)", text != nullptr ? text : "unknown error", result);
    return false;
}

bool open_file(const char *name, driver &d, message &why) {
    void *file = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (file == nullptr) {
        snprintf(why.text, sizeof why.text, "%s", dlerror());
        return false;
    }
    bool complete = true;
#define NR_CUDA_RESOLVE(function, parameters) complete = complete && resolve(file, #function, &d.function, why);
    NR_CUDA_FUNCTIONS(NR_CUDA_RESOLVE)
#undef NR_CUDA_RESOLVE
    if (complete && d.cuDriverGetVersion(&d.version) == cu_success && d.version < oldest_version) {
        snprintf(why.text, sizeof why.text, "the driver is of CUDA %d.%d; 10.0 or later is needed", d.version / 1000,
                 d.version % 1000 / 10);
        complete = false;
    }
    complete = complete && initialise(d, why);
    if (!complete)
        dlclose(file);
    return complete;
}

} // namespace

void write_text(char *to, int64_t capacity, const char *text) {
    if (to != nullptr && capacity > 0)
        snprintf(to, static_cast<size_t>(capacity), "%s", text);
}

const driver *open_driver(const char *name, message &why) {
    pthread_mutex_lock(&opening);
    if (!is_open) {
        if (name == nullptr)
            name = getenv("NATIVERANGER_CUDA_DRIVER");
        driver d = {};
        if (open_file(name != nullptr && *name != 0 ? name : "libcuda.so.1", d, why)) {
            the_driver = d;
            is_open = true;
        }
    }
    pthread_mutex_unlock(&opening);
    return is_open ? &the_driver : nullptr;
}

} // namespace nr_cuda
