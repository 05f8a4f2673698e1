/* Measures nr_step against the limit kernels; --help names the options. */
#include "studies.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace {

const char *const usage =
    "usage: nativeranger_bench [--quick] [--study NAME] [--algorithm NAME] [--type float32|float64] [--isa NAME]\n"
    "                          [--threads N] [--bytes N] [--json FILE] [--circumstances FILE]\n"
    "studies: sizes, long-rows, short-rows, column-major, many-tensors, lookahead, zeros, arithmetic, spacing, call\n"
    "(all unless one is named)\n"
    "--bytes: one size of working set for the study of sizes. --circumstances: a JSON object that is taken over.\n";

struct request {
    nrb::settings settings;
    std::string json;
    std::string circumstances = "{}";
};

int64_t number(const std::string &option, const std::string &text) {
    char *end = nullptr;
    const long long value = std::strtoll(text.c_str(), &end, 10);
    if (text.empty() || *end != '\0' || value < 1)
        throw std::invalid_argument(option + " takes a number above 0, not '" + text + "'");
    return value;
}

std::string read(const std::string &path) {
    std::ifstream file(path);
    if (!file)
        throw std::invalid_argument("cannot read " + path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

request parse(int count, char **arguments) {
    request r;
    nrb::settings &s = r.settings;
    const std::map<std::string, std::function<void(const std::string &)>> options = {
        {"--study", [&](const std::string &v) { s.study = v; }},
        {"--algorithm", [&](const std::string &v) { s.algorithm = v; }},
        {"--type", [&](const std::string &v) { s.type = v; }},
        {"--isa", [&](const std::string &v) { s.isa = v; }},
        {"--threads", [&](const std::string &v) { s.threads = static_cast<int>(number("--threads", v)); }},
        {"--bytes", [&](const std::string &v) { s.bytes = number("--bytes", v); }},
        {"--json", [&](const std::string &v) { r.json = v; }},
        {"--circumstances", [&](const std::string &v) { r.circumstances = read(v); }},
    };
    for (int i = 1; i < count; ++i) {
        const std::string option = arguments[i];
        if (option == "--quick") {
            s.quick = true;
            s.seconds = 0.25;
            continue;
        }
        const auto found = options.find(option);
        if (found == options.end() || i + 1 == count)
            throw std::invalid_argument(found == options.end() ? "unknown option " + option
                                                               : option + " takes a value");
        found->second(arguments[++i]);
    }
    const int processors = static_cast<int>(std::thread::hardware_concurrency());
    s.most_threads = s.threads > processors ? s.threads : processors;
    return r;
}

void run(const request &r) {
    const std::pair<const char *, void (*)(const nrb::settings &, nrb::report &)> studies[] = {
        {"sizes", nrb::measure_sizes},
        {"long-rows", nrb::measure_long_rows},
        {"short-rows", nrb::measure_short_rows},
        {"column-major", nrb::measure_column_major},
        {"many-tensors", nrb::measure_many_tensors},
        {"lookahead", nrb::measure_lookahead},
        {"zeros", nrb::measure_zeros},
        {"arithmetic", nrb::measure_arithmetic},
        {"spacing", nrb::measure_spacing},
        {"call", nrb::measure_call},
    };
    nrb::report out;
    bool any = false;
    for (const auto &[name, measure] : studies)
        if (r.settings.wants(r.settings.study, name)) {
            measure(r.settings, out);
            any = true;
        }
    if (!any)
        throw std::invalid_argument("no study " + r.settings.study);
    if (r.json.empty())
        return;
    std::FILE *to = std::fopen(r.json.c_str(), "w");
    if (to == nullptr)
        throw std::invalid_argument("cannot write " + r.json);
    out.write(to, r.circumstances);
    std::fclose(to);
}

} // namespace

int main(int count, char **arguments) {
    if (count == 2 && std::strcmp(arguments[1], "--help") == 0) {
        std::fputs(usage, stdout);
        return 0;
    }
    try {
        run(parse(count, arguments));
        return 0;
    } catch (const std::exception &failure) {
        std::fprintf(stderr, "nativeranger_bench: %s\n%s", failure.what(), usage);
        return 2;
    }
}
