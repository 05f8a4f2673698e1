#include "compare.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <random>

namespace nrb {

namespace {

/* Much longer than reading the clock, much shorter than a time slice. */
constexpr double batch_seconds = 150e-6;
constexpr std::size_t fewest_rounds = 7;
constexpr std::size_t most_rounds = 2000;

int64_t whole_cycles(double repetitions, int cycle) {
    const int64_t cycles = static_cast<int64_t>(repetitions / cycle);
    return std::max<int64_t>(1, cycles) * cycle;
}

int64_t repetitions_of_batch(nrl::team &team, const variant &v) {
    int64_t repetitions = v.cycle;
    double seconds = team.time(v.work, v.cycle, repetitions);
    while (seconds < batch_seconds / 4) {
        repetitions *= 2;
        seconds = team.time(v.work, 0, repetitions);
    }
    return whole_cycles(static_cast<double>(repetitions) * batch_seconds / seconds, v.cycle);
}

} // namespace

std::vector<std::vector<double>> compare(nrl::team &team, const std::vector<variant> &variants, double seconds) {
    using clock = std::chrono::steady_clock;
    static std::mt19937 order_of_rounds(12345);

    std::vector<int64_t> repetitions;
    for (const variant &v : variants)
        repetitions.push_back(repetitions_of_batch(team, v));

    std::vector<std::size_t> order(variants.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::vector<std::vector<double>> times(variants.size());
    const auto end = clock::now() + std::chrono::duration<double>(seconds);
    for (std::size_t round = 0; round < most_rounds && (round < fewest_rounds || clock::now() < end); ++round) {
        std::shuffle(order.begin(), order.end(), order_of_rounds);
        for (std::size_t i : order) {
            const variant &v = variants[i];
            const int64_t untimed = v.warm ? whole_cycles(static_cast<double>(repetitions[i]) / 4, v.cycle) : 0;
            times[i].push_back(team.time(v.work, untimed, repetitions[i]) / static_cast<double>(repetitions[i]));
        }
    }
    return times;
}

double quantile(std::vector<double> values, double fraction) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(fraction * static_cast<double>(values.size() - 1) + 0.5)];
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

std::vector<double> ratios(const std::vector<double> &a, const std::vector<double> &b) {
    std::vector<double> result(a.size());
    std::transform(a.begin(), a.end(), b.begin(), result.begin(), [](double x, double y) { return x / y; });
    return result;
}

} // namespace nrb
