#include "report.h"

#include <cstdarg>

namespace nrb {

namespace {

__attribute__((format(printf, 1, 2))) std::string format(const char *pattern, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, pattern);
    std::vsnprintf(text, sizeof text, pattern, arguments);
    va_end(arguments);
    return text;
}

const char *boolean(bool value) { return value ? "true" : "false"; }

void write_list(std::FILE *to, const char *name, const std::vector<std::string> &items) {
    std::fprintf(to, ",\n  \"%s\": [", name);
    for (std::size_t i = 0; i < items.size(); ++i)
        std::fprintf(to, "%s\n    %s", i == 0 ? "" : ",", items[i].c_str());
    std::fprintf(to, "\n  ]");
}

} // namespace

std::string type_name(int32_t type) { return type == NR_FLOAT64 ? "float64" : "float32"; }

void report::add(const problem &of, const measurement &m) {
    const shape &s = of.size();
    const double bytes = of.step_bytes();
    measurements_.push_back(
        format("{\"study\": \"%s\", \"algorithm\": \"%s\", \"centralised\": %s, \"type\": \"%s\", \"isa\": \"%s\", "
               "\"kernel\": \"%s\", \"threads\": %d, \"tensors\": %lld, \"rows\": %lld, \"columns\": %lld, "
               "\"columnMajor\": %s, \"elements\": %lld, \"workingSetBytes\": %lld, \"bytesPerElement\": %.4g, "
               "\"nsPerElement\": %.5g, \"gigabytesPerSecond\": %.4g, \"limitNsPerElement\": %.5g, "
               "\"limitPrefetches\": %s, \"ratioToLimit\": %.4f, \"quartiles\": [%.4f, %.4f], \"rounds\": %zu}",
               m.study.c_str(), of.how().name, boolean(of.how().centralised), type_name(of.type()).c_str(),
               m.isa.c_str(), m.kernel.c_str(), of.threads(), static_cast<long long>(s.tensors),
               static_cast<long long>(s.rows), static_cast<long long>(s.columns), boolean(s.column_major),
               static_cast<long long>(s.elements()), static_cast<long long>(of.working_set()), bytes, m.ns_per_element,
               bytes / m.ns_per_element, m.limit_ns_per_element, boolean(m.limit_prefetches), m.ratio_to_limit,
               m.lower_quartile, m.upper_quartile, m.rounds));
    std::printf("%-12s %-8s %-11s %s %-6s %-8s %d thread%s %10.4g MiB %5lldx%-8lld %8.4f ns/element %7.1f GB/s  "
                "%.3f of the limit (%.3f … %.3f, %zu rounds)\n",
                m.study.c_str(), of.how().name, of.how().centralised ? "centralised" : "", type_name(of.type()).c_str(),
                m.isa.c_str(), m.kernel.c_str(), of.threads(), of.threads() == 1 ? " " : "s",
                static_cast<double>(of.working_set()) / 1048576.0, static_cast<long long>(s.rows),
                static_cast<long long>(s.columns), m.ns_per_element, bytes / m.ns_per_element, m.ratio_to_limit,
                m.lower_quartile, m.upper_quartile, m.rounds);
    std::fflush(stdout);
}

void report::add(const comparison &c) {
    comparisons_.push_back(format("{\"study\": \"%s\", \"isa\": \"%s\", \"type\": \"%s\", \"elements\": %lld, "
                                  "\"subject\": \"%s\", \"baseline\": \"%s\", \"subjectNs\": %.5g, "
                                  "\"baselineNs\": %.5g, \"ratio\": %.4f}",
                                  c.study.c_str(), c.isa.c_str(), c.type.c_str(), static_cast<long long>(c.elements),
                                  c.subject.c_str(), c.baseline.c_str(), c.subject_ns, c.baseline_ns, c.ratio));
    std::printf("%-12s %s %-6s %10lld elements: %s %.5g ns, %s %.5g ns: ratio %.3f\n", c.study.c_str(), c.type.c_str(),
                c.isa.c_str(), static_cast<long long>(c.elements), c.subject.c_str(), c.subject_ns, c.baseline.c_str(),
                c.baseline_ns, c.ratio);
    std::fflush(stdout);
}

void report::write(std::FILE *to, const std::string &circumstances) const {
    std::fprintf(to, "{\n  \"kind\": \"native\",\n  \"circumstances\": %s", circumstances.c_str());
    write_list(to, "measurements", measurements_);
    write_list(to, "comparisons", comparisons_);
    std::fprintf(to, "\n}\n");
}

} // namespace nrb
