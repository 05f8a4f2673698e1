/* Calls of libnativeranger_cuda, over the stand-in for its driver: a device's arrays may lie anywhere in this process. */
#include "device_problem.h"
#include "step_input.h"

#include <string>

namespace fuzz {
namespace {

arrays memory;

/* The one device of the process, which is opened anew when it has been lost. */
class gpu {
public:
    gpu() { device::standin_set("reset=1 memory=67108864 multiprocessors=3"); }

    nr_cuda_device *device() { return opened().device; }
    nr_cuda_queue *queue() { return opened().queue; }

    void lose() { fixture_.reset(); }

    /* What the stand-in was told to fail at is forgotten. */
    static void forgive() {
        if (device::standin_violations() != 0)
            fail("memory changed hands while the device was using it");
        device::standin_set("reset=1");
    }

private:
    device::fixture &opened() {
        if (fixture_ == nullptr)
            fixture_ = std::make_unique<device::fixture>();
        return *fixture_;
    }

    std::unique_ptr<device::fixture> fixture_;
};

/* Not destroyed: what the stand-in keeps for each thread is gone by then. */
gpu &the_gpu() {
    static gpu &one = *new gpu;
    return one;
}

void require(bool holds, const char *what) {
    if (!holds)
        fail(what);
}

nr_status known(nr_status status) {
    if (std::string(nr_cuda_status_name(status)) == "unknown")
        fail("a status that does not exist");
    ++(status == NR_OK ? counts.succeeded : counts.refused);
    return status;
}

/* The codes are of two enumerations. */
constexpr nr_status status_of(int code) { return code; }

bool finite(double x) { return x - x == 0.0; }

constexpr unsigned most_groups = 2;

class cuda_call : step_input {
public:
    explicit cuda_call(bytes in) : step_input(in, memory) {}

    void run() {
        switch (in_.below(16)) {
        case 0:
            return accumulate();
        case 1:
            return copy();
        case 2:
            return own_memory();
        case 3:
            return queues();
        case 4:
            return kernels_of_the_caller();
        case 5:
            return describe();
        case 6:
            return open();
        default:
            return step();
        }
    }

private:
    nr_cuda_device *device() { return in_.wrong_in(16) ? nullptr : the_gpu().device(); }
    nr_cuda_queue *queue() { return in_.wrong_in(16) ? nullptr : the_gpu().queue(); }

    /* A call whose status is known beforehand. */
    static bool expect(nr_status expected, nr_status status, const char *what) {
        if (known(status) != expected)
            fail(what, nr_cuda_status_name(status));
        return status == NR_OK;
    }

    /* ---- steps --------------------------------------------------------------------------------------------------- */

    struct outcome {
        bool is_valid;
        bool is_skipped;
        std::vector<uint8_t> memory;
    };

    bool make_groups(nr_cuda_group (&groups)[most_groups], unsigned made, uint32_t flags) {
        bool reads_all = flags != 0;
        for (unsigned g = 0; g < made; ++g) {
            nr_options *o = options();
            if (g > 0 && in_.sound)
                type_ = o->type = groups[0].options->type;
            o->isa = isa_;
            groups[g].options = o;
            groups[g].clip_norm = in_.likely({0.0, 0.0, 0.5, 1e3}, {-1.0, infinite});
            if (in_.sound && groups[g].clip_norm != 0.0)
                o->clip_factor = 1.0;
            reads_all = reads_all || groups[g].clip_norm != 0.0;
            groups[g].count = 0;
            nr_tensor *list = tensors(groups[g].count);
            if (list == nullptr)
                return false;
            groups[g].tensors = list;
        }
        for (unsigned g = 0; g < made && in_.sound && reads_all; ++g)
            for (int64_t i = 0; i < groups[g].count; ++i) {
                auto &t = const_cast<nr_tensor &>(groups[g].tensors[i]);
                t.stride = t.rows * t.inner;
            }
        return true;
    }

    /* The norm over all gradients, or that one is not finite; false where the processor refuses to read them. */
    bool read_gradients(const nr_cuda_group *groups, unsigned count, bool wants_norm, double &norm, bool &nonfinite) {
        for (double by : {1.0, 0x1p-600}) {
            double total = 0;
            nonfinite = false;
            for (unsigned g = 0; g < count; ++g)
                for (int64_t i = 0; i < groups[g].count; ++i) {
                    const nr_tensor &t = groups[g].tensors[i];
                    std::vector<double> sums(guarded::room / 4096);
                    double *list = sums.data();
                    int32_t found = 0;
                    double sum = 0;
                    if (nr_square_sums(groups[g].options, 1, &t, by, wants_norm ? &list : nullptr, &found) != NR_OK)
                        return false;
                    const int64_t blocks = (t.outer * t.rows * t.inner + 4095) / 4096;
                    if (wants_norm && t.gradient != nullptr && nr_reduce(blocks, list, &sum) == NR_OK)
                        total += sum;
                    nonfinite = nonfinite || found != 0;
                }
            norm = std::sqrt(total) / by;
            if (total != infinite || groups[0].options->type != NR_FLOAT64)
                break;
        }
        return true;
    }

    /* What the contract adds to that of the processor's step. */
    static bool adds_up(const nr_cuda_group *groups, unsigned count, uint32_t flags, bool reads_all) {
        bool valid = flags <= NR_CUDA_SKIP_NONFINITE;
        for (unsigned g = 0; g < count; ++g) {
            const nr_cuda_group &one = groups[g];
            valid = valid && one.options->type == groups[0].options->type && one.clip_norm >= 0.0 &&
                    finite(one.clip_norm) && (one.clip_norm == 0.0 || one.options->clip_factor == 1.0);
            for (int64_t i = 0; i < one.count && valid; ++i) {
                const nr_tensor &t = one.tensors[i];
                valid = !reads_all || t.gradient == nullptr || t.outer <= 1 || t.stride == times(t.rows, t.inner);
            }
        }
        return valid;
    }

    /* The same step by the processor, which leaves the arrays as it found them. */
    outcome by_processor(const nr_cuda_group *groups, unsigned count, uint32_t flags) {
        const std::vector<uint8_t> before = memory.snapshot();
        bool clips = false;
        for (unsigned g = 0; g < count; ++g)
            clips = clips || groups[g].clip_norm != 0.0;
        outcome o = {adds_up(groups, count, flags, flags != 0 || clips), false, before};
        int32_t isa[most_groups] = {};
        for (unsigned g = 0; g < count; ++g) {
            auto &how = const_cast<nr_options &>(*groups[g].options);
            isa[g] = how.isa;
            how.isa = NR_ISA_AUTO;
        }
        double norm = 0;
        bool nonfinite = false;
        if (o.is_valid && (clips || flags != 0))
            o.is_valid = read_gradients(groups, count, clips, norm, nonfinite);
        o.is_skipped = nonfinite && flags != 0;
        for (unsigned g = 0; g < count && o.is_valid; ++g) {
            auto &how = const_cast<nr_options &>(*groups[g].options);
            const double factor = how.clip_factor;
            if (groups[g].clip_norm != 0.0 && norm > groups[g].clip_norm)
                how.clip_factor = groups[g].clip_norm / norm;
            o.is_valid = nr_step(&how, groups[g].count, groups[g].tensors) == NR_OK;
            how.clip_factor = factor;
        }
        for (unsigned g = 0; g < count; ++g)
            const_cast<nr_options &>(*groups[g].options).isa = isa[g];
        if (o.is_valid && !o.is_skipped)
            o.memory = memory.snapshot();
        memory.restore(before);
        return o;
    }

    void step() {
        const uint32_t flags = in_.likely({0u, uint32_t(NR_CUDA_SKIP_NONFINITE)}, {2u, 3u});
        nr_cuda_group groups[most_groups] = {};
        const unsigned made = in_.one_in(16) ? 0 : 1 + in_.below(most_groups);
        const bool fails = in_.one_in(8);
        if (!make_groups(groups, made, flags))
            return;
        const nr_cuda_group *list = guarded_copy(groups, made);
        const outcome expected = by_processor(list, made, flags);
        if (fails)
            return failing_step(list, int32_t(made), flags, expected);

        const std::vector<uint8_t> before = memory.snapshot();
        const bool has_queue = !in_.wrong_in(32), has_list = !in_.wrong_in(32), has_count = !in_.wrong_in(32);
        const nr_status status =
            known(nr_cuda_step(has_queue ? the_gpu().queue() : nullptr, has_count ? int32_t(made) : -int32_t(made) - 1,
                               has_list ? list : nullptr, flags));
        finish();
        const bool is_valid = expected.is_valid && has_queue && has_count && (has_list || made == 0);
        require((status == NR_OK) == is_valid, "a step is refused by one of device and processor only");
        require(!in_.sound || status == NR_OK, "a sound step is refused");
        compare(status == NR_OK ? expected.memory : before, "other bits than the processor's");
        int32_t skipped = -1;
        if (status == NR_OK)
            require(nr_cuda_outcome(the_gpu().queue(), &skipped) == NR_OK && skipped == (expected.is_skipped ? 1 : 0),
                    "a step was skipped and says that it was not, or the other way round");
    }

    /* What describes a step may be gone when the call has returned, long before the device looks at the arrays. */
    void finish() {
        memory.invert_exact();
        const nr_status status = nr_cuda_queue_wait(the_gpu().queue());
        memory.invert_exact();
        require(status == NR_OK, "the device has failed");
    }

    void compare(const std::vector<uint8_t> &wanted, const char *what) {
        require(memory.same(wanted, memory.snapshot()), what);
        require(memory.are_intact(), "bytes before an array have changed");
    }

    void failing_step(const nr_cuda_group *groups, int32_t count, uint32_t flags, const outcome &expected) {
        const char *const functions[] = {"cuMemAlloc_v2",      "cuMemHostAlloc",     "cuLaunchKernel",
                                         "cuMemcpyAsync",      "cuEventRecord",      "cuCtxPushCurrent_v2",
                                         "cuEventSynchronize", "cuStreamSynchronize"};
        const int results[] = {1, 2, 2, 2, 2, 2, 2, 700};
        /* Of a queue of its own, which has no memory yet. */
        nr_cuda_queue *fresh = nullptr;
        require(nr_cuda_queue_create(the_gpu().device(), &fresh) == NR_OK, "there is no queue");
        const std::vector<uint8_t> before = memory.snapshot();
        device::standin_set((std::string("fail=") + functions[in_.below(8)] + ":" + std::to_string(1 + in_.below(4)) +
                             ":" + std::to_string(results[in_.below(8)]))
                                .c_str());
        const nr_status status = known(nr_cuda_step(fresh, count, groups, flags));
        const nr_status end = known(nr_cuda_queue_wait(fresh));
        require(expected.is_valid || status != NR_OK, "a step that the processor refuses is done");
        if (status != NR_OK && status <= NR_CUDA_E_MEMORY)
            compare(before, "a step that was not launched has written");
        if (status == NR_OK && end == NR_OK)
            compare(expected.memory, "other bits than the processor's beside a failure");
        require(memory.are_intact(), "bytes before an array have changed");
        if (status == NR_CUDA_E_LOST || end == NR_CUDA_E_LOST) {
            require(nr_cuda_step(fresh, count, groups, flags) != NR_OK, "a lost device steps");
            require(nr_cuda_queue_wait(fresh) == NR_CUDA_E_LOST, "a lost device is waited for");
            nr_cuda_queue_free(fresh);
            the_gpu().lose();
            gpu::forgive();
            return;
        }
        gpu::forgive();
        require(nr_cuda_queue_free(fresh) == NR_OK, "the queue is not freed after a failure");
    }

    /* ---- everything else ----------------------------------------------------------------------------------------- */

    void accumulate() {
        const int32_t type = in_.likely({int32_t(NR_FLOAT32), int32_t(NR_FLOAT64)});
        const int64_t n = extent(200);
        if (n > int64_t(guarded::room / 8)) {
            ++counts.left_out;
            return;
        }
        void *gradient = array(n < 0 ? 0 : n, type);
        void *sum = array(n < 0 ? 0 : n, type);
        const std::vector<uint8_t> before = memory.snapshot();
        const nr_status expected = nr_accumulate(type, NR_ISA_AUTO, n, gradient, sum);
        const std::vector<uint8_t> wanted = memory.snapshot();
        memory.restore(before);
        nr_cuda_queue *q = queue();
        expect(q == nullptr ? status_of(NR_E_NULL) : expected, nr_cuda_accumulate(q, type, n, gradient, sum),
               "accumulating ends otherwise than on the processor");
        finish();
        compare(q == nullptr ? before : wanted, "other sums than the processor's");
    }

    void copy() {
        const int64_t n = in_.below(200);
        const int64_t bytes = in_.wrong_in(4) ? -1 - int64_t(in_.raw<uint32_t>()) : n;
        auto *from = static_cast<uint8_t *>(in_.wrong_in(8) ? nullptr : numbers(n, NR_FLOAT32));
        auto *to = static_cast<uint8_t *>(in_.wrong_in(8) ? nullptr : numbers(n, NR_FLOAT32));
        const bool clears = in_.one_in(3);
        nr_cuda_queue *q = queue();
        const bool has_arrays = to != nullptr && (clears || from != nullptr);
        const nr_status expected = q == nullptr               ? status_of(NR_E_NULL)
                                   : bytes < 0                ? status_of(NR_E_LENGTH)
                                   : bytes > 0 && !has_arrays ? status_of(NR_E_NULL)
                                                              : status_of(NR_OK);
        const std::vector<uint8_t> before = memory.snapshot();
        if (expected == NR_OK && bytes > 0 && clears)
            std::memset(to, 0, size_t(bytes));
        else if (expected == NR_OK && bytes > 0)
            std::memcpy(to, from, size_t(bytes));
        const std::vector<uint8_t> wanted = memory.snapshot();
        memory.restore(before);
        expect(expected, clears ? nr_cuda_clear(q, to, bytes) : nr_cuda_copy(q, to, from, bytes), "copying ends in");
        finish();
        compare(wanted, "other bytes than those that were copied");
    }

    void own_memory() {
        const int64_t bytes = in_.likely({int64_t(0), int64_t(1), int64_t(255), int64_t(65536)},
                                         {int64_t(-1), int64_t(1) << 40, std::numeric_limits<int64_t>::max()});
        if (bytes > 65536 && bytes < int64_t(1) << 40) {
            ++counts.left_out;
            return;
        }
        const bool on_host = in_.one_in(3);
        nr_cuda_device *d = device();
        void *got = &got;
        void **place = in_.wrong_in(16) ? nullptr : &got;
        const nr_status expected = d == nullptr || place == nullptr ? status_of(NR_E_NULL)
                                   : bytes < 0                      ? status_of(NR_E_LENGTH)
                                   : bytes > 65536                  ? status_of(NR_CUDA_E_MEMORY)
                                                                    : status_of(NR_OK);
        if (!expect(expected, on_host ? nr_cuda_allocate_host(d, bytes, place) : nr_cuda_allocate(d, bytes, place),
                    "allocating ends in")) {
            require(d == nullptr || place == nullptr || got == nullptr, "what was refused is no null");
            return;
        }
        const auto offset = int64_t(in_.below(255)), length = extent(200);
        const nr_status whose = length < 0                           ? status_of(NR_E_LENGTH)
                                : length == 0                        ? status_of(NR_OK)
                                : bytes == 0                         ? status_of(NR_CUDA_E_POINTER)
                                : on_host || length > bytes - offset ? status_of(NR_CUDA_E_POINTER)
                                                                     : status_of(NR_OK);
        void *inside =
            bytes == 0 ? memory.allocate(8, arrays::content::exact, fill_) : static_cast<char *>(got) + offset;
        expect(whose, nr_cuda_check_memory(d, inside, length), "looking whose memory it is ends in");
        expect(length < 0    ? status_of(NR_E_LENGTH)
               : length == 0 ? status_of(NR_OK)
                             : status_of(NR_E_NULL),
               nr_cuda_check_memory(d, nullptr, length), "looking whose memory null is ends in");
        void *strange = memory.allocate(8, arrays::content::exact, fill_);
        expect(NR_CUDA_E_CALL, on_host ? nr_cuda_free_host(d, strange) : nr_cuda_free(d, strange),
               "freeing what was not allocated ends in");
        expect(NR_OK, on_host ? nr_cuda_free_host(d, got) : nr_cuda_free(d, got), "freeing ends in");
    }

    void queues() {
        nr_cuda_device *d = device();
        nr_cuda_queue *made = nullptr;
        nr_cuda_queue **place = in_.wrong_in(8) ? nullptr : &made;
        const bool adopts = in_.one_in(2);
        void *stream = nullptr;
        expect(NR_E_NULL, nr_cuda_queue_stream(nullptr, &stream), "the stream of no queue");
        expect(NR_E_NULL, nr_cuda_queue_stream(the_gpu().queue(), nullptr), "a stream to nowhere");
        expect(NR_OK, nr_cuda_queue_stream(the_gpu().queue(), &stream), "the stream of a queue");
        if (!expect(d == nullptr || place == nullptr ? status_of(NR_E_NULL) : status_of(NR_OK),
                    adopts ? nr_cuda_queue_adopt(d, stream, place) : nr_cuda_queue_create(d, place),
                    "making a queue ends in"))
            return;
        nr_cuda_queue *first = queue(), *second = in_.wrong_in(8) ? nullptr : made;
        void *array = numbers(1 + in_.below(50), NR_FLOAT64);
        expect(NR_OK, nr_cuda_clear(made, array, 8), "clearing ends in");
        expect(first == nullptr || second == nullptr ? status_of(NR_E_NULL) : status_of(NR_OK),
               nr_cuda_queue_follow(first, second), "following ends in");
        int32_t skipped = -1;
        expect(second == nullptr ? status_of(NR_E_NULL) : status_of(NR_OK), nr_cuda_outcome(second, &skipped),
               "the outcome of no step");
        require(second == nullptr || skipped == 0, "a step that was none has been skipped");
        expect(NR_E_NULL, nr_cuda_outcome(made, nullptr), "an outcome to nowhere");
        expect(second == nullptr ? status_of(NR_E_NULL) : status_of(NR_OK), nr_cuda_queue_wait(second),
               "waiting ends in");
        expect(NR_OK, nr_cuda_queue_free(made), "freeing a queue ends in");
        expect(NR_OK, nr_cuda_queue_free(nullptr), "freeing no queue ends in");
        const double zero = 0.0;
        require(std::memcmp(array, &zero, sizeof zero) == 0, "what was under way is lost with its queue");
    }

    void kernels_of_the_caller() {
        const char *const programs[] = {
            ".version 6.3\n.target sm_70\n.address_size 64\n.visible .entry fill(\n.param .u64 to,\n.param .f32 "
            "value\n)\n{\n"
            "mov.u32 %r1, %tid.x;\nmul.wide.u32 %rd1, %r1, 4;\nld.param.u64 %rd2, [to];\nadd.s64 %rd3, %rd2, %rd1;\n"
            "ld.param.f32 %f1, [value];\nst.global.f32 [%rd3], %f1;\nret;\n}\n",
            "nonsense", "", nullptr};
        const unsigned program = in_.wrong_in(2) ? 1 + in_.below(3) : 0;
        nr_cuda_device *d = device();
        nr_cuda_module *module = nullptr;
        nr_cuda_module **place = in_.wrong_in(16) ? nullptr : &module;
        const int64_t capacity = in_.likely({int64_t(64), int64_t(0), int64_t(1)}, {int64_t(-1)});
        char *message = room_for_text(capacity);
        const bool misses = d == nullptr || place == nullptr || programs[program] == nullptr;
        if (!expect(misses         ? status_of(NR_E_NULL)
                    : program != 0 ? status_of(NR_CUDA_E_CALL)
                                   : status_of(NR_OK),
                    nr_cuda_module_load(d, programs[program], place, message, capacity), "loading a module ends in"))
            return;
        nr_cuda_kernel *kernel = nullptr;
        expect(NR_E_NULL, nr_cuda_module_kernel(module, nullptr, &kernel), "a kernel without a name");
        expect(NR_CUDA_E_CALL, nr_cuda_module_kernel(module, "other", &kernel), "a kernel that is not there");
        expect(NR_OK, nr_cuda_module_kernel(module, "fill", &kernel), "a kernel");
        const auto blocks = in_.likely({int64_t(1), int64_t(3), int64_t(0)},
                                       {int64_t(-1), int64_t(1) << 31, std::numeric_limits<int64_t>::min()});
        const auto threads = in_.likely({1, 40, 256}, {0, -1, 1025});
        void *to = nullptr;
        require(nr_cuda_allocate(d, 4096, &to) == NR_OK, "there is no memory");
        float value = 2.5f;
        void *arguments[] = {&to, &value};
        const bool is_valid = blocks >= 0 && blocks <= INT32_MAX && threads >= 1 && threads <= 1024;
        /* Of the many blocks that may be, each would be interpreted. */
        const int64_t few = is_valid ? blocks % 8 : blocks;
        nr_cuda_queue *q = queue();
        nr_cuda_kernel *k = in_.wrong_in(8) ? nullptr : kernel;
        expect(q == nullptr || k == nullptr ? status_of(NR_E_NULL)
               : is_valid                   ? status_of(NR_OK)
                                            : status_of(NR_E_LENGTH),
               nr_cuda_launch(q, k, few, threads, arguments), "launching ends in");
        expect(NR_OK, nr_cuda_module_free(module), "freeing a module ends in");
        expect(NR_OK, nr_cuda_module_free(nullptr), "freeing no module ends in");
        expect(NR_OK, nr_cuda_free(d, to), "freeing ends in");
    }

    char *room_for_text(int64_t capacity) {
        const int64_t size = capacity < 0 ? 0 : std::min<int64_t>(capacity, 512);
        return capacity > 512 ? nullptr
                              : static_cast<char *>(memory.allocate(size_t(size), arrays::content::exact, fill_));
    }

    static void require_text(const char *message, int64_t capacity) {
        if (message != nullptr && capacity > 0)
            require(std::memchr(message, 0, size_t(capacity)) != nullptr, "a message without an end");
    }

    /* What only answers. */
    void describe() {
        const int32_t a = in_.likely({0, 1, 3, 8, 100, 105, 106, -1});
        const int32_t b = in_.likely({-1, 0, 1, 5, 6, 20});
        require(nr_cuda_status_name(a) != nullptr && nr_cuda_status_text(a) != nullptr, "a status has no name or text");
        require(nr_cuda_layout(a, b) >= -1 && nr_cuda_layout(a, b) <= int64_t(sizeof(nr_cuda_about)),
                "a layout that cannot be");
        require(nr_cuda_abi_version() == NR_CUDA_ABI_VERSION, "another contract");
        nr_cuda_device *d = device();
        auto *about = static_cast<nr_cuda_about *>(
            in_.wrong_in(8) ? nullptr : memory.allocate(sizeof(nr_cuda_about), arrays::content::exact, fill_));
        expect(d == nullptr || about == nullptr ? status_of(NR_E_NULL) : status_of(NR_OK), nr_cuda_describe(d, about),
               "describing ends in");
        auto *kernel = static_cast<nr_cuda_kernel_about *>(
            in_.wrong_in(8) ? nullptr : memory.allocate(sizeof(nr_cuda_kernel_about), arrays::content::exact, fill_));
        const nr_status status = known(nr_cuda_describe_kernel(d, b, kernel));
        require(d == nullptr || kernel == nullptr ? status == NR_E_NULL
                : b < 0                           ? status == NR_E_LENGTH
                                                  : status == NR_OK || (b > 1 && status == NR_E_LENGTH),
                "describing a kernel");
        const int64_t capacity = in_.likely({int64_t(64), int64_t(0), int64_t(1)}, {int64_t(-1)});
        char *message = room_for_text(capacity);
        expect(d == nullptr ? status_of(NR_E_NULL) : status_of(NR_OK), nr_cuda_failure(d, message, capacity),
               "asking for the failure ends in");
        if (d != nullptr)
            require_text(message, capacity);
        expect(d == nullptr ? status_of(NR_E_NULL) : status_of(NR_OK), nr_cuda_enter(d), "entering ends in");
        expect(d == nullptr ? status_of(NR_E_NULL) : status_of(NR_OK), nr_cuda_leave(d), "leaving ends in");
        require(memory.are_intact(), "bytes before an array have changed");
    }

    /* The driver that was opened first stays, whatever is asked for. */
    void open() {
        const int32_t ordinal = in_.sound ? 0 : in_.likely({1, -1, 7, std::numeric_limits<int32_t>::max()});
        nr_cuda_device *another = nullptr;
        const bool has_place = !in_.wrong_in(4);
        const int64_t capacity = in_.likely({int64_t(64), int64_t(0), int64_t(1)}, {int64_t(-1)});
        char *message = room_for_text(capacity);
        the_gpu().device();
        expect(!has_place     ? status_of(NR_E_NULL)
               : ordinal != 0 ? status_of(NR_CUDA_E_DEVICE)
                              : status_of(NR_OK),
               nr_cuda_open("nowhere", ordinal, has_place ? &another : nullptr, message, capacity), "opening ends in");
        if (has_place)
            require_text(message, capacity);
        require((another != nullptr) == (has_place && ordinal == 0), "a device that was refused");
        expect(NR_OK, nr_cuda_close(another), "closing ends in");
        require(memory.are_intact(), "bytes before an array have changed");
    }
};

} // namespace

void call(const uint8_t *data, size_t size) {
    ++counts.inputs;
    cuda_call(bytes(data, size)).run();
    if (device::standin_violations() != 0)
        fail("memory changed hands while the device was using it");
}

} // namespace fuzz
