/* A CUDA driver without a GPU. Devices have memory of their own on the heap. Work is not done when it is put into a stream but
 * when somebody waits for it, as late as a real driver might, so that nothing that must outlive a call can be forgotten. */
#include "host_kernels.h"
#include "interpreter.h"
#include "standin.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int success = 0;
constexpr int invalid_value = 1;
constexpr int out_of_memory = 2;
constexpr int no_device = 100;
constexpr int invalid_device = 101;
constexpr int invalid_image = 200;
constexpr int invalid_context = 201;
constexpr int invalid_handle = 400;
constexpr int not_found = 500;
constexpr int launch_failed = 719;

struct settings {
    int devices = 1;
    int version = 12040;
    int capability = 90;
    int multiprocessors = 2;
    int64_t memory = int64_t{1} << 40;
    bool interpret = false;
    int context = 0; /* of memory: the device's, somebody else's, or none */
};

struct fault {
    int64_t calls_left;
    int result;
};

struct stream_object;

struct event_object {
    stream_object *stream = nullptr; /* where it is pending */
    uint64_t ticket = 0;
};

struct piece_of_work {
    std::function<void()> run;
    uint64_t to = 0; /* of a copy */
    uint64_t from = 0;
};

struct stream_object {
    int device = 0;
    std::deque<piece_of_work> work;
    uint64_t done = 0; /* tickets */
    uint64_t next = 0;
};

struct allocation {
    int64_t bytes;
    int device; /* -1: pinned host memory */
    int context;
    uint64_t since; /* the pieces of work that were put into streams before: none of them uses it */
};

struct function_object {
    std::string name;
    const standin::host_kernel *host;
    std::shared_ptr<standin::ptx_module> module;
};

struct module_object {
    std::shared_ptr<standin::ptx_module> ptx;
    std::map<std::string, std::unique_ptr<function_object>> functions;
};

struct context_object {
    int device = 0;
    int retained = 0;
    bool spoilt = false; /* nothing is given back to a device that is lost */
    std::map<event_object *, std::unique_ptr<event_object>> events;
    std::map<module_object *, std::unique_ptr<module_object>> modules;
};

struct world {
    std::recursive_mutex mutex;
    settings set;
    std::map<std::string, fault> faults;
    std::map<std::string, int64_t> calls;
    std::map<int, int> lost; /* device to result */
    int64_t violations = 0;
    int64_t copied = 0; /* bytes */
    std::map<uint64_t, allocation> memory;
    std::map<int, context_object> contexts;
    std::set<stream_object *> streams;
    stream_object null_stream;
    uint64_t pieces_of_work = 0;
};

world &the() {
    static world *w = [] {
        auto *made = new world;
        made->streams.insert(&made->null_stream);
        return made;
    }();
    return *w;
}

thread_local std::vector<context_object *> current_contexts;

/* Whether this thread has waited for work since it made its context current. */
thread_local bool has_waited;

constexpr int unknown_failure = 999;

bool is_fatal(int result) { return result >= 700 && result < 720; }

/* Why the current context is of no use any more, or success. */
int lost_here() {
    if (current_contexts.empty())
        return success;
    const auto found = the().lost.find(current_contexts.back()->device);
    return found != the().lost.end() ? found->second : success;
}

/* What was under way on the device is never done. */
void lose(int device, int result) {
    the().lost[device] = result;
    the().contexts[device].spoilt = true;
    for (stream_object *s : the().streams)
        if (s->device == device) {
            s->work.clear();
            s->done = s->next;
        }
}

/* Counts a call; what it is to return if it is to fail, which may lose the device of the context, by default the current one. */
int enter(const char *function, context_object *context = nullptr) {
    world &w = the();
    ++w.calls[function];
    if (const int lost = lost_here())
        return lost;
    const auto found = w.faults.find(function);
    if (found == w.faults.end() || --found->second.calls_left > 0)
        return success;
    const int result = found->second.result;
    w.faults.erase(found);
    if (context == nullptr && !current_contexts.empty())
        context = current_contexts.back();
    if (context != nullptr && is_fatal(result))
        lose(context->device, result);
    else if (context != nullptr && result == unknown_failure)
        context->spoilt = true;
    return result;
}

#define NR_ENTER(function)                                                                                             \
    const std::lock_guard<std::recursive_mutex> lock(the().mutex);                                                     \
    if (const int failed = enter(#function))                                                                           \
    return failed

#define NR_IN_CONTEXT(function)                                                                                        \
    NR_ENTER(function);                                                                                                \
    if (current_contexts.empty())                                                                                      \
    return invalid_context

stream_object *stream_of(void *handle) {
    return handle != nullptr ? static_cast<stream_object *>(handle) : &the().null_stream;
}

void put(stream_object *s, std::function<void()> what, uint64_t to = 0, uint64_t from = 0) {
    s->work.push_back({std::move(what), to, from});
    ++s->next;
    ++the().pieces_of_work;
}

/* An event may outlive its stream, which has finished its work. */
void finish(stream_object *s, uint64_t ticket) {
    if (the().streams.count(s) == 0)
        return;
    while (s->done < ticket && !s->work.empty()) {
        const piece_of_work what = std::move(s->work.front());
        s->work.pop_front();
        ++s->done;
        what.run();
    }
}

void finish_all() {
    for (stream_object *s : the().streams)
        finish(s, s->next);
}

/* Anything may use memory of a device, but only copies use memory of the host. */
bool may_be_in_use(uint64_t address, const allocation &memory) {
    if (memory.since == the().pieces_of_work)
        return false;
    const auto inside = [&](uint64_t a) { return a - address < static_cast<uint64_t>(memory.bytes); };
    for (const stream_object *s : the().streams)
        for (const piece_of_work &w : s->work)
            if (memory.device >= 0 || inside(w.to) || inside(w.from))
                return true;
    return false;
}

const allocation *find_allocation(uint64_t address, uint64_t *start) {
    const auto &memory = the().memory;
    auto after = memory.upper_bound(address);
    if (after == memory.begin())
        return nullptr;
    --after;
    if (address >= after->first + static_cast<uint64_t>(after->second.bytes))
        return nullptr;
    *start = after->first;
    return &after->second;
}

bool is_pageable(uint64_t address) {
    uint64_t start = 0;
    return find_allocation(address, &start) == nullptr;
}

} // namespace

/* What interpreted kernels may touch. */
namespace standin {
void check_access(uint64_t address, uint64_t bytes) {
    uint64_t start = 0;
    const allocation *found = find_allocation(address, &start);
    if (found == nullptr || address + bytes > start + static_cast<uint64_t>(found->bytes))
        throw std::runtime_error("an access outside of every allocation");
}
} // namespace standin

namespace {

int64_t used_by(int device) {
    int64_t used = 0;
    for (const auto &m : the().memory)
        used += m.second.device == device ? m.second.bytes : 0;
    return used;
}

int allocate(uint64_t *address, size_t bytes, int device) {
    if (bytes == 0)
        return invalid_value;
    constexpr size_t alignment = 256;
    constexpr int64_t pinnable = int64_t{1} << 36;
    const int64_t left = device >= 0 ? the().set.memory - used_by(device) : pinnable;
    if (left < 0 || bytes > static_cast<size_t>(left))
        return out_of_memory;
    void *memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (memory == nullptr)
        return out_of_memory;
    /* Larger memory is only reserved: tests of far indices touch little of it. */
    constexpr size_t largest_filled = size_t{1} << 28;
    if (bytes <= largest_filled)
        std::memset(memory, 0xa5, bytes);
    *address = reinterpret_cast<uint64_t>(memory);
    the().memory[*address] = {static_cast<int64_t>(bytes), device, the().set.context, the().pieces_of_work};
    return success;
}

int release(uint64_t address) {
    world &w = the();
    const auto found = w.memory.find(address);
    if (found == w.memory.end())
        return invalid_value;
    if (!has_waited && may_be_in_use(address, found->second)) {
        ++w.violations;
        finish_all();
    }
    std::free(reinterpret_cast<void *>(address));
    w.memory.erase(found);
    return success;
}

bool change_setting(const std::string &key, const std::string &value) {
    world &w = the();
    const int64_t number = std::atoll(value.c_str());
    if (key == "devices")
        w.set.devices = static_cast<int>(number);
    else if (key == "version")
        w.set.version = static_cast<int>(number);
    else if (key == "capability")
        w.set.capability = static_cast<int>(number);
    else if (key == "multiprocessors")
        w.set.multiprocessors = static_cast<int>(number);
    else if (key == "memory")
        w.set.memory = number;
    else if (key == "interpret")
        w.set.interpret = number != 0;
    else if (key == "context")
        w.set.context = static_cast<int>(number);
    else if (key == "reset") {
        w.faults.clear();
        w.calls.clear();
        w.lost.clear();
        w.violations = 0;
    } else if (key == "fail") {
        const size_t first = value.find(':');
        const size_t second = value.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos)
            return false;
        w.faults[value.substr(0, first)] = {std::atoll(value.c_str() + first + 1),
                                            std::atoi(value.c_str() + second + 1)};
    } else {
        return false;
    }
    return true;
}

} // namespace

extern "C" {

#pragma GCC visibility push(default)

int standin_set(const char *text) {
    const std::lock_guard<std::recursive_mutex> lock(the().mutex);
    std::istringstream words(text);
    std::string word;
    while (words >> word) {
        const size_t equals = word.find('=');
        if (equals == std::string::npos || !change_setting(word.substr(0, equals), word.substr(equals + 1)))
            return words.eof() ? static_cast<int>(std::strlen(text)) : static_cast<int>(words.tellg());
    }
    return 0;
}

int64_t standin_calls(const char *function) {
    const std::lock_guard<std::recursive_mutex> lock(the().mutex);
    return the().calls[function];
}

int64_t standin_allocations(void) {
    const std::lock_guard<std::recursive_mutex> lock(the().mutex);
    return static_cast<int64_t>(the().memory.size());
}

int64_t standin_violations(void) { return the().violations; }

int64_t standin_copied(void) { return the().copied; }

__attribute__((constructor)) static void read_environment() {
    if (const char *text = std::getenv("NATIVERANGER_STANDIN"))
        standin_set(text);
}

int cuInit(unsigned) {
    NR_ENTER(cuInit);
    return the().set.devices == 0 ? no_device : success;
}

int cuDriverGetVersion(int *version) {
    NR_ENTER(cuDriverGetVersion);
    *version = the().set.version;
    return success;
}

int cuGetErrorName(int result, const char **name) {
    *name = result == out_of_memory ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_STANDIN";
    return success;
}

int cuGetErrorString(int result, const char **text) {
    *text = result == out_of_memory ? "out of memory"
            : result == no_device   ? "no CUDA-capable device is detected"
                                    : "a failure of the stand-in";
    return success;
}

int cuDeviceGetCount(int *count) {
    NR_ENTER(cuDeviceGetCount);
    *count = the().set.devices;
    return success;
}

int cuDeviceGet(int *device, int ordinal) {
    NR_ENTER(cuDeviceGet);
    *device = ordinal;
    return ordinal >= 0 && ordinal < the().set.devices ? success : invalid_device;
}

int cuDeviceGetName(char *name, int capacity, int device) {
    NR_ENTER(cuDeviceGetName);
    std::snprintf(name, static_cast<size_t>(capacity), "Stand-in %d", device);
    return success;
}

int cuDeviceGetAttribute(int *value, int attribute, int) {
    NR_ENTER(cuDeviceGetAttribute);
    switch (attribute) {
    case 16:
        *value = the().set.multiprocessors;
        return success;
    case 75:
        *value = the().set.capability / 10;
        return success;
    case 76:
        *value = the().set.capability % 10;
        return success;
    default:
        return invalid_value;
    }
}

int cuDeviceTotalMem_v2(size_t *bytes, int) {
    NR_ENTER(cuDeviceTotalMem_v2);
    *bytes = static_cast<size_t>(the().set.memory);
    return success;
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
    NR_ENTER(cuDevicePrimaryCtxRetain);
    context_object &c = the().contexts[device];
    c.device = device;
    ++c.retained;
    *context = &c;
    return success;
}

int cuDevicePrimaryCtxRelease_v2(int device) {
    NR_ENTER(cuDevicePrimaryCtxRelease_v2);
    context_object &c = the().contexts[device];
    if (c.retained == 0)
        return invalid_context;
    if (--c.retained > 0)
        return success;
    if (!c.spoilt)
        the().violations += static_cast<int64_t>(c.events.size() + c.modules.size());
    c.spoilt = false;
    c.events.clear();
    c.modules.clear();
    return success;
}

int cuCtxPushCurrent_v2(void *context) {
    const std::lock_guard<std::recursive_mutex> lock(the().mutex);
    if (const int failed = enter("cuCtxPushCurrent_v2", static_cast<context_object *>(context)))
        return failed;
    current_contexts.push_back(static_cast<context_object *>(context));
    has_waited = false;
    return success;
}

int cuCtxPopCurrent_v2(void **context) {
    if (current_contexts.empty())
        return invalid_context;
    *context = current_contexts.back();
    current_contexts.pop_back();
    return success;
}

int cuCtxSynchronize(void) {
    NR_IN_CONTEXT(cuCtxSynchronize);
    finish_all();
    has_waited = true;
    return lost_here();
}

int cuModuleLoadDataEx(void **module, const void *image, unsigned options, int *keys, void **values) {
    NR_IN_CONTEXT(cuModuleLoadDataEx);
    auto made = std::make_unique<module_object>();
    std::string error;
    made->ptx = standin::parse_ptx(static_cast<const char *>(image), error);
    if (made->ptx == nullptr) {
        for (unsigned i = 0; i + 1 < options; ++i)
            if (keys[i] == 5)
                std::snprintf(static_cast<char *>(values[i]), reinterpret_cast<size_t>(values[i + 1]), "%s",
                              error.c_str());
        return invalid_image;
    }
    *module = made.get();
    current_contexts.back()->modules[made.get()] = std::move(made);
    return success;
}

int cuModuleUnload(void *module) {
    NR_IN_CONTEXT(cuModuleUnload);
    finish_all();
    return current_contexts.back()->modules.erase(static_cast<module_object *>(module)) == 1 ? success : invalid_handle;
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
    NR_IN_CONTEXT(cuModuleGetFunction);
    auto *m = static_cast<module_object *>(module);
    if (!standin::has_kernel(*m->ptx, name))
        return not_found;
    auto &f = m->functions[name];
    if (f == nullptr)
        f.reset(new function_object{name, standin::find_host_kernel(name), m->ptx});
    *function = f.get();
    return success;
}

/* As if every kernel had the same; there is nothing that compiles them. */
int cuFuncGetAttribute(int *value, int attribute, void *function) {
    NR_IN_CONTEXT(cuFuncGetAttribute);
    if (function == nullptr)
        return invalid_value;
    *value = attribute == 4 ? 40 : 0;
    return success;
}

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *function, int threads, size_t) {
    NR_IN_CONTEXT(cuOccupancyMaxActiveBlocksPerMultiprocessor);
    if (function == nullptr || threads < 1)
        return invalid_value;
    *blocks = 65536 / (40 * threads);
    return success;
}

int cuLaunchKernel(void *function, unsigned blocks, unsigned y, unsigned z, unsigned threads, unsigned ty, unsigned tz,
                   unsigned shared, void *stream, void **arguments, void **extra) {
    NR_IN_CONTEXT(cuLaunchKernel);
    if (function == nullptr || blocks == 0 || threads == 0 || threads > 1024 || y * z * ty * tz != 1 || shared != 0 ||
        extra != nullptr)
        return invalid_value;
    const auto *f = static_cast<const function_object *>(function);
    const bool interpret = f->host == nullptr || the().set.interpret;
    const std::vector<uint64_t> sizes = standin::argument_sizes(*f->module, f->name);
    std::vector<std::string> copies;
    for (size_t i = 0; i < sizes.size(); ++i)
        copies.emplace_back(static_cast<const char *>(arguments[i]), sizes[i]);
    if (f->host != nullptr && (copies.size() != 1 || copies[0].size() != f->host->argument_bytes))
        return invalid_value;
    const int device = current_contexts.back()->device;
    put(stream_of(stream), [=] {
        try {
            if (interpret)
                standin::interpret(*f->module, f->name, blocks, threads, copies);
            else
                f->host->run(copies[0].data(), blocks, threads);
        } catch (const std::exception &e) {
            std::fprintf(stderr, "stand-in: %s: %s\n", f->name.c_str(), e.what());
            lose(device, launch_failed);
        }
    });
    return success;
}

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
    NR_IN_CONTEXT(cuMemAlloc_v2);
    return allocate(address, bytes, current_contexts.back()->device);
}

int cuMemFree_v2(uint64_t address) {
    NR_IN_CONTEXT(cuMemFree_v2);
    return release(address);
}

int cuMemHostAlloc(void **memory, size_t bytes, unsigned) {
    NR_IN_CONTEXT(cuMemHostAlloc);
    uint64_t address = 0;
    const int result = allocate(&address, bytes, -1);
    *memory = reinterpret_cast<void *>(address);
    return result;
}

int cuMemFreeHost(void *memory) {
    NR_IN_CONTEXT(cuMemFreeHost);
    return release(reinterpret_cast<uint64_t>(memory));
}

int cuMemcpyAsync(uint64_t to, uint64_t from, size_t bytes, void *stream) {
    NR_IN_CONTEXT(cuMemcpyAsync);
    stream_object *s = stream_of(stream);
    the().copied += static_cast<int64_t>(bytes);
    put(
        s, [=] { std::memmove(reinterpret_cast<void *>(to), reinterpret_cast<const void *>(from), bytes); }, to, from);
    if (is_pageable(to) || is_pageable(from))
        finish(s, s->next);
    return success;
}

int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *stream) {
    NR_IN_CONTEXT(cuMemsetD8Async);
    put(stream_of(stream), [=] { std::memset(reinterpret_cast<void *>(to), value, bytes); });
    return success;
}

int cuPointerGetAttributes(unsigned count, int *attributes, void **values, uint64_t address) {
    NR_IN_CONTEXT(cuPointerGetAttributes);
    uint64_t start = 0;
    const allocation *found = find_allocation(address, &start);
    if (found == nullptr)
        return invalid_value;
    for (unsigned i = 0; i < count; ++i)
        switch (attributes[i]) {
        case 1: {
            static context_object somebody_elses = {};
            void *const contexts[] = {&the().contexts[found->device], &somebody_elses, nullptr};
            *static_cast<void **>(values[i]) = contexts[found->context];
            break;
        }
        case 2:
            *static_cast<unsigned *>(values[i]) = found->device >= 0 ? 2 : 1;
            break;
        case 9:
            *static_cast<int *>(values[i]) = found->device >= 0 ? found->device : 0;
            break;
        case 11:
            *static_cast<uint64_t *>(values[i]) = start;
            break;
        case 12:
            *static_cast<size_t *>(values[i]) = static_cast<size_t>(found->bytes);
            break;
        default:
            return invalid_value;
        }
    return success;
}

int cuStreamCreate(void **stream, unsigned) {
    NR_IN_CONTEXT(cuStreamCreate);
    auto *made = new stream_object;
    made->device = current_contexts.back()->device;
    the().streams.insert(made);
    *stream = made;
    return success;
}

int cuStreamDestroy_v2(void *stream) {
    NR_IN_CONTEXT(cuStreamDestroy_v2);
    auto *s = static_cast<stream_object *>(stream);
    finish(s, s->next);
    the().streams.erase(s);
    delete s;
    return success;
}

int cuStreamSynchronize(void *stream) {
    NR_IN_CONTEXT(cuStreamSynchronize);
    stream_object *s = stream_of(stream);
    finish(s, s->next);
    has_waited = true;
    return lost_here();
}

int cuStreamWaitEvent(void *stream, void *event, unsigned) {
    NR_IN_CONTEXT(cuStreamWaitEvent);
    const event_object e = *static_cast<event_object *>(event);
    if (e.stream != nullptr)
        put(stream_of(stream), [e] { finish(e.stream, e.ticket); });
    return success;
}

int cuEventCreate(void **event, unsigned) {
    NR_IN_CONTEXT(cuEventCreate);
    auto made = std::make_unique<event_object>();
    *event = made.get();
    current_contexts.back()->events[made.get()] = std::move(made);
    return success;
}

int cuEventDestroy_v2(void *event) {
    NR_IN_CONTEXT(cuEventDestroy_v2);
    return current_contexts.back()->events.erase(static_cast<event_object *>(event)) == 1 ? success : invalid_handle;
}

int cuEventRecord(void *event, void *stream) {
    NR_IN_CONTEXT(cuEventRecord);
    stream_object *s = stream_of(stream);
    *static_cast<event_object *>(event) = {s, s->next};
    return success;
}

int cuEventSynchronize(void *event) {
    NR_IN_CONTEXT(cuEventSynchronize);
    const auto *e = static_cast<const event_object *>(event);
    if (e->stream != nullptr)
        finish(e->stream, e->ticket);
    return lost_here();
}

#pragma GCC visibility pop

} // extern "C"
