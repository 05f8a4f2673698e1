#include "interpreter.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <map>
#include <sstream>
#include <stdexcept>

namespace standin {

namespace {

enum class kind { predicate, bits, sign, real };

struct type {
    kind of = kind::bits;
    int bytes = 8;
};

enum class operation {
    load,
    store,
    move,
    add,
    subtract,
    multiply,
    multiply_add,
    divide,
    remainder,
    negate,
    absolute,
    both,
    either,
    exclusive,
    invert,
    left,
    right,
    least,
    greatest,
    compare,
    choose,
    convert,
    address,
    branch,
    barrier,
    warp_barrier,
    shuffle,
    root,
    finish
};

enum class where { immediate, reg, thread, threads, block, blocks, vector, argument, shared };

/* Memory that an instruction names; any: by the address. */
enum class space { any, global, shared };

struct operand {
    where place = where::immediate;
    uint64_t value = 0; /* immediate, register, or an offset: of an argument, in shared memory, of an address */
    int base = -1;      /* register of an address; -1: none */
    std::vector<operand> parts;
};

struct instruction {
    operation what = operation::finish;
    type result;
    type source;
    std::string modifier; /* of multiply, compare, shuffle */
    space memory = space::any;
    int predicate = -1;
    bool negated = false;
    size_t target = 0;
    std::vector<operand> operands;
    std::string text;
};

struct parameter {
    std::string name;
    uint64_t offset = 0;
    uint64_t bytes = 0;
};

/* A variable that the threads of a block share. */
struct shared_variable {
    uint64_t bytes = 0;
    uint64_t alignment = 1;
};
using shared_variables = std::map<std::string, shared_variable>;

struct kernel {
    std::string body;
    std::vector<parameter> parameters;
    std::vector<instruction> code;
    int registers = 0;
    uint64_t shared_bytes = 0;
    bool parsed = false;
};

[[noreturn]] void fail(const std::string &what) { throw std::runtime_error("PTX: " + what); }

std::string trimmed(const std::string &line) {
    const std::string code = line.substr(0, line.find("//"));
    const size_t begin = code.find_first_not_of(" \t");
    const size_t end = code.find_last_not_of(" \t");
    return begin == std::string::npos ? "" : code.substr(begin, end - begin + 1);
}

std::vector<std::string> split(const std::string &text, char at) {
    std::vector<std::string> parts;
    std::string part;
    int depth = 0;
    for (char c : text) {
        depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
        if (c == at && depth == 0) {
            parts.push_back(trimmed(part));
            part.clear();
        } else {
            part += c;
        }
    }
    if (!trimmed(part).empty())
        parts.push_back(trimmed(part));
    return parts;
}

bool read_type(const std::string &name, type &t) {
    static const std::map<std::string, type> types = {
        {"pred", {kind::predicate, 1}}, {"b8", {kind::bits, 1}},  {"u8", {kind::bits, 1}},  {"s8", {kind::sign, 1}},
        {"b16", {kind::bits, 2}},       {"u16", {kind::bits, 2}}, {"s16", {kind::sign, 2}}, {"b32", {kind::bits, 4}},
        {"u32", {kind::bits, 4}},       {"s32", {kind::sign, 4}}, {"b64", {kind::bits, 8}}, {"u64", {kind::bits, 8}},
        {"s64", {kind::sign, 8}},       {"f32", {kind::real, 4}}, {"f64", {kind::real, 8}}};
    const auto found = types.find(name);
    if (found == types.end())
        return false;
    t = found->second;
    return true;
}

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

class parser {
public:
    parser(kernel &k, const shared_variables &shared) : k_(k), shared_(shared) {}

    void parse() {
        std::istringstream lines(k_.body);
        std::map<std::string, size_t> labels;
        std::vector<std::pair<size_t, std::string>> branches;
        std::string line;
        while (std::getline(lines, line)) {
            line = trimmed(line);
            if (line.empty() || line == "{" || line == "}" || line[0] == '.')
                continue;
            if (line.back() == ':') {
                labels[line.substr(0, line.size() - 1)] = k_.code.size();
                continue;
            }
            if (line.back() != ';')
                fail("no instruction: " + line);
            line.pop_back();
            read(line, branches);
        }
        for (const auto &b : branches) {
            if (labels.find(b.second) == labels.end())
                fail("no label " + b.second);
            k_.code[b.first].target = labels[b.second];
        }
        k_.registers = static_cast<int>(registers_.size());
        k_.parsed = true;
    }

private:
    int register_of(const std::string &name) {
        return registers_.emplace(name, static_cast<int>(registers_.size())).first->second;
    }

    operand read_address(const std::string &inside) {
        operand o;
        const size_t plus = inside.find('+');
        const std::string base = trimmed(inside.substr(0, plus));
        if (plus != std::string::npos)
            o.value = static_cast<uint64_t>(std::stoll(inside.substr(plus + 1)));
        if (base[0] == '%') {
            o.base = register_of(base);
            return o;
        }
        read_name(base, o);
        return o;
    }

    /* A parameter or a shared variable: what o is relative to. */
    void read_name(const std::string &name, operand &o) {
        for (const parameter &p : k_.parameters)
            if (p.name == name) {
                o.place = where::argument;
                o.value += p.offset;
                return;
            }
        o.place = where::shared;
        o.value += shared_offset(name);
    }

    /* Each variable has its place where the kernel names it first. */
    uint64_t shared_offset(const std::string &name) {
        const auto known = offsets_.find(name);
        if (known != offsets_.end())
            return known->second;
        const auto found = shared_.find(name);
        if (found == shared_.end())
            fail("neither a parameter nor a shared variable: " + name);
        const uint64_t alignment = found->second.alignment;
        const uint64_t offset = (k_.shared_bytes + alignment - 1) / alignment * alignment;
        k_.shared_bytes = offset + found->second.bytes;
        offsets_[name] = offset;
        return offset;
    }

    operand read_operand(const std::string &text) {
        operand o;
        if (text[0] == '{') {
            o.place = where::vector;
            for (const std::string &part : split(text.substr(1, text.size() - 2), ','))
                o.parts.push_back(read_operand(part));
        } else if (text[0] == '[') {
            o = read_address(text.substr(1, text.size() - 2));
        } else if (text == "%tid.x") {
            o.place = where::thread;
        } else if (text == "%ntid.x") {
            o.place = where::threads;
        } else if (text == "%ctaid.x") {
            o.place = where::block;
        } else if (text == "%nctaid.x") {
            o.place = where::blocks;
        } else if (text[0] == '%') {
            o.place = where::reg;
            o.value = static_cast<uint64_t>(register_of(text));
        } else if (text.compare(0, 2, "0f") == 0 || text.compare(0, 2, "0d") == 0) {
            o.value = std::stoull(text.substr(2), nullptr, 16);
        } else if (text[0] == '-' || std::isdigit(static_cast<unsigned char>(text[0]))) {
            o.value = text[0] == '-' ? static_cast<uint64_t>(std::stoll(text)) : std::stoull(text, nullptr, 0);
        } else {
            read_name(text, o);
        }
        return o;
    }

    void read(const std::string &line, std::vector<std::pair<size_t, std::string>> &branches) {
        instruction i;
        i.text = line;
        std::string rest = line;
        if (rest[0] == '@') {
            const size_t blank = rest.find_first_of(" \t");
            std::string name = rest.substr(1, blank - 1);
            i.negated = name[0] == '!';
            i.predicate = register_of(i.negated ? name.substr(1) : name);
            rest = trimmed(rest.substr(blank));
        }
        const size_t blank = rest.find_first_of(" \t");
        const std::vector<std::string> name = split(rest.substr(0, blank), '.');
        const std::string operands = blank == std::string::npos ? "" : trimmed(rest.substr(blank));
        i.what = operation_of(name);
        if (i.what == operation::branch) {
            branches.emplace_back(k_.code.size(), operands);
        } else {
            read_types(name, i);
            for (const std::string &o : split(operands, ','))
                i.operands.push_back(read_operand(o));
        }
        k_.code.push_back(i);
    }

    static operation operation_of(const std::vector<std::string> &name) {
        static const std::map<std::string, operation> known = {
            {"ld", operation::load},          {"st", operation::store},      {"mov", operation::move},
            {"add", operation::add},          {"sub", operation::subtract},  {"mul", operation::multiply},
            {"mad", operation::multiply_add}, {"div", operation::divide},    {"rem", operation::remainder},
            {"neg", operation::negate},       {"abs", operation::absolute},  {"and", operation::both},
            {"or", operation::either},        {"xor", operation::exclusive}, {"not", operation::invert},
            {"shl", operation::left},         {"shr", operation::right},     {"min", operation::least},
            {"max", operation::greatest},     {"setp", operation::compare},  {"selp", operation::choose},
            {"cvt", operation::convert},      {"cvta", operation::address},  {"bra", operation::branch},
            {"shfl", operation::shuffle},     {"sqrt", operation::root},     {"ret", operation::finish}};
        if (name[0] == "bar")
            return name[1] == "warp" ? operation::warp_barrier : operation::barrier;
        const auto found = known.find(name[0]);
        if (found == known.end())
            fail("unknown instruction " + name[0]);
        return found->second;
    }

    static void read_types(const std::vector<std::string> &name, instruction &i) {
        bool has_result = false;
        for (size_t n = 1; n < name.size(); ++n) {
            type t;
            if (read_type(name[n], t)) {
                (has_result ? i.source : i.result) = t;
                if (!has_result)
                    i.source = t;
                has_result = true;
            } else if (name[n] == "global" || name[n] == "shared") {
                i.memory = name[n] == "global" ? space::global : space::shared;
            } else if (i.what == operation::multiply || i.what == operation::multiply_add ||
                       i.what == operation::compare || i.what == operation::shuffle) {
                if (name[n] != "rn" && name[n] != "sync")
                    i.modifier = name[n];
            } else if ((i.what == operation::load || i.what == operation::store) && name[n] != "param" &&
                       name[n] != "v2" && name[n] != "v4") {
                fail("memory that kernels do not use: " + i.text);
            }
        }
    }

    kernel &k_;
    const shared_variables &shared_;
    std::map<std::string, uint64_t> offsets_;
    std::map<std::string, int> registers_;
};

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
            t.registers.assign(static_cast<size_t>(k_.registers), 0);
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

/* The parameters between the parentheses of an entry. */
std::vector<parameter> read_parameters(const std::string &text) {
    std::vector<parameter> found;
    uint64_t offset = 0;
    for (const std::string &declaration : split(text, ',')) {
        std::istringstream words(declaration);
        std::string word;
        parameter p;
        uint64_t alignment = 1;
        type t;
        while (words >> word) {
            if (word == ".align") {
                words >> alignment;
            } else if (word[0] == '.' && read_type(word.substr(1), t)) {
                p.bytes = static_cast<uint64_t>(t.bytes);
                alignment = std::max(alignment, p.bytes);
            } else if (word[0] != '.') {
                const size_t bracket = word.find('[');
                p.name = word.substr(0, bracket);
                if (bracket != std::string::npos)
                    p.bytes *= std::stoull(word.substr(bracket + 1));
            }
        }
        offset = (offset + alignment - 1) / alignment * alignment;
        p.offset = offset;
        offset += p.bytes;
        found.push_back(p);
    }
    return found;
}

} // namespace

struct ptx_module {
    mutable std::map<std::string, kernel> kernels;
    shared_variables shared;
};

namespace {

/* Declarations as in: .weak .shared .align 16 .b8 name[4096]; */
shared_variables read_shared(const std::string &text) {
    shared_variables found;
    const std::string keyword = ".shared ";
    for (size_t at = text.find(keyword); at != std::string::npos; at = text.find(keyword, at)) {
        at += keyword.size();
        std::string declaration = text.substr(at, text.find(';', at) - at);
        const parameter p = read_parameters(declaration).front();
        std::istringstream words(declaration);
        std::string word;
        shared_variable v = {p.bytes, 1};
        while (words >> word)
            if (word == ".align")
                words >> v.alignment;
        found[p.name] = v;
    }
    return found;
}

} // namespace

std::shared_ptr<ptx_module> parse_ptx(const char *text, std::string &error) {
    auto module = std::make_shared<ptx_module>();
    const std::string all = text;
    if (all.find(".version") == std::string::npos || all.find(".target") == std::string::npos) {
        error = "this is no PTX";
        return nullptr;
    }
    module->shared = read_shared(all);
    for (size_t at = all.find(".entry "); at != std::string::npos; at = all.find(".entry ", at)) {
        const size_t open = all.find('(', at);
        const size_t close = all.find(')', open);
        const size_t begin = all.find("\n{", close);
        const size_t end = all.find("\n}", begin);
        if (end == std::string::npos) {
            error = "an entry has no end";
            return nullptr;
        }
        kernel &k = module->kernels[trimmed(all.substr(at + 7, open - at - 7))];
        std::string parameters = all.substr(open + 1, close - open - 1);
        for (char &c : parameters)
            c = c == '\n' ? ' ' : c;
        k.parameters = read_parameters(parameters);
        k.body = all.substr(begin + 2, end - begin - 2);
        at = end;
    }
    return module;
}

bool has_kernel(const ptx_module &module, const std::string &name) { return module.kernels.count(name) != 0; }

std::vector<uint64_t> argument_sizes(const ptx_module &module, const std::string &name) {
    std::vector<uint64_t> sizes;
    for (const parameter &p : module.kernels.at(name).parameters)
        sizes.push_back(p.bytes);
    return sizes;
}

void interpret(const ptx_module &module, const std::string &name, uint32_t blocks, uint32_t threads,
               const std::vector<std::string> &arguments) {
    kernel &k = module.kernels.at(name);
    if (!k.parsed)
        parser(k, module.shared).parse();
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
