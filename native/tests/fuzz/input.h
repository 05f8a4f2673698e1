/* What calls are made of: the bytes of an input, and arrays in guarded memory that are filled from them. */
#ifndef NR_TESTS_FUZZ_INPUT_H
#define NR_TESTS_FUZZ_INPUT_H

#include "calls.h"
#include "guarded_memory.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <vector>

namespace fuzz {

[[noreturn]] inline void fail(const char *what, const char *detail = "") {
    std::fprintf(stderr, "fuzzer: %s %s\n", what, detail);
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

    uint64_t bits() {
        state_ += 0x9e3779b97f4a7c15u;
        uint64_t z = (state_ ^ (state_ >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

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

    /* Makes what is not numbers unreadable, or readable again. */
    void invert_exact() {
        for (size_t i = 0; i < used_; ++i)
            if (slots_[i].what == content::exact)
                for (size_t b = 0; b < slots_[i].memory->size(); ++b)
                    slots_[i].memory->begin()[b] ^= 0xff;
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

} // namespace fuzz

#endif
