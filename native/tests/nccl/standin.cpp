/* An NCCL for machines without GPUs. Its ranks are threads of one process, each on a device of the stand-in CUDA driver, whose
 * memory is the host's. A collective waits for what is in its stream, and then for all ranks; NCCL itself would return at once. */
#include "standin.h"

#include <condition_variable>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

extern "C" int cuStreamSynchronize(void *stream);

namespace {

enum result { success = 0, unhandled_cuda = 1, invalid_argument = 4, invalid_usage = 5, remote_error = 6 };
enum data_type { float32 = 7, float64 = 8 };
constexpr int sum = 0;

struct call {
    std::string function;
    const void *sent;
    void *received;
    size_t count;
    int type;
};

struct group {
    int size = 0;
    int joined = 0;
    bool broken = false;                          /* a call of one rank has failed, and so do those of the others */
    std::map<int64_t, std::map<int, call>> calls; /* by number, by rank */
    std::map<int64_t, int> results;
};

struct communicator {
    std::shared_ptr<group> shared;
    int rank;
    int64_t next;
};

struct unique_id {
    char bytes[128];
};

std::mutex lock;
std::condition_variable changed;
std::map<std::string, std::shared_ptr<group>> groups; /* by unique id */
std::map<std::string, int64_t> counts, failing;
std::map<std::string, int> failures;
int64_t alive, ids;
int version = 21803;

/* Counts the call; what it is to return if it is to fail. */
int enter(const char *function) {
    const int64_t number = counts[function]++;
    const auto found = failing.find(function);
    return found != failing.end() && found->second == number ? failures[function] : success;
}

size_t size_of(int type) { return type == float32 ? 4 : type == float64 ? 8 : 0; }

template <class T>
void add(const std::map<int, call> &calls, const call &own, int rank) {
    for (size_t i = 0; i < own.count; ++i) {
        T total = 0;
        for (const auto &other : calls)
            total += static_cast<const T *>(other.second.sent)[static_cast<size_t>(rank) * own.count + i];
        static_cast<T *>(own.received)[i] = total;
    }
}

int perform(const std::map<int, call> &calls) {
    const call &first = calls.begin()->second;
    for (const auto &entry : calls)
        if (entry.second.function != first.function || entry.second.count != first.count ||
            entry.second.type != first.type)
            return invalid_usage;
    const size_t bytes = first.count * size_of(first.type);
    for (const auto &to : calls) {
        if (first.function == "ncclReduceScatter") {
            if (first.type == float64)
                add<double>(calls, to.second, to.first);
            else
                add<float>(calls, to.second, to.first);
            continue;
        }
        for (const auto &from : calls)
            memmove(static_cast<char *>(to.second.received) + static_cast<size_t>(from.first) * bytes, from.second.sent,
                    bytes);
    }
    return success;
}

int collect(communicator *c, const call &own, void *stream) {
    if (c == nullptr || own.sent == nullptr || own.received == nullptr || size_of(own.type) == 0)
        return invalid_argument;
    if (cuStreamSynchronize(stream) != 0) /* fails also where no context is current */
        return unhandled_cuda;
    std::unique_lock<std::mutex> held(lock);
    group &shared = *c->shared;
    if (const int failed = enter(own.function.c_str())) {
        shared.broken = true;
        changed.notify_all();
        return failed;
    }
    const int64_t number = c->next++;
    shared.calls[number][c->rank] = own;
    if (shared.calls[number].size() == static_cast<size_t>(shared.size)) {
        shared.results[number] = perform(shared.calls[number]);
        changed.notify_all();
    }
    changed.wait(held, [&] { return shared.broken || shared.results.count(number) != 0; });
    return shared.results.count(number) != 0 ? shared.results[number] : static_cast<int>(remote_error);
}

} // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT int ncclGetVersion(int *out) {
    *out = version;
    return success;
}

EXPORT const char *ncclGetErrorString(int code) {
    return code == unhandled_cuda     ? "unhandled cuda error"
           : code == invalid_argument ? "invalid argument"
           : code == invalid_usage    ? "invalid usage"
           : code == remote_error     ? "remote process exited or there was a network error"
                                      : "internal error";
}

EXPORT int ncclGetUniqueId(unique_id *id) {
    std::lock_guard<std::mutex> held(lock);
    if (const int failed = enter("ncclGetUniqueId"))
        return failed;
    /* All 128 bytes matter. */
    memset(id->bytes, 'a' + static_cast<int>(ids % 26), sizeof id->bytes);
    memcpy(id->bytes + 100, &ids, sizeof ids);
    ++ids;
    return success;
}

EXPORT int ncclCommInitRank(communicator **made, int size, unique_id id, int rank) {
    if (made == nullptr || rank < 0 || rank >= size)
        return invalid_argument;
    if (cuStreamSynchronize(nullptr) != 0)
        return unhandled_cuda;
    std::unique_lock<std::mutex> held(lock);
    auto &shared = groups[std::string(id.bytes, sizeof id.bytes)];
    if (shared == nullptr)
        shared = std::make_shared<group>();
    shared->size = size;
    const std::shared_ptr<group> mine = shared;
    const int failed = enter("ncclCommInitRank");
    mine->broken = mine->broken || failed != success;
    ++mine->joined;
    changed.notify_all();
    changed.wait(held, [&] { return mine->broken || mine->joined == size; });
    if (mine->broken)
        return failed != success ? failed : static_cast<int>(remote_error);
    *made = new communicator{mine, rank, 0};
    ++alive;
    return success;
}

namespace {

int leave(communicator *c, const char *function) {
    std::lock_guard<std::mutex> held(lock);
    if (const int failed = enter(function))
        return failed;
    delete c;
    --alive;
    return success;
}

} // namespace

EXPORT int ncclCommDestroy(communicator *c) { return leave(c, "ncclCommDestroy"); }
EXPORT int ncclCommAbort(communicator *c) { return leave(c, "ncclCommAbort"); }

EXPORT int ncclReduceScatter(const void *sent, void *received, size_t count, int type, int operation, communicator *c,
                             void *stream) {
    return operation == sum ? collect(c, {"ncclReduceScatter", sent, received, count, type}, stream) : invalid_argument;
}

EXPORT int ncclAllGather(const void *sent, void *received, size_t count, int type, communicator *c, void *stream) {
    return collect(c, {"ncclAllGather", sent, received, count, type}, stream);
}

EXPORT void standin_nccl_fail(const char *function, int64_t after, int32_t code) {
    std::lock_guard<std::mutex> held(lock);
    failing[function] = counts[function] + after;
    failures[function] = code;
}

EXPORT void standin_nccl_version(int32_t wanted) { version = wanted; }

EXPORT int64_t standin_nccl_calls(const char *function) {
    std::lock_guard<std::mutex> held(lock);
    return counts[function];
}

EXPORT int64_t standin_nccl_communicators(void) {
    std::lock_guard<std::mutex> held(lock);
    return alive;
}

EXPORT void standin_nccl_reset(void) {
    std::lock_guard<std::mutex> held(lock);
    counts.clear();
    failing.clear();
    failures.clear();
    version = 21803;
}
