/* An MPI library for machines that have none, with the binary interface of Open MPI or, with STANDIN_MPICH, of MPICH. Its ranks
 * are threads of one process. Nothing completes before its partner has called, as MPI may do it, so that what relies on
 * buffering hangs here. */
#include "standin.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <sched.h>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr int success = 0;
constexpr int injected = 77;
constexpr int misused = 13;
constexpr int truncated = 15;

struct context {
    int size;
    int64_t made_after;                                              /* so many resets */
    std::vector<int64_t> collectives;                                /* by rank: how many it has begun */
    std::map<int64_t, std::vector<std::function<void()>>> gathering; /* by number: what to do once all have come */
    std::map<int64_t, std::vector<int64_t>> members;                 /* by number: what each brought */
    std::map<int64_t, std::string> names;
    std::map<int64_t, std::shared_ptr<context>> duplicates;
};

struct communicator {
    std::shared_ptr<context> shared;
    int rank;
    bool freed;
};

struct request {
    bool done;
    bool stalled;
    int code;
};

struct message {
    const context *where;
    int source, target, tag;
    const void *from;
    void *to;
    int count;
    request *owner;
};

/* Never destroyed: a call that was given up may still be in here when the process ends. */
std::mutex &lock = *new std::mutex;
std::deque<communicator> &communicators = *new std::deque<communicator>;
std::deque<request> &requests = *new std::deque<request>;
std::deque<message> sends, receives;
std::map<std::string, int64_t> calls, failing, stalling;
std::map<int, std::vector<int>> sent_tags; /* by rank */
int64_t largest_count;
int64_t last_message;
int level = -1;
int world_size = 1;
int cuda_support;
bool initialised, finalised;
int64_t resets;

#ifdef STANDIN_MPICH
using handle = int;
constexpr handle world_handle = 0x44000000;
constexpr int any_source = -2;
constexpr int undefined = -32766;
void *const in_place = reinterpret_cast<void *>(-1);
handle handle_of(const communicator &c) {
    for (size_t i = 0; i < communicators.size(); ++i)
        if (&communicators[i] == &c)
            return static_cast<int>(0x04000001 + i);
    abort();
}
communicator *named(handle h) {
    const auto i = static_cast<size_t>(h - 0x04000001);
    return i < communicators.size() ? &communicators[i] : nullptr;
}
handle handle_of(const request &r) {
    for (size_t i = requests.size(); i-- > 0;)
        if (&requests[i] == &r)
            return static_cast<int>(0x1c000001 + i);
    abort();
}
request *request_named(handle h) { return &requests[static_cast<size_t>(h - 0x1c000001)]; }
int size_of(handle type) { return type == 0x4c00010d ? 1 : type == 0x4c00040a ? 4 : type == 0x4c00080b ? 8 : 0; }
#else
using handle = void *;
} // namespace
/* Open MPI's handles are the addresses of these. */
EXPORT char ompi_mpi_comm_world[1], ompi_mpi_byte[1], ompi_mpi_float[1], ompi_mpi_double[1], ompi_mpi_op_sum[1],
    ompi_mpi_errors_return[1];
char ompi_mpi_comm_world[1], ompi_mpi_byte[1], ompi_mpi_float[1], ompi_mpi_double[1], ompi_mpi_op_sum[1],
    ompi_mpi_errors_return[1];
namespace {
const handle world_handle = ompi_mpi_comm_world;
constexpr int any_source = -1;
constexpr int undefined = -32766;
void *const in_place = reinterpret_cast<void *>(1);
handle handle_of(communicator &c) { return &c; }
communicator *named(handle h) { return static_cast<communicator *>(h); }
handle handle_of(request &r) { return &r; }
request *request_named(handle h) { return static_cast<request *>(h); }
int size_of(handle type) {
    return type == ompi_mpi_byte ? 1 : type == ompi_mpi_float ? 4 : type == ompi_mpi_double ? 8 : 0;
}
#endif

communicator &add_communicator(std::shared_ptr<context> shared, int rank) {
    communicators.push_back({std::move(shared), rank, false});
    return communicators.back();
}

std::shared_ptr<context> new_context(int size) {
    auto made = std::make_shared<context>();
    made->size = size;
    made->made_after = resets;
    made->collectives.assign(static_cast<size_t>(size), 0);
    return made;
}

communicator *find(handle h) {
    static communicator *world;
    if (h == world_handle) {
        if (world == nullptr || world->shared->size != world_size)
            world = &add_communicator(new_context(world_size), 0);
        return world;
    }
    communicator *c = named(h);
    return c == nullptr || c->freed ? nullptr : c;
}

/* Counts the call; the code it fails with, or success. */
int enter(const char *function, bool *stalls, int64_t count = 0) {
    const int64_t number = calls[function]++;
    largest_count = std::max(largest_count, count);
    const auto fail = failing.find(function);
    const auto stall = stalling.find(function);
    *stalls = stall != stalling.end() && stall->second == number;
    return fail != failing.end() && fail->second == number ? injected : success;
}

request *begin(handle *out, bool stalls) {
    requests.push_back({false, stalls, success});
    *out = handle_of(requests.back());
    return &requests.back();
}

void deliver(const message &send, const message &receive) {
    if (send.count > receive.count)
        receive.owner->code = truncated;
    else if (send.count > 0)
        memcpy(receive.to, send.from, static_cast<size_t>(send.count));
    send.owner->done = receive.owner->done = true;
}

bool matches(const message &a, const message &b) {
    return a.where == b.where && a.source == b.source && a.target == b.target && a.tag == b.tag;
}

void post(const message &m, std::deque<message> &own, std::deque<message> &other, bool is_send) {
    if (m.owner->stalled)
        return;
    for (auto i = other.begin(); i != other.end(); ++i)
        if (matches(m, *i)) {
            is_send ? deliver(m, *i) : deliver(*i, m);
            other.erase(i);
            return;
        }
    own.push_back(m);
}

/* Each rank brings an address of its own data; the last one to come runs everyone's part. */
int collect(const char *function, communicator *c, handle *out, int64_t bring, bool stalls,
            std::function<void(const std::vector<int64_t> &)> part) {
    context &shared = *c->shared;
    const int64_t number = shared.collectives[static_cast<size_t>(c->rank)]++;
    if (shared.names.emplace(number, function).first->second != function) {
        fprintf(stderr, "stand-in: rank %d calls %s where another rank calls %s\n", c->rank, function,
                shared.names[number].c_str());
        return misused;
    }
    request *r = begin(out, stalls);
    if (stalls)
        return success;
    auto &members = shared.members[number];
    auto &gathering = shared.gathering[number];
    members.resize(static_cast<size_t>(shared.size));
    members[static_cast<size_t>(c->rank)] = bring;
    gathering.push_back([&members, part, r] {
        part(members);
        r->done = true;
    });
    if (gathering.size() == static_cast<size_t>(shared.size)) {
        for (auto &run : gathering)
            run();
        shared.gathering.erase(number);
        shared.members.erase(number);
    }
    return success;
}

template <class T>
T *at(int64_t address) {
    return reinterpret_cast<T *>(address);
}

template <class T>
int64_t address_of(const T *data) {
    return reinterpret_cast<int64_t>(data);
}

void nothing(const std::vector<int64_t> &) {}

template <class T>
void add_all(const std::vector<int64_t> &members, int64_t first, int count, void *out) {
    auto *sums = static_cast<T *>(out);
    for (int i = 0; i < count; ++i) {
        T sum = 0;
        for (int64_t member : members)
            sum += at<const T>(member)[first + i];
        sums[i] = sum;
    }
}

} // namespace

#define ENTER(count)                                                                                                   \
    std::lock_guard<std::mutex> held(lock);                                                                            \
    bool stalls = false;                                                                                               \
    if (const int code = enter(__func__ + 4, &stalls, count))                                                          \
        return code;

#define COMMUNICATOR(h)                                                                                                \
    communicator *c = find(h);                                                                                         \
    if (c == nullptr)                                                                                                  \
        return misused;

EXPORT int MPI_Initialized(int *flag) {
    *flag = initialised ? 1 : 0;
    return success;
}

EXPORT int MPI_Finalized(int *flag) {
    *flag = finalised ? 1 : 0;
    return success;
}

EXPORT int MPI_Init_thread(int *, char ***, int required, int *provided) {
    ENTER(0)
    initialised = true;
    *provided = level >= 0 ? level : required;
    return success;
}

EXPORT int MPI_Query_thread(int *provided) {
    ENTER(0)
    *provided = level >= 0 ? level : 3;
    return success;
}

EXPORT int MPI_Finalize(void) {
    ENTER(0)
    finalised = true;
    return success;
}

EXPORT int MPI_Get_library_version(char *version, int *length) {
    *length = sprintf(version, "Stand-in for MPI 3.1\nwhose ranks are threads");
    return success;
}

EXPORT int MPI_Error_string(int code, char *text, int *length) {
    *length = sprintf(text, code == injected    ? "MPI_ERR_OTHER: injected"
                            : code == truncated ? "MPI_ERR_TRUNCATE: message truncated"
                                                : "MPI_ERR_ARG: invalid argument");
    return success;
}

EXPORT int MPI_Comm_rank(handle h, int *rank) {
    ENTER(0)
    COMMUNICATOR(h)
    *rank = c->rank;
    return success;
}

EXPORT int MPI_Comm_size(handle h, int *size) {
    ENTER(0)
    COMMUNICATOR(h)
    *size = c->shared->size;
    return success;
}

EXPORT int MPI_Comm_set_errhandler(handle h, handle) {
    ENTER(0)
    COMMUNICATOR(h)
    return success;
}

EXPORT int MPI_Comm_idup(handle h, handle *made, handle *out) {
    ENTER(0)
    COMMUNICATOR(h)
    context &shared = *c->shared;
    std::shared_ptr<context> &fresh = shared.duplicates[shared.collectives[static_cast<size_t>(c->rank)]];
    if (fresh == nullptr)
        fresh = new_context(shared.size);
    const int rank = c->rank;
    return collect("Comm_idup", c, out, 0, stalls, [made, rank, duplicate = fresh](const std::vector<int64_t> &) {
        *made = handle_of(add_communicator(duplicate, rank));
    });
}

EXPORT int MPI_Comm_free(handle *h) {
    ENTER(0)
    COMMUNICATOR(*h)
    c->freed = true;
    *h = handle();
    return success;
}

namespace {

struct split_entry {
    int colour, key, rank;
    handle *made;
};

void split(const std::vector<int64_t> &members) {
    std::map<int, std::vector<split_entry>> parts;
    for (int64_t member : members)
        parts[at<split_entry>(member)->colour].push_back(*at<split_entry>(member));
    for (auto &part : parts) {
        std::stable_sort(part.second.begin(), part.second.end(),
                         [](const split_entry &a, const split_entry &b) { return a.key < b.key; });
        auto shared = new_context(static_cast<int>(part.second.size()));
        for (size_t i = 0; i < part.second.size() && part.first != undefined; ++i)
            *part.second[i].made = handle_of(add_communicator(shared, static_cast<int>(i)));
    }
}

} // namespace

/* Blocks until all ranks have come, as MPI does; a rank whose call has failed never comes. */
EXPORT int MPI_Comm_split(handle h, int colour, int key, handle *made) {
    handle out = handle();
    split_entry entry = {colour, key, 0, made};
    int64_t began = 0;
    {
        std::lock_guard<std::mutex> held(lock);
        COMMUNICATOR(h)
        bool stalls = false;
        /* A thread that was left to this call may make it after what it was made for has ended: then it is none of the calls
         * that count now. */
        if (c->shared->made_after == resets || h == world_handle)
            if (const int code = enter("Comm_split", &stalls))
                return code;
        entry.rank = c->rank;
        began = resets;
        const bool first = c->rank == 0;
        const int code =
            collect("Comm_split", c, &out, address_of(&entry), stalls, [first](const std::vector<int64_t> &members) {
                if (first)
                    split(members);
            });
        if (code != success)
            return code;
    }
    for (;;) {
        {
            std::lock_guard<std::mutex> held(lock);
            if (request_named(out)->done)
                return success;
            if (resets != began)
                return misused;
        }
        sched_yield();
    }
}

EXPORT int MPI_Test(handle *h, int *flag, void *) {
    ENTER(0)
    if (*h == handle()) {
        *flag = 1;
        return success;
    }
    const request *r = request_named(*h);
    *flag = r->done ? 1 : 0;
    if (r->done)
        *h = handle();
    return r->code;
}

EXPORT int MPI_Isend(const void *data, int count, handle type, int target, int tag, handle h, handle *out) {
    ENTER(count)
    COMMUNICATOR(h)
    if (target < 0 || target >= c->shared->size || count < 0 || size_of(type) != 1)
        return misused;
    last_message = address_of(static_cast<const char *>(data));
    request *r = begin(out, stalls);
    sent_tags[c->rank].push_back(tag);
    post({c->shared.get(), c->rank, target, tag, data, nullptr, count, r}, sends, receives, true);
    return success;
}

EXPORT int MPI_Irecv(void *data, int count, handle type, int source, int tag, handle h, handle *out) {
    ENTER(count)
    COMMUNICATOR(h)
    if (source < 0 || source >= c->shared->size || count < 0 || size_of(type) != 1)
        return misused;
    last_message = address_of(static_cast<const char *>(data));
    request *r = begin(out, stalls);
    post({c->shared.get(), source, c->rank, tag, nullptr, data, count, r}, receives, sends, false);
    return success;
}

EXPORT int MPI_Iprobe(int source, int tag, handle h, int *flag, void *) {
    ENTER(0)
    COMMUNICATOR(h)
    *flag = 0;
    for (const message &m : sends)
        if (m.where == c->shared.get() && m.target == c->rank && m.tag == tag &&
            (source == any_source || source == m.source))
            *flag = 1;
    return success;
}

EXPORT int MPI_Ibarrier(handle h, handle *out) {
    ENTER(0)
    COMMUNICATOR(h)
    return collect("Ibarrier", c, out, 0, stalls, nothing);
}

EXPORT int MPI_Ibcast(void *data, int count, handle, int root, handle h, handle *out) {
    ENTER(count)
    COMMUNICATOR(h)
    const bool receives_it = c->rank != root;
    return collect("Ibcast", c, out, address_of(data), stalls, [=](const std::vector<int64_t> &members) {
        if (receives_it && count > 0)
            memcpy(data, at<char>(members[static_cast<size_t>(root)]), static_cast<size_t>(count));
    });
}

EXPORT int MPI_Iallgather(const void *own, int count, handle, void *all, int, handle, handle h, handle *out) {
    ENTER(count)
    COMMUNICATOR(h)
    return collect("Iallgather", c, out, address_of(own), stalls, [=](const std::vector<int64_t> &members) {
        for (size_t i = 0; i < members.size() && count > 0; ++i)
            memcpy(static_cast<char *>(all) + i * static_cast<size_t>(count), at<char>(members[i]),
                   static_cast<size_t>(count));
    });
}

EXPORT int MPI_Iallgatherv(const void *own, int, handle, void *all, const int *counts, const int *offsets, handle,
                           handle h, handle *out) {
    ENTER(*std::max_element(counts, counts + find(h)->shared->size))
    COMMUNICATOR(h)
    if (own != in_place)
        return misused;
    const auto self = static_cast<size_t>(c->rank);
    return collect("Iallgatherv", c, out, address_of(all), stalls, [=](const std::vector<int64_t> &members) {
        for (size_t i = 0; i < members.size(); ++i)
            if (i != self && counts[i] > 0)
                memcpy(static_cast<char *>(all) + offsets[i], at<char>(members[i]) + offsets[i],
                       static_cast<size_t>(counts[i]));
    });
}

EXPORT int MPI_Ireduce_scatter(const void *data, void *sums, const int *counts, handle type, handle, handle h,
                               handle *out) {
    ENTER(*std::max_element(counts, counts + find(h)->shared->size))
    COMMUNICATOR(h)
    int64_t first = 0;
    for (int i = 0; i < c->rank; ++i)
        first += counts[i];
    const int count = counts[c->rank];
    const bool wide = size_of(type) == 8;
    return collect("Ireduce_scatter", c, out, address_of(data), stalls, [=](const std::vector<int64_t> &members) {
        if (wide)
            add_all<double>(members, first, count, sums);
        else
            add_all<float>(members, first, count, sums);
    });
}

EXPORT void standin_world(int32_t size, int64_t *handles) {
    std::lock_guard<std::mutex> held(lock);
    auto shared = new_context(size);
    for (int rank = 0; rank < size; ++rank)
        handles[rank] = (int64_t)handle_of(add_communicator(shared, rank));
}

EXPORT void standin_fail(const char *function, int64_t after) {
    std::lock_guard<std::mutex> held(lock);
    failing[function] = calls[function] + after;
}

EXPORT void standin_stall(const char *function, int64_t after) {
    std::lock_guard<std::mutex> held(lock);
    stalling[function] = calls[function] + after;
}

EXPORT int MPIX_Query_cuda_support(void) { return cuda_support; }

EXPORT void standin_cuda_support(int32_t supported) { cuda_support = supported; }

EXPORT void standin_thread_level(int32_t wanted) { level = wanted; }

EXPORT void standin_world_size(int32_t size) { world_size = size; }

EXPORT int64_t standin_calls(const char *function) {
    std::lock_guard<std::mutex> held(lock);
    return calls[function];
}

EXPORT int64_t standin_largest_count(void) {
    std::lock_guard<std::mutex> held(lock);
    return largest_count;
}

EXPORT int32_t standin_sent_tag(int32_t rank, int64_t index) {
    std::lock_guard<std::mutex> held(lock);
    const std::vector<int> &tags = sent_tags[rank];
    return index < static_cast<int64_t>(tags.size()) ? tags[static_cast<size_t>(index)] : -1;
}

EXPORT int64_t standin_last_message(void) {
    std::lock_guard<std::mutex> held(lock);
    return last_message;
}

EXPORT void standin_reset(void) {
    std::lock_guard<std::mutex> held(lock);
    calls.clear();
    failing.clear();
    stalling.clear();
    sent_tags.clear();
    largest_count = 0;
    level = -1;
    cuda_support = 0;
    initialised = finalised = false;
    ++resets;
}
