/* Steps to try: random options, random tensors with all their arrays, and comparison to the bit. */
#ifndef NR_TESTS_PROBLEM_H
#define NR_TESTS_PROBLEM_H

#include "nativeranger.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <ostream>
#include <random>
#include <string>
#include <vector>

namespace problem {

using random_bits = std::mt19937_64;

constexpr int algorithms[] = {NR_SGD, NR_ADAGRAD, NR_ADAM, NR_RADAM, NR_SEED_RANGER};

template <class T>
constexpr int32_t type_of = sizeof(T) == 8 ? NR_FLOAT64 : NR_FLOAT32;

/* Names the two variants of a typed test. */
struct type_names {
    template <class T>
    static std::string GetName(int) {
        return sizeof(T) == 8 ? "float64" : "float32";
    }
};

inline std::vector<int32_t> instruction_sets() {
    std::vector<int32_t> found;
    for (int32_t isa = NR_ISA_SCALAR; isa < NR_ISA_COUNT; ++isa)
        if (nr_isa_available(isa))
            found.push_back(isa);
    return found;
}

inline int pick(random_bits &random, int count) { return int(random() % uint64_t(count)); }

template <class V>
V one_of(random_bits &random, std::initializer_list<V> values) {
    return values.begin()[pick(random, int(values.size()))];
}

inline double uniform(random_bits &random) { return double(random() >> 11) * 0x1p-53; }

/* Options that every field of which is valid, with nothing done but the algorithm's plain step. */
struct options {
    nr_options how = {};
    std::vector<nr_follower> followers;

    options(int32_t algorithm, int32_t type) {
        how.struct_size = sizeof how;
        how.type = type;
        how.algorithm = algorithm;
        how.isa = NR_ISA_AUTO;
        how.learning_rate = 1e-2;
        how.beta1 = 0.9;
        how.beta2 = 0.99;
        how.epsilon = 1e-5;
        how.threshold = 5;
        how.gradient_scale = 1;
        how.clip_value = std::numeric_limits<double>::infinity();
        how.clip_factor = 1;
        how.standardise_epsilon = 1e-5;
        how.seed_alpha = 0.5;
        how.seed_period = 3;
    }

    /* Valid as long as this object is neither moved nor changed. */
    nr_options view() const {
        nr_options o = how;
        o.follower_count = int32_t(followers.size());
        o.followers = followers.data();
        return o;
    }
};

inline bool has_pullback(const options &o) {
    for (const nr_follower &f : o.followers)
        if (f.flags & NR_FOLLOWER_PULLBACK)
            return true;
    return false;
}

/* Any combination of options that the contract allows. */
inline options random_options(random_bits &random, int32_t algorithm, int32_t type) {
    options o(algorithm, type);
    nr_options &how = o.how;
    auto maybe = [&](int one_in) { return pick(random, one_in) == 0; };
    how.learning_rate = one_of(random, {1e-3, 0.1, 0.0});
    how.beta1 = one_of(random, {0.9, 0.95, 0.5, 0.0});
    how.beta2 = one_of(random, {0.999, 0.9, 0.5, 0.0});
    how.epsilon = one_of(random, {1e-8, 1e-5, 0.1});
    how.weight_decay = one_of(random, {0.0, 0.0, 0.01, 0.5});
    how.rate_decay = one_of(random, {0.0, 0.1});
    how.initial_accumulator = one_of(random, {0.0, 0.25});
    how.threshold = one_of(random, {5.0, 4.0});
    how.working_set = one_of(random, {int64_t{0}, int64_t{1} << 40});
    if (maybe(4))
        how.gradient_scale = one_of(random, {0.25, 1.0 / 3});
    if (maybe(4))
        how.clip_value = one_of(random, {0.5, 2.0});
    if (maybe(4))
        how.clip_factor = one_of(random, {0.7, 0.0});
    if (maybe(4))
        how.adaptive_clip = one_of(random, {0.01, 0.5});
    if (maybe(4))
        how.flags |= NR_ZERO_GRADIENT;
    if (algorithm != NR_SEED_RANGER && maybe(3))
        how.flags |= NR_CENTRALISE_UPDATE;
    if (algorithm == NR_SGD) {
        how.dampening = one_of(random, {0.0, 0.0, 0.25});
        if (how.beta1 != 0 && how.dampening == 0 && maybe(2))
            how.flags |= NR_NESTEROV;
    }
    if (algorithm == NR_ADAM && maybe(3))
        how.flags |= NR_AMSGRAD;
    if (algorithm == NR_RADAM && maybe(3))
        how.flags |= NR_SKIP_UNRECTIFIED;
    if ((algorithm == NR_ADAM || algorithm == NR_RADAM) && maybe(2))
        how.flags |= NR_DECOUPLED_DECAY;

    const int count = maybe(2) ? 0 : 1 + pick(random, 3);
    for (int i = 0; i < count; ++i) {
        nr_follower f = {one_of(random, {0.5, 0.8, 1.0, 0.0, 0.01}), 0, 0};
        if (!maybe(4)) {
            f.flags = NR_FOLLOWER_LEADS;
            if (maybe(3))
                f.flags |= NR_FOLLOWER_RESET;
            else if (algorithm == NR_SGD && how.beta1 != 0 && maybe(2))
                f.flags |= NR_FOLLOWER_PULLBACK;
        }
        o.followers.push_back(f);
    }
    return o;
}

struct shape {
    int64_t outer, rows, inner, stride;

    int64_t elements() const { return outer * rows * inner; }
    int64_t span() const { return elements() == 0 ? 0 : (outer - 1) * stride + rows * inner; }
    int64_t row_length() const { return outer * inner; }
};

inline shape flat(int64_t n) { return {1, 1, n, n}; }
inline shape row_major(int64_t rows, int64_t length) { return {1, rows, length, rows * length}; }
inline shape column_major(int64_t rows, int64_t columns) { return {columns, rows, 1, rows}; }

/* Values of everyday size, with the special ones among them. */
template <class T>
T random_value(random_bits &random, bool hostile) {
    const T sign = random() % 2 == 0 ? T(1) : T(-1);
    if (hostile && pick(random, 8) == 0) {
        using limits = std::numeric_limits<T>;
        return sign * one_of(random, {T(0), limits::denorm_min(), limits::min() / 2, limits::min(), limits::max(),
                                      limits::infinity(), limits::quiet_NaN(), T(1e-30), T(1e30)});
    }
    const double significand = uniform(random) + 0.5; /* in an order that every compiler keeps */
    return sign * T(std::ldexp(significand, pick(random, 12) - 8));
}

/* Everything that belongs to one tensor. Arrays begin skew elements after an aligned address. */
template <class T>
class tensor {
public:
    tensor(random_bits &random, const options &o, shape s, bool hostile, int skew = 0) : shape_(s), skew_(skew) {
        const size_t size = size_t(s.span() + skew);
        auto fill = [&](std::vector<T> &values) {
            values.resize(size);
            for (T &x : values)
                x = random_value<T>(random, hostile);
        };
        fill(p);
        fill(g);
        for (std::vector<T> &values : s_)
            fill(values);
        for (int second = 1; second < 4; ++second)
            if (o.how.algorithm != NR_SGD && (second != 2 || o.how.algorithm == NR_ADAM))
                for (T &x : s_[second])
                    x = std::fabs(x);
        if (o.how.algorithm == NR_ADAGRAD)
            for (T &x : s_[0])
                x = std::fabs(x);
        followers.resize(o.followers.size());
        momenta.resize(o.followers.size());
        for (size_t i = 0; i < o.followers.size(); ++i) {
            fill(followers[i]);
            fill(momenta[i]);
        }
    }

    nr_tensor view() {
        nr_tensor t = {};
        t.parameter = p.data() + skew_;
        t.gradient = with_gradient ? g.data() + skew_ : nullptr;
        for (int j = 0; j < 4; ++j)
            t.state[j] = s_[j].data() + skew_;
        buffers_.clear();
        for (size_t i = 0; i < followers.size(); ++i)
            buffers_.push_back({followers[i].data() + skew_, momenta[i].data() + skew_});
        t.followers = buffers_.data();
        t.scalars = scalars;
        t.row_values = row_values.empty() ? nullptr : row_values.data();
        t.outer = shape_.outer;
        t.rows = shape_.rows;
        t.inner = shape_.inner;
        t.stride = shape_.stride;
        t.step = step;
        t.active = active;
        t.flags = flags;
        return t;
    }

    std::vector<std::pair<std::string, const std::vector<T> *>> arrays() const {
        std::vector<std::pair<std::string, const std::vector<T> *>> all = {{"parameter", &p}, {"gradient", &g}};
        for (int j = 0; j < 4; ++j)
            all.push_back({"state " + std::to_string(j), &s_[j]});
        for (size_t i = 0; i < followers.size(); ++i) {
            all.push_back({"follower " + std::to_string(i), &followers[i]});
            all.push_back({"momentum " + std::to_string(i), &momenta[i]});
        }
        return all;
    }

    const shape &extents() const { return shape_; }
    int skew() const { return skew_; }
    std::vector<T> &state(int j) { return s_[j]; }

    std::vector<T> p, g;
    std::vector<std::vector<T>> followers, momenta;
    double scalars[4] = {};
    std::vector<nr_row> row_values;
    int64_t step = 1;
    uint64_t active = 0;
    uint32_t flags = 0;
    bool with_gradient = true;

private:
    std::vector<T> s_[4];
    std::vector<nr_follower_buffers> buffers_;
    shape shape_;
    int skew_;
};

/* Equal bits; a NaN equals any NaN. */
template <class T>
bool same(T a, T b) {
    return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof(T)) == 0;
}

/* Where two tensors differ, or nothing. Arrays are compared whole: what lies between and behind the elements too. */
template <class T>
std::string difference(const tensor<T> &want, const tensor<T> &got) {
    const auto a = want.arrays(), b = got.arrays();
    for (size_t n = 0; n < a.size(); ++n)
        for (size_t i = 0; i < a[n].second->size(); ++i)
            if (!same((*a[n].second)[i], (*b[n].second)[i]))
                return a[n].first + "[" + std::to_string(i) + "]: want " + std::to_string((*a[n].second)[i]) +
                       ", got " + std::to_string((*b[n].second)[i]);
    for (int j = 0; j < 4; ++j)
        if (!same(want.scalars[j], got.scalars[j]))
            return "scalar " + std::to_string(j);
    return "";
}

/* Any tensor that the contract allows for these options. */
template <class T>
tensor<T> random_tensor(random_bits &random, const options &o, shape s, bool hostile) {
    tensor<T> t(random, o, s, hostile, pick(random, 4));
    if (s.row_length() >= 2)
        t.flags = one_of<uint32_t>(random, {0, NR_CENTRALISE, NR_STANDARDISE});
    t.step = one_of<int64_t>(random, {1, 2, 4, 5, 6, 7, 100, int64_t{1} << 40});
    t.active = random() & ((uint64_t{1} << o.followers.size()) - 1);
    t.with_gradient = pick(random, 8) != 0;
    if (o.how.algorithm == NR_SEED_RANGER) {
        const double used = double(pick(random, 2));
        t.scalars[0] = one_of(random, {0.0, 1e-3, 1e9});
        t.scalars[1] = used == 0 ? 0 : one_of(random, {0.0, 1e-3, 1e9});
        t.scalars[2] = used == 0 ? 0 : double(t.step);
        t.scalars[3] = used;
    }
    return t;
}

inline shape random_shape(random_bits &random, int64_t around, bool contiguous) {
    const int64_t a = 1 + pick(random, int(around)), b = 1 + pick(random, int(around)), c = 1 + pick(random, 8);
    const int64_t any_gap = contiguous ? 0 : pick(random, 2);
    const int64_t gap = any_gap == 0 ? 0 : 1 + pick(random, 9);
    switch (pick(random, 5)) {
    case 0:
        return flat(a * b);
    case 1:
        return row_major(a, b);
    case 2:
        return {b, a, 1, a + gap};
    case 3:
        return row_major(c, 2 * around + b);
    default:
        return {c, a, b, a * b + gap};
    }
}

inline std::string describe(const options &o, const shape &s, int32_t isa) {
    return std::string(nr_isa_name(isa)) + ", algorithm " + std::to_string(o.how.algorithm) + ", type " +
           std::to_string(o.how.type) + ", flags " + std::to_string(o.how.flags) + ", outer " +
           std::to_string(s.outer) + " rows " + std::to_string(s.rows) + " inner " + std::to_string(s.inner) +
           " stride " + std::to_string(s.stride);
}

} // namespace problem

#endif
