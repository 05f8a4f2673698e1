#include "interpreter.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace standin {
namespace {

/* The values of one type behind the bits of a register. */
uint64_t cut(uint64_t bits, int bytes) { return bytes == 8 ? bits : bits & ((uint64_t{1} << (8 * bytes)) - 1); }

int64_t signed_value(uint64_t bits, int bytes) {
    const int shift = 64 - 8 * bytes;
    return static_cast<int64_t>(bits << shift) >> shift;
}

template <class F>
F real(uint64_t bits) {
    F x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

template <class F>
uint64_t bits_of(F x) {
    uint64_t bits = 0;
    std::memcpy(&bits, &x, sizeof x);
    return bits;
}

struct thread {
    std::vector<uint64_t> registers;
    size_t next = 0;
    bool done = false;
    operation waits_at = operation::finish; /* shuffle, barrier or warp_barrier while it waits */
};

/* Who has read and written four bytes of shared memory since the threads of the block last met. */
class shared_word {
public:
    /* False where another thread may come before or after: nothing orders the two. */
    bool access(uint32_t thread, uint64_t meetings, bool writes) {
        if (meetings_ != meetings)
            *this = {};
        meetings_ = meetings;
        const bool alone = writes ? is(writer_, thread) && is(reader_, thread) : is(writer_, thread);
        uint32_t &last = writes ? writer_ : reader_;
        last = last == nobody || last == thread ? thread : several;
        return alone;
    }

private:
    static constexpr uint32_t nobody = ~uint32_t{0};
    static constexpr uint32_t several = nobody - 1;

    static bool is(uint32_t known, uint32_t thread) { return known == nobody || known == thread; }

    uint64_t meetings_ = 0;
    uint32_t writer_ = nobody;
    uint32_t reader_ = nobody;
};

class machine {
public:
    machine(const kernel &k, uint32_t blocks, uint32_t threads, const std::string &arguments)
        : k_(k), blocks_(blocks), threads_(threads), arguments_(arguments) {}

    void run_block(uint32_t block) {
        block_ = block;
        /* What the block before has left there is nothing to rely on. */
        words_.assign(k_.shared_bytes / sizeof(uint32_t) + 1, {});
        shared_.assign((k_.shared_bytes + sizeof(access_unit) - 1) / sizeof(access_unit),
                       {{0xa5a5a5a5, 0xa5a5a5a5, 0xa5a5a5a5, 0xa5a5a5a5}});
        all_.assign(threads_, {});
        for (thread &t : all_)
            t.registers.assign(k_.register_words.size(), 0);
        for (bool any = true; any;) {
            any = false;
            for (uint32_t i = 0; i < threads_; ++i)
                if (!all_[i].done && all_[i].waits_at == operation::finish) {
                    run(i);
                    any = true;
                }
            any = release() || any;
        }
        for (const thread &t : all_)
            if (!t.done)
                fail("threads wait for each other for ever");
    }

private:
    static constexpr uint32_t warp = 32;

    /* As aligned as the widest access wants it. */
    struct alignas(16) access_unit {
        uint32_t words[4];
    };

    uint64_t value(const operand &o, uint32_t index) const {
        const thread &t = all_[index];
        switch (o.place) {
        case where::reg:
            return t.registers[o.value];
        case where::thread:
            return index;
        case where::threads:
            return threads_;
        case where::block:
            return block_;
        case where::blocks:
            return blocks_;
        case where::argument:
            return reinterpret_cast<uint64_t>(arguments_.data()) + o.value;
        case where::shared:
            return reinterpret_cast<uint64_t>(shared_.data()) + o.value;
        default:
            return o.value;
        }
    }

    void set(const operand &o, uint32_t index, uint64_t bits) { all_[index].registers[o.value] = bits; }

    void run(uint32_t index) {
        thread &t = all_[index];
        while (!t.done && t.waits_at == operation::finish) {
            const instruction &i = k_.code.at(t.next++);
            if (i.predicate >= 0 && (t.registers[static_cast<size_t>(i.predicate)] != 0) == i.negated)
                continue;
            execute(i, index);
        }
    }

    void access(const instruction &i, uint32_t index, bool load) {
        const operand &a = i.operands[load ? 0 : 1];
        const operand &m = i.operands[load ? 1 : 0];
        const auto bytes = static_cast<uint64_t>(i.result.bytes);
        const uint64_t count = a.place == where::vector ? a.parts.size() : 1;
        uint64_t address = m.base < 0 ? value(m, index) : all_[index].registers[static_cast<size_t>(m.base)] + m.value;
        if (address % (bytes * count) != 0)
            fail("misaligned: " + i.text);
        if (in_shared(address) ? i.memory == space::global : i.memory == space::shared)
            fail("not the memory that the instruction names: " + i.text);
        if (in_shared(address))
            check_shared(i, index, address, bytes * count, !load);
        else if (!in_arguments(address))
            check_access(address, bytes * count);
        for (uint64_t n = 0; n < count; ++n, address += bytes) {
            const operand &part = a.place == where::vector ? a.parts[n] : a;
            uint64_t bits = load ? 0 : value(part, index);
            if (load) {
                std::memcpy(&bits, reinterpret_cast<const void *>(address), bytes);
                if (i.result.of == kind::sign)
                    bits = static_cast<uint64_t>(signed_value(bits, i.result.bytes));
                set(part, index, bits);
            } else {
                std::memcpy(reinterpret_cast<void *>(address), &bits, bytes);
            }
        }
    }

    bool in_arguments(uint64_t address) const {
        return address - reinterpret_cast<uint64_t>(arguments_.data()) < arguments_.size();
    }

    bool in_shared(uint64_t address) const {
        return address - reinterpret_cast<uint64_t>(shared_.data()) < k_.shared_bytes;
    }

    void check_shared(const instruction &i, uint32_t index, uint64_t address, uint64_t bytes, bool writes) {
        if (!in_shared(address + bytes - 1))
            fail("beyond the shared memory: " + i.text);
        const uint64_t begin = address - reinterpret_cast<uint64_t>(shared_.data());
        for (uint64_t word = begin / sizeof(uint32_t); word * sizeof(uint32_t) < begin + bytes; ++word)
            if (!words_[word].access(index, meetings_, writes))
                fail("a race for shared memory: " + i.text);
    }

    void execute(const instruction &i, uint32_t index) {
        thread &t = all_[index];
        const auto get = [&](size_t n) { return value(i.operands[n], index); };
        switch (i.what) {
        case operation::load:
        case operation::store:
            access(i, index, i.what == operation::load);
            return;
        case operation::branch:
            t.next = i.target;
            return;
        case operation::finish:
            t.done = true;
            return;
        case operation::barrier:
        case operation::warp_barrier:
        case operation::shuffle:
            t.waits_at = i.what;
            --t.next; /* release() goes past it */
            return;
        case operation::move:
            move(i, index);
            return;
        case operation::address:
            set(i.operands[0], index, get(1));
            return;
        case operation::choose:
            set(i.operands[0], index, get(3) != 0 ? get(1) : get(2));
            return;
        case operation::compare:
            set(i.operands[0], index, compare(i, get(1), get(2)) ? 1 : 0);
            return;
        case operation::convert:
            set(i.operands[0], index, convert(i, get(1)));
            return;
        default:
            break;
        }
        const uint64_t a = get(1);
        const uint64_t b = i.operands.size() > 2 ? get(2) : 0;
        uint64_t result = 0;
        if (i.result.of == kind::real)
            result = i.result.bytes == 4 ? bits_of(calculate<float>(i, real<float>(a), real<float>(b)))
                                         : bits_of(calculate<double>(i, real<double>(a), real<double>(b)));
        else if (i.what == operation::multiply)
            result = product(i, a, b);
        else if (i.what == operation::multiply_add)
            result = cut(product(i, a, b) + get(3), i.modifier == "wide" ? 2 * i.result.bytes : i.result.bytes);
        else
            result = cut(calculate_bits(i, a, b), i.result.bytes);
        set(i.operands[0], index, i.result.of == kind::predicate ? result & 1 : result);
    }

    static uint64_t product(const instruction &i, uint64_t a, uint64_t b) {
        const int bytes = i.result.bytes;
        if (i.modifier == "lo")
            return cut(a * b, bytes);
        if (i.modifier != "wide")
            fail("unknown multiplication: " + i.text);
        return i.result.of == kind::sign ? static_cast<uint64_t>(signed_value(a, bytes) * signed_value(b, bytes))
                                         : cut(a, bytes) * cut(b, bytes);
    }

    void move(const instruction &i, uint32_t index) {
        const operand &to = i.operands[0];
        const operand &from = i.operands[1];
        const int half = i.result.bytes / 2;
        if (to.place == where::vector) {
            const uint64_t bits = value(from, index);
            set(to.parts[0], index, cut(bits, half));
            set(to.parts[1], index, bits >> (8 * half));
        } else if (from.place == where::vector) {
            set(to, index, cut(value(from.parts[0], index), half) | value(from.parts[1], index) << (8 * half));
        } else {
            set(to, index, cut(value(from, index), i.result.of == kind::predicate ? 8 : i.result.bytes));
        }
    }

    static bool ordered_result(const std::string &how, bool less, bool equal) {
        if (how == "eq")
            return equal;
        if (how == "ne")
            return !equal;
        if (how == "lt" || how == "lo")
            return less;
        if (how == "le" || how == "ls")
            return less || equal;
        if (how == "gt" || how == "hi")
            return !(less || equal);
        if (how == "ge" || how == "hs")
            return !less;
        fail("unknown comparison " + how);
    }

    template <class F>
    static bool compare_real(const std::string &how, F a, F b) {
        const bool unordered = std::isnan(a) || std::isnan(b);
        if (how.size() == 3 && how[2] == 'u')
            return unordered || ordered_result(how.substr(0, 2), a < b, a == b);
        return !unordered && ordered_result(how, a < b, a == b);
    }

    static bool compare(const instruction &i, uint64_t a, uint64_t b) {
        if (i.result.of == kind::real)
            return i.result.bytes == 4 ? compare_real(i.modifier, real<float>(a), real<float>(b))
                                       : compare_real(i.modifier, real<double>(a), real<double>(b));
        const int bytes = i.result.bytes;
        if (i.result.of == kind::sign) {
            const int64_t x = signed_value(a, bytes), y = signed_value(b, bytes);
            return ordered_result(i.modifier, x < y, x == y);
        }
        const uint64_t x = cut(a, bytes), y = cut(b, bytes);
        return ordered_result(i.modifier, x < y, x == y);
    }

    static uint64_t convert(const instruction &i, uint64_t a) {
        const type to = i.result, from = i.source;
        if (from.of == kind::real) {
            if (to.of != kind::real)
                fail("a conversion to integers: " + i.text);
            const double x = from.bytes == 4 ? double(real<float>(a)) : real<double>(a);
            return to.bytes == 4 ? bits_of(static_cast<float>(x)) : bits_of(x);
        }
        const int64_t x =
            from.of == kind::sign ? signed_value(a, from.bytes) : static_cast<int64_t>(cut(a, from.bytes));
        if (to.of != kind::real)
            return cut(static_cast<uint64_t>(x), to.bytes);
        if (from.of != kind::sign && from.bytes == 8)
            fail("a conversion of unsigned numbers: " + i.text);
        return to.bytes == 4 ? bits_of(static_cast<float>(x)) : bits_of(static_cast<double>(x));
    }

    template <class F>
    static F calculate(const instruction &i, F a, F b) {
        switch (i.what) {
        case operation::add:
            return a + b;
        case operation::subtract:
            return a - b;
        case operation::multiply:
            return a * b;
        case operation::divide:
            return a / b;
        case operation::negate:
            return -a;
        case operation::absolute:
            return std::fabs(a);
        case operation::root:
            return std::sqrt(a);
        default:
            fail("not for floating point: " + i.text);
        }
    }

    static uint64_t calculate_bits(const instruction &i, uint64_t a, uint64_t b) {
        const int bytes = i.result.bytes;
        const bool is_signed = i.result.of == kind::sign;
        switch (i.what) {
        case operation::add:
            return a + b;
        case operation::subtract:
            return a - b;
        case operation::divide:
            return is_signed ? static_cast<uint64_t>(signed_value(a, bytes) / signed_value(b, bytes))
                             : cut(a, bytes) / cut(b, bytes);
        case operation::remainder:
            return is_signed ? static_cast<uint64_t>(signed_value(a, bytes) % signed_value(b, bytes))
                             : cut(a, bytes) % cut(b, bytes);
        case operation::negate:
            return 0 - a;
        case operation::both:
            return a & b;
        case operation::either:
            return a | b;
        case operation::exclusive:
            return a ^ b;
        case operation::invert:
            return ~a;
        case operation::left:
            return b >= static_cast<uint64_t>(8 * bytes) ? 0 : a << b;
        case operation::right:
            b = b < static_cast<uint64_t>(8 * bytes) ? b : static_cast<uint64_t>(8 * bytes) - 1;
            return is_signed ? static_cast<uint64_t>(signed_value(a, bytes) >> b) : cut(a, bytes) >> b;
        case operation::least:
            return less(i.result, b, a) ? b : a;
        case operation::greatest:
            return less(i.result, a, b) ? b : a;
        default:
            fail("not for integers: " + i.text);
        }
    }

    static bool less(const type &t, uint64_t a, uint64_t b) {
        return t.of == kind::sign ? signed_value(a, t.bytes) < signed_value(b, t.bytes)
                                  : cut(a, t.bytes) < cut(b, t.bytes);
    }

    bool all_wait(uint32_t begin, uint32_t end, operation at) const {
        for (uint32_t i = begin; i < end; ++i)
            if (all_[i].waits_at != at || all_[i].next != all_[begin].next)
                return false;
        return true;
    }

    void let_go(uint32_t begin, uint32_t end) {
        for (uint32_t i = begin; i < end; ++i) {
            all_[i].waits_at = operation::finish;
            ++all_[i].next;
        }
    }

    /* Lets threads go on whose warp, or block, has come together at one instruction. */
    bool release() {
        bool any = false;
        for (uint32_t begin = 0; begin < threads_; begin += warp) {
            const uint32_t end = std::min(begin + warp, threads_);
            if (all_wait(begin, end, operation::shuffle)) {
                shuffle(k_.code[all_[begin].next], begin, end);
                let_go(begin, end);
                any = true;
            } else if (all_wait(begin, end, operation::warp_barrier)) {
                let_go(begin, end);
                any = true;
            }
        }
        if (all_wait(0, threads_, operation::barrier)) {
            ++meetings_;
            let_go(0, threads_);
            any = true;
        }
        return any;
    }

    void shuffle(const instruction &i, uint32_t begin, uint32_t end) {
        if (i.modifier != "down")
            fail("unknown shuffle: " + i.text);
        std::vector<uint64_t> values;
        for (uint32_t n = begin; n < end; ++n)
            values.push_back(value(i.operands[1], n));
        for (uint32_t n = begin; n < end; ++n) {
            const uint64_t from = n - begin + value(i.operands[2], n);
            set(i.operands[0], n, from < values.size() ? values[from] : values[n - begin]);
        }
    }

    const kernel &k_;
    const uint32_t blocks_;
    const uint32_t threads_;
    const std::string &arguments_;
    uint32_t block_ = 0;
    std::vector<thread> all_;
    std::vector<access_unit> shared_;
    std::vector<shared_word> words_;
    uint64_t meetings_ = 0;
};

} // namespace

void interpret(ptx_module &module, const std::string &name, uint32_t blocks, uint32_t threads,
               const std::vector<std::string> &arguments) {
    const kernel &k = parsed_kernel(module, name);
    std::string all;
    for (size_t i = 0; i < arguments.size(); ++i) {
        all.resize(k.parameters[i].offset);
        all += arguments[i];
    }
    machine m(k, blocks, threads, all);
    for (uint32_t block = 0; block < blocks; ++block)
        m.run_block(block);
}

} // namespace standin
