#include "studies.h"

#include "arithmetic.h"
#include "loops.h"

#include <algorithm>
#include <random>

namespace nrb {

namespace {

constexpr int64_t kibibyte = 1024;
constexpr int64_t mebibyte = 1024 * kibibyte;

/* The rows of the tables of centralised steps. */
constexpr int64_t row_length = 4096;

/* Slower than memory everywhere; where the arrays lie does not matter to it. */
constexpr int64_t most_bytes_for_scalar = 16 * mebibyte;

/* Beyond, the last-level cache of most processors ends. */
constexpr int64_t most_bytes_in_caches = 16 * mebibyte;

std::vector<int32_t> instruction_sets(const settings &s) {
    std::vector<int32_t> found;
    for (int32_t isa = NR_ISA_SCALAR; isa < NR_ISA_COUNT; ++isa)
        if (nr_isa_available(isa) != 0 && s.wants(s.isa, nr_isa_name(isa)))
            found.push_back(isa);
    return found;
}

std::vector<int32_t> types(const settings &s) {
    std::vector<int32_t> found;
    for (int32_t type : {NR_FLOAT32, NR_FLOAT64})
        if (s.wants(s.type, type_name(type)))
            found.push_back(type);
    return found;
}

std::vector<int> thread_counts(const settings &s) {
    std::vector<int> counts;
    for (int threads = 1; threads <= s.most_threads; threads *= 2)
        if (s.threads == 0 || s.threads == threads)
            counts.push_back(threads);
    return counts;
}

/* The step with other loops than the library's choice. */
variant with_choices(const variant &step, loop_choices choices) {
    variant other = step;
    other.work = [work = step.work, choices](int member) {
        choose(choices);
        work(member);
        choose(usual_choices());
    };
    return other;
}

struct alternative {
    std::string name;
    loop_choices choices;
};

bool takes_roots(const algorithm &a) { return a.code != NR_SGD; }

/* The loops that the library decided against: other roots in the caches, with or without prefetch beyond them. */
std::vector<alternative> alternatives(const problem &p, int32_t isa) {
    const loop_choices usual = usual_choices();
    std::vector<alternative> found;
    if (p.threads() > 1 || isa != NR_ISA_AVX512)
        return found;
    if (p.working_set() > most_bytes_in_caches) {
        found.push_back({usual.prefetch ? "without prefetch" : "with prefetch", {usual.roots, !usual.prefetch}});
        return found;
    }
    const alternative ways[] = {{"hardware roots", {nr::root_units::divider, usual.prefetch}},
                                {"some roots multiplied", {nr::root_units::both, usual.prefetch}},
                                {"all roots multiplied", {nr::root_units::multipliers, usual.prefetch}}};
    for (const alternative &way : ways)
        if (takes_roots(p.how()) && way.choices.roots != usual.roots)
            found.push_back(way);
    return found;
}

/* Interleaves the limit, with and without prefetch, with a step on each instruction set, and with the steps that the library
 * decided against. */
void measure(const settings &s, report &out, const std::string &study, problem &p, nrl::team &team) {
    std::vector<variant> variants = {p.limit(false), p.limit(true)};
    std::vector<std::string> names, kernels;
    for (int32_t isa : instruction_sets(s)) {
        if (isa == NR_ISA_SCALAR && p.working_set() > most_bytes_for_scalar)
            continue;
        const variant chosen = p.step(isa);
        variants.push_back(chosen);
        names.push_back(nr_isa_name(isa));
        kernels.push_back("chosen");
        for (const alternative &other : alternatives(p, isa)) {
            variants.push_back(with_choices(chosen, other.choices));
            names.push_back(nr_isa_name(isa));
            kernels.push_back(other.name);
        }
    }
    if (names.empty())
        return;

    const auto times = compare(team, variants, s.seconds);
    const bool prefetches = median(times[1]) < median(times[0]);
    const std::vector<double> &limit = times[prefetches ? 1 : 0];
    const double elements = static_cast<double>(p.size().elements());
    const double own_bound = p.step_bytes() / p.limit_bytes();
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::vector<double> &step = times[i + 2];
        const std::vector<double> ratio = ratios(limit, step);
        out.add(p, {study, names[i], kernels[i], median(step) / elements * 1e9, median(limit) / elements * 1e9,
                    prefetches, own_bound * median(ratio), own_bound * quantile(ratio, 0.25),
                    own_bound * quantile(ratio, 0.75), step.size()});
    }
}

/* Rows of a centralised tensor whose working set is about this large. */
shape shape_of_bytes(const algorithm &a, int32_t type, int64_t bytes, int64_t columns) {
    const int64_t element_bytes = type == NR_FLOAT64 ? 8 : 4;
    const int64_t arrays = 1 + a.arrays + (a.period != 0 ? 1 : 0);
    const int64_t elements = std::max<int64_t>(1, bytes / (arrays * element_bytes));
    if (!a.centralised)
        return {1, elements};
    const int64_t longest = std::min(columns, elements);
    return {elements / longest, longest};
}

std::vector<int64_t> sizes(const settings &s) {
    if (s.bytes != 0)
        return {s.bytes};
    if (s.quick)
        return {64 * kibibyte, mebibyte, 16 * mebibyte};
    return {4 * kibibyte,  64 * kibibyte, 256 * kibibyte, mebibyte,       4 * mebibyte,
            16 * mebibyte, 64 * mebibyte, 256 * mebibyte, 512 * mebibyte, 1024 * mebibyte};
}

/* The algorithms that the quick run leaves out have the streams of others. */
bool is_in_quick_run(const algorithm &a) {
    const std::string name = a.name;
    return name == "sgd" || name == "momentum" || name == "radam" || (name == "ranger" && a.centralised);
}

} // namespace

void measure_sizes(const settings &s, report &out) {
    for (int threads : thread_counts(s)) {
        nrl::team team(threads);
        for (const algorithm &a : algorithms)
            for (int32_t type : types(s)) {
                if (!s.wants(s.algorithm, a.name))
                    continue;
                if (s.quick && s.algorithm.empty() && (!is_in_quick_run(a) || type == NR_FLOAT64))
                    continue;
                for (int64_t bytes : sizes(s)) {
                    problem p(a, type, shape_of_bytes(a, type, bytes, row_length), team);
                    measure(s, out, "sizes", p, team);
                }
            }
    }
}

void measure_long_rows(const settings &s, report &out) {
    constexpr int64_t columns = int64_t{1} << 20;
    const algorithm &ranger = find_algorithm("ranger", true);
    const int64_t bytes = s.quick ? 128 * mebibyte : 512 * mebibyte;
    for (int threads : thread_counts(s)) {
        nrl::team team(threads);
        problem p(ranger, NR_FLOAT32, shape_of_bytes(ranger, NR_FLOAT32, bytes, columns), team);
        measure(s, out, "long rows", p, team);
    }
}

void measure_short_rows(const settings &s, report &out) {
    const algorithm &radam = find_algorithm("radam", true);
    nrl::team team(1);
    for (const shape &size : {shape{1000, 10}, shape{1024, 32}, shape{512, 128}, shape{512, 512}, shape{1000000, 32}}) {
        problem p(radam, NR_FLOAT32, size, team);
        measure(s, out, "short rows", p, team);
    }
}

void measure_column_major(const settings &s, report &out) {
    const algorithm &ranger = find_algorithm("ranger", true);
    const algorithm &radam = find_algorithm("radam", true);
    nrl::team team(1);
    for (const algorithm *a : {&radam, &ranger})
        for (const shape &size :
             {shape{512, 512, true}, shape{4096, 1024, true}, shape{10, 784, true}, shape{1000, 10, true}}) {
            problem p(*a, NR_FLOAT32, size, team);
            measure(s, out, "column-major", p, team);
        }
}

void measure_many_tensors(const settings &s, report &out) {
    nrl::team team(1);
    const algorithm &radam = find_algorithm("radam");
    for (const shape &size : {shape{1, 100, false, 1000}, shape{1, 1000, false, 1000}, shape{1, 100, false, 10000}}) {
        problem many(radam, NR_FLOAT32, size, team);
        problem one(radam, NR_FLOAT32, {1, size.elements()}, team);
        for (int32_t isa : instruction_sets(s)) {
            const auto times = compare(team, {many.step(isa), one.step(isa)}, s.seconds);
            out.add({"many tensors", nr_isa_name(isa), "float32", size.elements(),
                     std::to_string(size.tensors) + " tensors", "one tensor", median(times[0]) * 1e9,
                     median(times[1]) * 1e9, median(ratios(times[0], times[1]))});
        }
    }
}

void measure_lookahead(const settings &s, report &out) {
    nrl::team team(1);
    const algorithm &radam = find_algorithm("radam");
    const algorithm &ranger = find_algorithm("ranger");
    const std::vector<int64_t> element_counts =
        s.quick ? std::vector<int64_t>{int64_t{1} << 16, int64_t{1} << 20}
                : std::vector<int64_t>{int64_t{1} << 16, int64_t{1} << 20, int64_t{1} << 26};
    for (int64_t elements : element_counts) {
        problem with(ranger, NR_FLOAT32, {1, elements}, team);
        problem without(radam, NR_FLOAT32, {1, elements}, team);
        for (int32_t isa : instruction_sets(s)) {
            if (isa == NR_ISA_SCALAR)
                continue;
            const variant ahead = with.step(isa);
            variant plain = without.step(isa);
            plain.cycle = ahead.cycle; /* as many steps in a row, so that as much of it is in the caches */
            const auto times = compare(team, {ahead, plain}, s.seconds);
            out.add({"lookahead", nr_isa_name(isa), "float32", elements, "Lookahead(RAdam), k = 6", "RAdam",
                     median(times[0]) * 1e9, median(times[1]) * 1e9, median(ratios(times[0], times[1]))});
        }
    }
}

void measure_zeros(const settings &s, report &out) {
    constexpr int64_t elements = int64_t{1} << 15;
    constexpr int64_t first_steps = 10; /* so that there are moments to decay */
    constexpr int64_t window = 100;
    constexpr int windows = 20;
    nrl::team team(1);
    std::mt19937 order(6789);
    for (const char *name : {"adam", "radam"})
        for (int32_t type : types(s))
            for (int32_t isa : instruction_sets(s)) {
                problem some(find_algorithm(name), type, {1, elements}, team);
                problem none(find_algorithm(name), type, {1, elements}, team);
                const variant steps[] = {some.step(isa), none.step(isa)};
                for (const variant &v : steps)
                    team.time(v.work, 0, first_steps);
                some.zero_some_gradients();
                std::vector<double> times[2];
                for (int w = 0; w < windows; ++w) {
                    const unsigned first = order() & 1;
                    for (unsigned i : {first, 1 - first})
                        times[i].push_back(team.time(steps[i].work, 0, window) / static_cast<double>(window));
                }
                out.add({"zeros", nr_isa_name(isa), type_name(type), elements,
                         std::string(name) + ", a tenth of the gradients 0", "none 0", median(times[0]) * 1e9,
                         median(times[1]) * 1e9, median(ratios(times[0], times[1]))});
            }
}

void measure_arithmetic(const settings &s, report &out) {
    nrl::team team(1);
    for (const char *name : {"adagrad", "adam", "radam"})
        for (int32_t type : types(s))
            for (int32_t isa : instruction_sets(s)) {
                if (!has_roots_and_quotients(isa) || !s.wants(s.algorithm, name))
                    continue;
                const algorithm &how = find_algorithm(name);
                constexpr int64_t elements = 16384;
                problem p(how, type, {1, elements}, team);
                const auto times = compare(team, {p.step(isa), roots_and_quotients(type, isa, elements)}, s.seconds);
                out.add({"arithmetic", nr_isa_name(isa), type_name(type), elements, name, "a root and a quotient each",
                         median(times[0]) * 1e9, median(times[1]) * 1e9, median(ratios(times[0], times[1]))});
            }
}

void measure_spacing(const settings &s, report &out) {
    /* Arrays that are shorter by what the arena leaves between large ones begin a power of two and a few lines apart. */
    constexpr int64_t gap = 64 * kibibyte;
    const int64_t bytes = s.quick ? 32 * mebibyte : 128 * mebibyte;
    nrl::team team(1);
    const algorithm &radam = find_algorithm("radam");
    problem close(radam, NR_FLOAT32, {1, (bytes - gap) / 4}, team);
    problem apart(radam, NR_FLOAT32, {1, bytes / 4}, team);
    const std::string size = std::to_string(bytes / mebibyte) + " MiB";
    for (int32_t isa : instruction_sets(s)) {
        if (isa == NR_ISA_SCALAR)
            continue;
        const auto times = compare(team, {close.step(isa), apart.step(isa)}, s.seconds);
        out.add({"spacing", nr_isa_name(isa), "float32", bytes / 4, "arrays " + size + " apart", size + " and 64 KiB",
                 median(times[0]) * 1e9, median(times[1]) * 1e9, median(ratios(times[0], times[1]))});
    }
}

void measure_call(const settings &s, report &out) {
    nrl::team team(1);
    const variant smallest_call = {[](int) { static_cast<void>(nr_abi_version()); }};
    for (const char *name : {"sgd", "radam"}) {
        problem one(find_algorithm(name), NR_FLOAT32, {1, 1}, team);
        for (int32_t isa : instruction_sets(s)) {
            const auto times = compare(team, {one.step(isa), smallest_call}, s.seconds / 4);
            out.add({"call", nr_isa_name(isa), "float32", 1, std::string(name) + ", one element", "nr_abi_version",
                     median(times[0]) * 1e9, median(times[1]) * 1e9, median(ratios(times[0], times[1]))});
        }
    }
}

} // namespace nrb
