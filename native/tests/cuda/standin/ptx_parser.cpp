#include "ptx.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace standin {
namespace {

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
        k_.parsed = true;
    }

private:
    int register_of(const std::string &name) {
        const auto [found, is_new] = registers_.emplace(name, static_cast<int>(registers_.size()));
        if (is_new)
            k_.register_words.push_back(words_of(name));
        return found->second;
    }

    /* Names say what registers are: %p1, %rs1, %r1, %f1, %rd1, %fd1. */
    static int words_of(const std::string &name) {
        return name[1] == 'p' ? 0 : name.compare(1, 2, "rd") == 0 || name.compare(1, 2, "fd") == 0 ? 2 : 1;
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

const kernel &parsed_kernel(ptx_module &module, const std::string &name) {
    kernel &k = module.kernels.at(name);
    if (!k.parsed)
        parser(k, module.shared).parse();
    return k;
}

} // namespace standin
