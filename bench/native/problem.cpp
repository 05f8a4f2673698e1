#include "problem.h"

#include "limit_pass.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <stdexcept>

#include <unistd.h>

namespace nrb {

const std::vector<algorithm> algorithms = {
    {"sgd", NR_SGD, 0, 0.0, 0.0, 1, false, 0},
    {"momentum", NR_SGD, 0, 0.9, 0.0, 2, false, 0},
    {"adagrad", NR_ADAGRAD, 0, 0.0, 0.0, 2, false, 0},
    {"adam", NR_ADAM, 0, 0.9, 0.0, 3, false, 0},
    {"adamw", NR_ADAM, NR_DECOUPLED_DECAY, 0.9, 0.01, 3, false, 0},
    {"radam", NR_RADAM, NR_DECOUPLED_DECAY, 0.9, 0.0, 3, false, 0},
    {"radam", NR_RADAM, NR_DECOUPLED_DECAY, 0.95, 0.0, 3, true, 0},
    {"ranger", NR_RADAM, NR_DECOUPLED_DECAY, 0.95, 0.0, 3, false, 6},
    {"ranger", NR_RADAM, NR_DECOUPLED_DECAY, 0.95, 0.0, 3, true, 6},
};

const algorithm &find_algorithm(const std::string &name, bool centralised) {
    for (const algorithm &a : algorithms)
        if (name == a.name && centralised == a.centralised)
            return a;
    throw std::invalid_argument("no algorithm " + name);
}

namespace {

constexpr int gradient_array = 0;
constexpr int parameter_array = 1;

/* Late enough for RAdam to be rectified. It never advances, so that every call computes the same. */
constexpr int64_t step_number = 1000;

/* Beyond this nothing of one repetition is left in a cache for the next. */
constexpr int64_t most_bytes_to_warm = int64_t{256} << 20;

/* The last bytes of one .NET array and the header of the next. */
constexpr int64_t between_tensors = 24;

int64_t round_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

int64_t second_level_cache_bytes() {
    const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return bytes > 0 ? bytes : int64_t{1} << 20;
}

/* SplitMix64: a value of its own for every index. */
uint64_t scatter(uint64_t index) {
    uint64_t x = (index + 1) * 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/* Of either sign, of magnitude 0.005 to 0.015: no moment of it ever becomes subnormal. */
double value_at(int64_t index) {
    const uint64_t bits = scatter(static_cast<uint64_t>(index));
    const double magnitude = 0.005 + 0.01 * static_cast<double>(bits >> 32) / 4294967296.0;
    return (bits & 1) != 0 ? magnitude : -magnitude;
}

void put(char *to, int32_t type, double value) {
    if (type == NR_FLOAT64)
        *reinterpret_cast<double *>(to) = value;
    else
        *reinterpret_cast<float *>(to) = static_cast<float>(value);
}

/* What one member of the team steps. */
struct part {
    nr_options options;
    nr_follower follower;
    std::vector<nr_tensor> tensors;
    std::vector<nr_follower_buffers> slow;
    int64_t calls = 0;
};

/* True in the calls in which the slow weights move. */
bool synchronises(int64_t &calls, int period) { return ++calls % period == 0; }

void step_part(part &mine, int period) {
    if (period != 0) {
        const uint64_t active = synchronises(mine.calls, period) ? 1 : 0;
        for (nr_tensor &t : mine.tensors)
            t.active = active;
    }
    const nr_status status = nr_step(&mine.options, static_cast<int64_t>(mine.tensors.size()), mine.tensors.data());
    if (status != NR_OK) {
        std::fprintf(stderr, "nr_step: %s\n", nr_status_text(status));
        std::exit(1);
    }
}

} // namespace

problem::problem(const algorithm &how, int32_t type, const shape &size, nrl::team &team)
    : how_(how), type_(type), element_bytes_(type == NR_FLOAT64 ? 8 : 4), size_(size), threads_(team.threads()),
      pitch_(size.tensors == 1 ? 0 : round_up(size.rows * size.columns * element_bytes_ + between_tensors, 8)),
      memory_(1 + how.arrays + (how.period != 0 ? 1 : 0),
              static_cast<std::size_t>(size.tensors == 1 ? size.elements() * element_bytes_ : size.tensors * pitch_)) {
    if (size.column_major && threads_ > 1)
        throw std::invalid_argument("a column-major tensor is stepped by one thread");
    team.time([this](int member) { fill(member); }, 0, 1);
}

char *problem::at(int array, int64_t tensor, int64_t index) const {
    return static_cast<char *>(memory_.array(array)) + tensor * pitch_ + index * element_bytes_;
}

problem::range problem::share(int64_t count, int member) const {
    const int64_t each = round_up((count + threads_ - 1) / threads_, count > 4096 ? 64 : 1);
    return {std::min(count, member * each), std::min(count, (member + 1) * each)};
}

nr_tensor problem::piece(int64_t tensor, int member) const {
    const bool by_rows = how_.centralised;
    const range all = {0, by_rows ? size_.rows : size_.rows * size_.columns};
    const range mine = size_.tensors > 1 || size_.column_major ? all : share(all.end, member);
    const int64_t first = by_rows && !size_.column_major ? mine.begin * size_.columns : mine.begin;

    nr_tensor t = {};
    t.gradient = at(gradient_array, tensor, first);
    t.parameter = at(parameter_array, tensor, first);
    for (int j = 0; j < how_.arrays - 1; ++j)
        t.state[j] = at(parameter_array + 1 + j, tensor, first);
    t.step = step_number;
    t.flags = how_.centralised ? NR_CENTRALISE : 0;
    if (size_.column_major) {
        t.outer = size_.columns;
        t.rows = size_.rows;
        t.inner = 1;
        t.stride = size_.rows;
    } else {
        t.outer = 1;
        t.rows = by_rows ? mine.end - mine.begin : 1;
        t.inner = by_rows ? size_.columns : mine.end - mine.begin;
        t.stride = t.rows * t.inner;
    }
    return t;
}

void problem::fill(int member) {
    const int64_t each = size_.rows * size_.columns;
    const int slow_array = parameter_array + how_.arrays;
    const range tensors = tensors_of(member);
    for (int64_t tensor = tensors.begin; tensor < tensors.end; ++tensor) {
        const range mine = size_.tensors > 1 ? range{0, each} : share(each, member);
        for (int64_t i = mine.begin; i < mine.end; ++i) {
            put(at(gradient_array, tensor, i), type_, value_at(i));
            put(at(parameter_array, tensor, i), type_, value_at(~i));
            for (int array = parameter_array + 1; array < slow_array; ++array)
                put(at(array, tensor, i), type_, 0.0);
            if (how_.period != 0)
                put(at(slow_array, tensor, i), type_, value_at(~i));
        }
    }
}

variant problem::step(int32_t isa, int64_t working_set_told) {
    auto parts = std::make_shared<std::vector<part>>(static_cast<std::size_t>(threads_));
    for (int member = 0; member < threads_; ++member) {
        part &mine = (*parts)[static_cast<std::size_t>(member)];
        const range tensors = tensors_of(member);
        for (int64_t tensor = tensors.begin; tensor < tensors.end; ++tensor) {
            mine.tensors.push_back(piece(tensor, member));
            mine.slow.push_back({nullptr, nullptr});
            if (how_.period != 0) {
                const char *first = static_cast<const char *>(mine.tensors.back().parameter);
                const int64_t index = (first - at(parameter_array, tensor, 0)) / element_bytes_;
                mine.slow.back().weights = at(parameter_array + how_.arrays, tensor, index);
            }
        }
        for (std::size_t i = 0; i < mine.tensors.size(); ++i)
            mine.tensors[i].followers = how_.period != 0 ? &mine.slow[i] : nullptr;

        mine.follower = {0.5, NR_FOLLOWER_LEADS, 0};
        nr_options &o = mine.options;
        o = {};
        o.struct_size = sizeof o;
        o.type = type_;
        o.algorithm = how_.code;
        o.isa = isa;
        o.flags = how_.flags;
        o.follower_count = how_.period != 0 ? 1 : 0;
        o.followers = how_.period != 0 ? &mine.follower : nullptr;
        o.learning_rate = 1e-3;
        o.beta1 = how_.beta1;
        o.beta2 = 0.999;
        o.epsilon = how_.code == NR_RADAM ? 1e-5 : 1e-8;
        o.weight_decay = how_.weight_decay;
        o.threshold = 5.0;
        o.gradient_scale = 1.0;
        o.clip_value = std::numeric_limits<double>::infinity();
        o.clip_factor = 1.0;
        o.standardise_epsilon = 1e-10;
        o.working_set = working_set_told != 0 ? working_set_told : threads_ > 1 ? working_set() : 0;
    }
    const int period = how_.period;
    return {[parts, period](int member) { step_part((*parts)[static_cast<std::size_t>(member)], period); },
            std::max(1, period), working_set() <= most_bytes_to_warm};
}

variant problem::limit(bool prefetch) {
    nrl_pass pass = {};
    pass.element_bytes = static_cast<int32_t>(element_bytes_);
    pass.array_count = how_.arrays;
    pass.prefetch = prefetch ? 1 : 0;
    pass.elements = size_.elements();
    pass.gradient = at(gradient_array, 0, 0);
    for (int j = 0; j < how_.arrays; ++j)
        pass.arrays[j] = at(parameter_array + j, 0, 0);
    const nrl::job plain = nrl::share_pass(pass, threads_);
    const bool warm = working_set() <= most_bytes_to_warm;
    if (how_.period == 0)
        return {plain, 1, warm};

    pass.arrays[pass.array_count++] = at(parameter_array + how_.arrays, 0, 0);
    const nrl::job with_slow_weights = nrl::share_pass(pass, threads_);
    auto calls = std::make_shared<std::vector<int64_t>>(static_cast<std::size_t>(threads_));
    const int period = how_.period;
    return {[=](int member) {
                const bool moves = synchronises((*calls)[static_cast<std::size_t>(member)], period);
                (moves ? with_slow_weights : plain)(member);
            },
            period, warm};
}

void problem::zero_some_gradients() {
    for (int64_t i = 0; i < size_.elements(); ++i)
        if (scatter(static_cast<uint64_t>(i)) % 10 == 0)
            put(at(gradient_array, 0, i), type_, 0.0);
}

int64_t problem::working_set() const {
    return (1 + how_.arrays + (how_.period != 0 ? 1 : 0)) * size_.elements() * element_bytes_;
}

double problem::limit_bytes() const {
    const double slow = how_.period != 0 ? 2.0 / how_.period : 0.0;
    return (1.0 + 2.0 * how_.arrays + slow) * static_cast<double>(element_bytes_);
}

double problem::step_bytes() const {
    const bool read_twice =
        how_.centralised && !size_.column_major && size_.columns * element_bytes_ > second_level_cache_bytes();
    return limit_bytes() + (read_twice ? static_cast<double>(element_bytes_) : 0.0);
}

} // namespace nrb
