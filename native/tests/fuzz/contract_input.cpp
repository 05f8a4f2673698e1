#include "contract_input.h"
#include "guarded_memory.h"
#include "nativeranger.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <vector>

namespace fuzz {
namespace {

tally counts;

[[noreturn]] void fail(const char *what, int32_t isa) {
    std::fprintf(stderr, "contract fuzzer: %s (isa %d)\n", what, isa);
    abort();
}

/* The bytes of an input, and zeros after them. */
class bytes {
public:
    bytes(const uint8_t *data, size_t size) : at_(data), end_(data + size) {}

    uint8_t byte() { return at_ < end_ ? *at_++ : uint8_t(0); }

    template <class V>
    V raw() {
        uint8_t all[sizeof(V)];
        for (uint8_t &b : all)
            b = byte();
        V value;
        std::memcpy(&value, all, sizeof value);
        return value;
    }

    unsigned below(unsigned count) { return byte() % count; }
    bool one_in(unsigned count) { return below(count) == count - 1; }

    /* One of the likely values, or anything at all unless the call is to be sound. */
    template <class V, size_t N>
    V likely(const V (&values)[N]) {
        const unsigned which = byte();
        return which >= 248 && !sound ? raw<V>() : values[which % N];
    }

    /* One of the values that the contract allows; unless the call is to be sound, also one that it may refuse. */
    template <class V, size_t N, size_t M>
    V likely(const V (&allowed)[N], const V (&refused)[M]) {
        const unsigned which = byte();
        if (sound || which < 192)
            return allowed[which % N];
        return which >= 248 ? raw<V>() : refused[which % M];
    }

    /* Whether something is to be wrong here: never in a call that is to be sound. */
    bool wrong_in(unsigned count) { return !sound && one_in(count); }

    /* Most calls are as the contract wants them: of arbitrary ones hardly any gets past the checks. */
    bool sound = false;

private:
    const uint8_t *at_;
    const uint8_t *end_;
};

/* The elements of the arrays: a generator, since an input of thousands of bytes would be slow to change. */
class elements {
public:
    explicit elements(uint64_t seed) : state_(seed) {}

    template <class T>
    T next() {
        const uint64_t r = bits();
        using limits = std::numeric_limits<T>;
        const T specials[] = {T(0),
                              -T(0),
                              limits::denorm_min(),
                              limits::min(),
                              limits::max(),
                              limits::infinity(),
                              limits::quiet_NaN(),
                              T(1e-30),
                              T(1e30),
                              T(-1)};
        if (hostile && r % 16 == 0)
            return specials[(r >> 8) % 10];
        return T(std::ldexp(double(int64_t(r >> 40)) - 0x1p23, int((r >> 4) % 12) - 30));
    }

    bool hostile = false;

private:
    uint64_t bits() {
        state_ += 0x9e3779b97f4a7c15u;
        uint64_t z = (state_ ^ (state_ >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    uint64_t state_;
};

/* Every array of a call. Slots are kept from call to call. */
class arrays {
public:
    enum class content { exact, float32, float64 };

    void clear() { used_ = 0; }

    /* Zeroed, or the elements of a type. */
    void *allocate(size_t size, content what, elements &fill) {
        if (used_ == slots_.size())
            slots_.push_back({std::make_unique<guarded>(), what});
        slot &s = slots_[used_++];
        s.what = what;
        uint8_t *begin = s.memory->allocate(size);
        if (what == content::float32)
            write<float>(begin, size, fill);
        else if (what == content::float64)
            write<double>(begin, size, fill);
        else
            std::memset(begin, 0, size);
        return begin;
    }

    std::vector<uint8_t> snapshot() const {
        std::vector<uint8_t> all;
        for (size_t i = 0; i < used_; ++i)
            all.insert(all.end(), slots_[i].memory->begin(), slots_[i].memory->begin() + slots_[i].memory->size());
        return all;
    }

    void restore(const std::vector<uint8_t> &all) {
        const uint8_t *from = all.data();
        for (size_t i = 0; i < used_; ++i) {
            const guarded &memory = *slots_[i].memory;
            if (memory.size() != 0)
                std::memcpy(memory.begin(), from, memory.size());
            from += memory.size();
        }
    }

    /* Equal bits, where any NaN equals any other. */
    bool same(const std::vector<uint8_t> &a, const std::vector<uint8_t> &b) const {
        size_t at = 0;
        for (size_t i = 0; i < used_; ++i) {
            const size_t size = slots_[i].memory->size();
            const uint8_t *x = a.data() + at, *y = b.data() + at;
            if (!(slots_[i].what == content::float32   ? same_numbers<float>(x, y, size)
                  : slots_[i].what == content::float64 ? same_numbers<double>(x, y, size)
                                                       : size == 0 || std::memcmp(x, y, size) == 0))
                return false;
            at += size;
        }
        return true;
    }

    bool are_intact() const {
        for (size_t i = 0; i < used_; ++i)
            if (!slots_[i].memory->is_intact())
                return false;
        return true;
    }

private:
    struct slot {
        std::unique_ptr<guarded> memory;
        content what;
    };

    template <class T>
    static void write(uint8_t *to, size_t size, elements &fill) {
        for (size_t i = 0; i + sizeof(T) <= size; i += sizeof(T)) {
            const T value = fill.next<T>();
            std::memcpy(to + i, &value, sizeof value);
        }
    }

    template <class T>
    static bool same_numbers(const uint8_t *a, const uint8_t *b, size_t size) {
        for (size_t i = 0; i + sizeof(T) <= size; i += sizeof(T)) {
            T x, y;
            std::memcpy(&x, a + i, sizeof x);
            std::memcpy(&y, b + i, sizeof y);
            if (std::memcmp(&x, &y, sizeof x) != 0 && !(std::isnan(x) && std::isnan(y)))
                return false;
        }
        return true;
    }

    std::vector<slot> slots_;
    size_t used_ = 0;
};

arrays memory;

/* Modulo 2^64, since extents may be anything. */
int64_t times(int64_t a, int64_t b) { return int64_t(uint64_t(a) * uint64_t(b)); }

constexpr double infinity = std::numeric_limits<double>::infinity();

/* One call: what it is made of lies in guarded memory too. */
class contract_call {
public:
    explicit contract_call(bytes in) : in_(in), fill_(in_.raw<uint64_t>()) {
        memory.clear();
        fill_.hostile = in_.one_in(3);
        in_.sound = !in_.one_in(4);
    }

    void run() {
        switch (in_.below(16)) {
        case 0:
            return reduce();
        case 1:
            return accumulate();
        case 2:
            return describe();
        case 3:
            return row_statistics();
        case 4:
            return square_sums();
        case 5:
            return gradient_sums();
        default:
            return step();
        }
    }

private:
    template <class V>
    V *guarded_copy(const V *values, size_t count) {
        V *to = static_cast<V *>(memory.allocate(count * sizeof(V), arrays::content::exact, fill_));
        if (count != 0)
            std::memcpy(to, values, count * sizeof(V));
        return to;
    }

    void *numbers(int64_t count, int32_t type) {
        const bool wide = type == NR_FLOAT64;
        return memory.allocate(size_t(count) * (wide ? 8 : 4),
                               wide ? arrays::content::float64 : arrays::content::float32, fill_);
    }

    /* Mostly an array; now and then null, or the one before. */
    void *array(int64_t count, int32_t type) {
        const unsigned which = in_.sound ? 0 : in_.byte();
        if (which >= 252)
            return which == 252 && last_ != nullptr && count <= last_count_ ? last_ : nullptr;
        last_count_ = count;
        return last_ = numbers(count, type);
    }

    static uint32_t flags_of(int32_t algorithm) {
        switch (algorithm) {
        case NR_SGD:
            return NR_NESTEROV | NR_CENTRALISE_UPDATE | NR_ZERO_GRADIENT;
        case NR_ADAGRAD:
            return NR_CENTRALISE_UPDATE | NR_ZERO_GRADIENT;
        case NR_ADAM:
            return NR_AMSGRAD | NR_DECOUPLED_DECAY | NR_CENTRALISE_UPDATE | NR_ZERO_GRADIENT;
        case NR_RADAM:
            return NR_DECOUPLED_DECAY | NR_SKIP_UNRECTIFIED | NR_CENTRALISE_UPDATE | NR_ZERO_GRADIENT;
        default:
            return NR_ZERO_GRADIENT;
        }
    }

    nr_follower follower(const nr_options &o) {
        nr_follower f = {};
        f.weight = in_.likely({0.5, 0.8, 1.0, 0.0}, {-0.0, 1.5});
        f.flags = in_.likely({0u, 1u, 3u, 5u}, {7u, 2u, 4u, 8u});
        if (in_.sound && (f.flags & NR_FOLLOWER_PULLBACK) != 0 && !(o.algorithm == NR_SGD && o.beta1 != 0.0))
            f.flags = NR_FOLLOWER_LEADS;
        f.reserved = in_.wrong_in(64) ? in_.raw<uint32_t>() : 0;
        return f;
    }

    nr_options *options() {
        nr_options o = {};
        o.struct_size = in_.wrong_in(64) ? in_.raw<uint32_t>() : uint32_t(sizeof o);
        type_ = in_.likely({int32_t(NR_FLOAT32), int32_t(NR_FLOAT64)});
        o.type = type_;
        o.algorithm = in_.likely({1, 2, 3, 4, 5});
        isa_ = in_.wrong_in(64) ? in_.raw<int32_t>() : int32_t(NR_ISA_AUTO);
        o.learning_rate = in_.likely({1e-3, 0.1, 0.0}, {-0.0, 1e300});
        o.beta1 = in_.likely({0.9, 0.5, 0.0, 0.999999999}, {1.0});
        o.beta2 = in_.likely({0.999, 0.9, 0.5, 0.0, 0.6}, {1.0});
        o.epsilon = in_.likely({1e-8, 1e-5, 0.1}, {1e-60, 5e-324, 0.0});
        o.weight_decay = in_.likely({0.0, 0.01, 0.5}, {1e300, -0.0});
        o.dampening = in_.likely({0.0, 0.0, 0.25, 1.0});
        o.rate_decay = in_.likely({0.0, 0.1, 1e300});
        o.initial_accumulator = in_.likely({0.0, 0.25, 1e300});
        o.threshold = in_.likely({5.0, 4.0, 1e300}, {3.9});
        o.gradient_scale = in_.likely({1.0, 1.0, 0.25}, {0.0, -1.0});
        o.clip_value = in_.likely({infinity, infinity, 0.5}, {0.0, 1e-320});
        o.clip_factor = in_.likely({1.0, 1.0, 0.7, 0.0});
        o.adaptive_clip = in_.likely({0.0, 0.0, 0.01, 1e300});
        o.standardise_epsilon = in_.likely({1e-5, 1e-8}, {1e-60});
        o.seed_alpha = in_.likely({0.5, 0.0, 1.0});
        o.seed_period = in_.likely({int64_t(6), int64_t(1), std::numeric_limits<int64_t>::max()}, {int64_t(0)});
        o.working_set = in_.likely({int64_t(0), int64_t(1) << 40}, {int64_t(-1)});
        o.flags = in_.likely({0u, 0u, 1u, 2u, 4u, 6u, 8u, 12u, 16u, 20u, 32u, 36u, 63u});
        if (in_.sound) {
            o.flags &= flags_of(o.algorithm);
            if (o.beta1 == 0.0 || o.dampening != 0.0)
                o.flags &= ~uint32_t(NR_NESTEROV);
        }
        o.follower_count = in_.likely({0, 0, 1, 2, 3, 64});
        nr_follower followers[64] = {};
        for (int i = 0; i < 64 && i < o.follower_count; ++i)
            followers[i] = follower(o);
        const bool fits = o.follower_count >= 0 && o.follower_count <= 64;
        o.followers = in_.wrong_in(64) ? nullptr : guarded_copy(followers, fits ? size_t(o.follower_count) : 0);
        options_ = guarded_copy(&o, 1);
        return options_;
    }

    int64_t extent(unsigned most) {
        const unsigned which = in_.byte();
        if (which >= 250 && !in_.sound)
            return in_.raw<int64_t>();
        return int64_t(which % (most + 1));
    }

    /* The elements from the first to the last, 0 where the extents are no extents, and -1 where there is no room. */
    static int64_t span(const nr_tensor &t) {
        if (t.outer < 0 || t.rows < 0 || t.inner < 0 || t.stride < 0)
            return 0;
        if (t.outer == 0 || t.rows == 0 || t.inner == 0)
            return 0;
        int64_t block, gaps, all, reach;
        if (__builtin_mul_overflow(t.rows, t.inner, &block) || __builtin_mul_overflow(t.outer - 1, t.stride, &gaps) ||
            __builtin_add_overflow(gaps, block, &all) || __builtin_mul_overflow(block, t.outer, &reach) ||
            __builtin_mul_overflow(all, 8, &reach))
            return 0;
        return all <= int64_t(guarded::room / 8) ? all : -1;
    }

    /* False where there is no room. */
    bool tensor(nr_tensor &t) {
        t = {};
        last_ = nullptr; // tensors of one call may not share memory
        const bool is_column_major = in_.one_in(4);
        t.outer = is_column_major ? extent(40) : in_.one_in(32) ? extent(3) : 1;
        t.rows = in_.one_in(3) ? extent(33) : 1;
        t.inner = is_column_major ? 1 : times(extent(in_.one_in(8) ? 250 : 40), in_.one_in(16) ? 20 : 1);
        t.stride = t.outer == 1 || !in_.one_in(8) ? times(t.rows, t.inner) : extent(120);
        t.flags = in_.likely({0u, 0u, 1u, 2u}, {3u, 4u});
        if (in_.sound) {
            t.stride = std::max(t.stride, t.rows * t.inner);
            if (options_->algorithm == NR_SEED_RANGER)
                t.stride = t.rows * t.inner;
            if (t.outer * t.inner < 2)
                t.flags = 0;
        }
        const int64_t n = span(t);
        if (n < 0 || t.rows > int64_t(guarded::room / sizeof(nr_row)))
            return false;
        t.parameter = array(n, type_);
        t.gradient = in_.one_in(8) ? nullptr : array(n, type_);
        for (void *&s : t.state)
            s = array(n, type_);
        const int32_t count = options_->follower_count;
        if (count > 0 && count <= 64 && !in_.wrong_in(16)) {
            nr_follower_buffers buffers[64] = {};
            for (int i = 0; i < count && i < 3; ++i)
                buffers[i] = {array(n, type_), array(n, type_)};
            t.followers = guarded_copy(buffers, size_t(count));
        }
        const double start[4] = {in_.likely({0.0, 1e-3, 1e9}), in_.likely({0.0, 1e-3}), in_.likely({0.0, 1.0, 7.0}),
                                 in_.likely({0.0, 1.0})};
        if (!in_.wrong_in(16)) {
            t.scalars = static_cast<double *>(memory.allocate(sizeof start, arrays::content::float64, fill_));
            std::memcpy(t.scalars, start, sizeof start);
        }
        if (in_.one_in(8) && t.rows >= 0)
            t.row_values = static_cast<nr_row *>(
                memory.allocate(size_t(t.rows) * sizeof(nr_row), arrays::content::float64, fill_));
        t.step = in_.likely({int64_t(1), int64_t(2), int64_t(6), int64_t(7), int64_t(1) << 40}, {int64_t(0)});
        t.active = in_.likely({uint64_t(0), uint64_t(1), uint64_t(2), uint64_t(3), uint64_t(7)});
        if (in_.sound && count < 64)
            t.active &= (uint64_t(1) << count) - 1;
        t.reserved = in_.wrong_in(64) ? in_.raw<uint32_t>() : 0;
        return true;
    }

    /* Null where there is no room for one of them. */
    nr_tensor *tensors(int64_t &count) {
        nr_tensor all[3];
        unsigned made = in_.below(4);
        for (unsigned i = 0; i < made; ++i)
            if (!tensor(all[i])) {
                ++counts.left_out;
                return nullptr;
            }
        count = in_.wrong_in(64) ? -1 - int64_t(in_.byte()) : int64_t(made);
        return guarded_copy(all, made);
    }

    void step() {
        options();
        int64_t count = 0;
        if (nr_tensor *t = tensors(count))
            on_every_isa([=] { return nr_step(options_, count, t); });
    }

    void row_statistics() {
        options();
        int64_t count = 0;
        nr_tensor *t = tensors(count);
        if (t == nullptr)
            return;
        nr_row *rows[3] = {};
        for (int64_t i = 0; i < count; ++i)
            rows[i] =
                in_.wrong_in(16)
                    ? nullptr
                    : static_cast<nr_row *>(memory.allocate(size_t(t[i].rows < 0 ? 0 : t[i].rows) * sizeof(nr_row),
                                                            arrays::content::float64, fill_));
        nr_row *const *list = guarded_copy(rows, count < 0 ? 0 : size_t(count));
        on_every_isa([=] { return nr_row_statistics(options_, count, t, list); });
    }

    /* Room for the sums of every block of every gradient; null where it may be, or where something is to be wrong. */
    double *const *block_sums(const nr_tensor *t, int64_t count) {
        double *sums[3] = {};
        for (int64_t i = 0; i < count; ++i)
            sums[i] =
                in_.wrong_in(16) ? nullptr : static_cast<double *>(numbers((span(t[i]) + 4095) / 4096, NR_FLOAT64));
        return guarded_copy(sums, count < 0 ? 0 : size_t(count));
    }

    void square_sums() {
        options();
        int64_t count = 0;
        nr_tensor *t = tensors(count);
        if (t == nullptr)
            return;
        double *const *sums = in_.one_in(8) ? nullptr : block_sums(t, count);
        int32_t *nonfinite =
            in_.wrong_in(16) ? nullptr : static_cast<int32_t *>(memory.allocate(4, arrays::content::exact, fill_));
        const double scale = in_.likely({1.0, 0x1p-600, 0.0, -1.0});
        on_every_isa([=] { return nr_square_sums(options_, count, t, scale, sums, nonfinite); });
    }

    void gradient_sums() {
        options();
        int64_t count = 0;
        nr_tensor *t = tensors(count);
        if (t == nullptr)
            return;
        if (in_.sound) {
            options_->adaptive_clip = 0;
            for (int64_t i = 0; i < count; ++i) {
                t[i].inner *= t[i].outer * t[i].rows;
                t[i].outer = t[i].rows = 1;
            }
        }
        double *const *sums = block_sums(t, count);
        on_every_isa([=] { return nr_gradient_sums(options_, count, t, sums); });
    }

    void reduce() {
        const int64_t n = times(extent(100), in_.one_in(8) ? 60 : 1);
        if (n > int64_t(guarded::room / 8)) {
            ++counts.left_out;
            return;
        }
        double *sums = in_.wrong_in(16) ? nullptr : static_cast<double *>(numbers(n < 0 ? 0 : n, NR_FLOAT64));
        double *result = in_.wrong_in(16) ? nullptr : static_cast<double *>(numbers(1, NR_FLOAT64));
        on_every_isa([=] { return nr_reduce(n, sums, result); });
    }

    void accumulate() {
        const int32_t type = in_.likely({int32_t(NR_FLOAT32), int32_t(NR_FLOAT64)});
        isa_ = in_.wrong_in(16) ? in_.raw<int32_t>() : int32_t(NR_ISA_AUTO);
        const int64_t n = extent(200);
        if (n > int64_t(guarded::room / 8)) {
            ++counts.left_out;
            return;
        }
        void *gradient = array(n < 0 ? 0 : n, type);
        void *sum = array(n < 0 ? 0 : n, type);
        on_every_isa([=] { return nr_accumulate(type, accumulate_isa_, n, gradient, sum); });
    }

    /* What only answers: never null where the contract says so, whatever is asked. */
    void describe() {
        const int32_t a = in_.likely({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1});
        const int32_t b = in_.likely({-1, 0, 1, 5, 20, 30});
        if (nr_status_name(a) == nullptr || nr_status_text(a) == nullptr)
            fail("a status has no name or text", 0);
        if (nr_layout(a, b) < -1 || nr_layout(a, b) > int64_t(sizeof(nr_options)))
            fail("a layout that cannot be", 0);
        if (nr_isa_available(a) != 0 && nr_isa_name(a) == nullptr)
            fail("an instruction set without a name", 0);
    }

    template <class F>
    void on_every_isa(F f) {
        const std::vector<uint8_t> before = memory.snapshot();
        if (isa_ != NR_ISA_AUTO) {
            check(f, isa_, before);
            return;
        }
        nr_status first = NR_OK;
        std::vector<uint8_t> wanted;
        for (int32_t isa = NR_ISA_SCALAR; isa < NR_ISA_COUNT; ++isa) {
            if (!nr_isa_available(isa))
                continue;
            const nr_status status = check(f, isa, before);
            const std::vector<uint8_t> got = without_isa(memory.snapshot());
            if (isa == NR_ISA_SCALAR) {
                first = status;
                wanted = got;
                ++(status == NR_OK ? counts.succeeded : counts.refused);
            } else if (status != first)
                fail("another status than scalar", isa);
            else if (!memory.same(wanted, got))
                fail("other bits than scalar", isa);
        }
    }

    template <class F>
    nr_status check(F f, int32_t isa, const std::vector<uint8_t> &before) {
        memory.restore(before);
        accumulate_isa_ = isa;
        if (options_ != nullptr)
            options_->isa = isa;
        const std::vector<uint8_t> start = memory.snapshot();
        const nr_status status = f();
        if (!memory.are_intact())
            fail("bytes before an array have changed", isa);
        if (nr_status_name(status) == nullptr || status < NR_OK || status > NR_E_TYPE)
            fail("a status that does not exist", isa);
        if (status != NR_OK && memory.snapshot() != start)
            fail("a refused call has written", isa);
        if (status == NR_OK && isa != NR_ISA_AUTO && !nr_isa_available(isa))
            fail("an instruction set that is not there has run", isa);
        return status;
    }

    /* Snapshots of different instruction sets, but for the option that names them. */
    std::vector<uint8_t> without_isa(std::vector<uint8_t> all) {
        if (options_ != nullptr) {
            const int32_t isa = options_->isa;
            options_->isa = NR_ISA_AUTO;
            all = memory.snapshot();
            options_->isa = isa;
        }
        return all;
    }

    bytes in_;
    elements fill_;
    nr_options *options_ = nullptr;
    int32_t type_ = NR_FLOAT32;
    int32_t isa_ = NR_ISA_AUTO;
    int32_t accumulate_isa_ = NR_ISA_AUTO;
    void *last_ = nullptr;
    int64_t last_count_ = 0;
};

} // namespace

void call(const uint8_t *data, size_t size) {
    ++counts.inputs;
    contract_call(bytes(data, size)).run();
}

const tally &tried() { return counts; }

} // namespace fuzz
