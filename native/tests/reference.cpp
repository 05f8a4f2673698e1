#include "reference.h"

#include <cmath>
#include <limits>

namespace reference {

namespace {

double power(double base, int64_t exponent) {
    double result = 1;
    for (; exponent != 0; exponent >>= 1, base *= base)
        if (exponent % 2 == 1)
            result *= base;
    return result;
}

template <class T>
T flushed(T x) {
    return std::fabs(x) < std::numeric_limits<T>::min() ? T(0) : x;
}

int64_t index_of(const nr_tensor &t, int64_t row, int64_t i) {
    return i / t.inner * t.stride + row * t.inner + i % t.inner;
}

int64_t row_length(const nr_tensor &t) { return t.outer * t.inner; }

/* Everything of one parameter element. */
template <class T>
struct element {
    T p;
    T s[4];
};

template <class T>
T *array(void *buffer) {
    return static_cast<T *>(buffer);
}

int state_count(const nr_options &o) {
    if (o.algorithm == NR_SGD)
        return o.beta1 != 0 ? 1 : 0;
    if (o.algorithm == NR_ADAGRAD)
        return 1;
    if (o.algorithm == NR_SEED_RANGER)
        return 4;
    return o.flags & NR_AMSGRAD ? 3 : 2;
}

template <class T>
element<T> load(const nr_options &o, const nr_tensor &t, int64_t at) {
    element<T> e = {};
    e.p = array<T>(t.parameter)[at];
    for (int j = 0; j < state_count(o); ++j)
        e.s[j] = array<T>(t.state[j])[at];
    return e;
}

template <class T>
void store(const nr_options &o, const nr_tensor &t, int64_t at, const element<T> &e) {
    array<T>(t.parameter)[at] = e.p;
    for (int j = 0; j < state_count(o); ++j)
        array<T>(t.state[j])[at] = e.s[j];
}

template <class T>
T clipped(T g, T limit) {
    if (g > limit)
        return limit;
    return g < -limit ? -limit : g;
}

template <class T>
T raw_prepared(const nr_options &o, T g) {
    if (o.gradient_scale != 1)
        g *= T(o.gradient_scale);
    if (!std::isinf(o.clip_value))
        g = clipped(g, T(o.clip_value));
    return g;
}

double norm(const std::vector<double> &values) {
    std::vector<double> squares;
    for (double x : values)
        squares.push_back(x * x);
    const double sum = canonical_sum(squares);
    if (sum != std::numeric_limits<double>::infinity())
        return std::sqrt(sum);
    for (size_t i = 0; i < values.size(); ++i) {
        const double x = std::ldexp(values[i], -600);
        squares[i] = x * x;
    }
    return std::ldexp(std::sqrt(canonical_sum(squares)), 600);
}

struct scalars {
    double bias1, bias2, rho, rectification;
    bool rectified;
};

scalars scalars_of(const nr_options &o, int64_t t) {
    scalars s = {};
    s.bias1 = 1 - power(o.beta1, t);
    s.bias2 = 1 - power(o.beta2, t);
    const double limit = 2 / (1 - o.beta2) - 1;
    s.rho = limit - 2 * double(t) * power(o.beta2, t) / s.bias2;
    s.rectified = s.rho > o.threshold;
    s.rectification = std::sqrt((s.rho - 4) * (s.rho - 2) * limit / ((limit - 4) * (limit - 2) * s.rho));
    return s;
}

template <class T>
void move_moments(const nr_options &o, T g, T &m, T &v) {
    m = flushed<T>(T(o.beta1) * m + T(1 - o.beta1) * g);
    v = flushed<T>(T(o.beta2) * v + T(1 - o.beta2) * (g * g));
}

/* Moves the states of an element; returns the update before the step size. */
template <class T>
T advance(const nr_options &o, const scalars &s, int64_t t, T g, element<T> &e) {
    const T epsilon = T(o.epsilon);
    switch (o.algorithm) {
    case NR_SGD:
        if (o.beta1 == 0)
            return g;
        e.s[0] = flushed<T>(t == 1 ? g : T(o.beta1) * e.s[0] + T(1 - o.dampening) * g);
        return o.flags & NR_NESTEROV ? g + T(o.beta1) * e.s[0] : e.s[0];
    case NR_ADAGRAD:
        e.s[0] = flushed<T>(e.s[0] + g * g);
        return g / (std::sqrt(e.s[0]) + epsilon);
    case NR_ADAM: {
        move_moments(o, g, e.s[0], e.s[1]);
        T v = e.s[1];
        if (o.flags & NR_AMSGRAD) {
            if (!(e.s[2] >= v))
                e.s[2] = v;
            v = e.s[2];
        }
        return e.s[0] / (std::sqrt(v) * T(1 / std::sqrt(s.bias2)) + epsilon);
    }
    default:
        move_moments(o, g, e.s[0], e.s[1]);
        return s.rectified ? e.s[0] / (std::sqrt(e.s[1]) + epsilon) : e.s[0];
    }
}

double step_size(const nr_options &o, int64_t t) {
    const scalars s = scalars_of(o, t);
    const double lr = o.learning_rate;
    switch (o.algorithm) {
    case NR_SGD:
        return lr;
    case NR_ADAGRAD:
        return lr / (1 + double(t - 1) * o.rate_decay);
    case NR_ADAM:
        return lr / s.bias1;
    case NR_RADAM:
        return s.rectified ? lr * s.rectification * std::sqrt(s.bias2) / s.bias1 : lr / s.bias1;
    default:
        return lr * std::sqrt(s.bias2) / s.bias1;
    }
}

bool decays_gradient(const nr_options &o) {
    return o.weight_decay != 0 && !(o.flags & NR_DECOUPLED_DECAY) && o.algorithm != NR_SEED_RANGER;
}

bool skips(const nr_options &o, int64_t t) {
    return o.algorithm == NR_RADAM && (o.flags & NR_SKIP_UNRECTIFIED) && !scalars_of(o, t).rectified;
}

bool centres_update(const nr_options &o, const nr_tensor &t) {
    return (t.flags & NR_CENTRALISE) && (o.flags & NR_CENTRALISE_UPDATE);
}

/* The row's gradient after adaptive clipping and L2 decay. */
template <class T>
std::vector<T> gradient_of_row(const nr_options &o, const nr_tensor &t, int64_t row, T scale) {
    std::vector<T> g;
    for (int64_t i = 0; i < row_length(t); ++i) {
        const int64_t at = index_of(t, row, i);
        T x = raw_prepared(o, array<T>(t.gradient)[at]);
        if (o.clip_factor != 1)
            x *= T(o.clip_factor);
        if (o.adaptive_clip != 0)
            x *= scale;
        if (decays_gradient(o))
            x += T(o.weight_decay) * array<T>(t.parameter)[at];
        g.push_back(x);
    }
    return g;
}

template <class T>
T mean_of(const std::vector<T> &values) {
    return T(canonical_sum({values.begin(), values.end()}) / double(values.size()));
}

template <class T>
nr_row statistics_of_row(const nr_options &o, const nr_tensor &t, int64_t row) {
    nr_row result = {1, 0, 1};
    if (o.adaptive_clip != 0) {
        std::vector<double> gradient, parameter;
        nr_options unclipped = o;
        unclipped.adaptive_clip = 0;
        unclipped.weight_decay = 0;
        for (T x : gradient_of_row<T>(unclipped, t, row, T(1)))
            gradient.push_back(x);
        for (int64_t i = 0; i < row_length(t); ++i)
            parameter.push_back(array<T>(t.parameter)[index_of(t, row, i)]);
        const double weight = norm(parameter);
        const double limit = o.adaptive_clip * (weight < 1e-3 ? 1e-3 : weight);
        const double length = norm(gradient);
        if (length > limit)
            result.scale = T(limit / length);
    }

    const std::vector<T> g = gradient_of_row<T>(o, t, row, T(result.scale));
    if (centres_update(o, t)) {
        if (skips(o, t.step))
            return result;
        std::vector<T> updates;
        const scalars s = scalars_of(o, t.step);
        for (int64_t i = 0; i < row_length(t); ++i) {
            element<T> e = load<T>(o, t, index_of(t, row, i));
            updates.push_back(advance(o, s, t.step, g[size_t(i)], e));
        }
        result.mean = mean_of(updates);
    } else if (t.flags != 0) {
        result.mean = mean_of(g);
    }
    if (t.flags & NR_STANDARDISE) {
        std::vector<double> squares;
        for (T x : g) {
            const double d = T(x - T(result.mean));
            squares.push_back(d * d);
        }
        const double epsilon = o.algorithm == NR_SEED_RANGER ? o.epsilon : o.standardise_epsilon;
        result.denominator = T(std::sqrt(canonical_sum(squares) / double(row_length(t) - 1)) + epsilon);
    }
    return result;
}

/* The gradient that the moments see. */
template <class T>
std::vector<T> final_gradient(const nr_options &o, const nr_tensor &t, int64_t row, const nr_row &r) {
    std::vector<T> g = gradient_of_row<T>(o, t, row, T(r.scale));
    for (T &x : g) {
        if (t.flags != 0 && !centres_update(o, t))
            x -= T(r.mean);
        if (t.flags & NR_STANDARDISE)
            x /= T(r.denominator);
    }
    return g;
}

template <class T>
void move_followers(const nr_options &o, const nr_tensor &t, int64_t at, element<T> &e) {
    for (int f = 0; f < o.follower_count; ++f) {
        if (!(t.active >> f & 1))
            continue;
        const nr_follower &how = o.followers[f];
        const bool whole = how.weight == 1;
        T &slow = array<T>(t.followers[f].weights)[at];
        slow = whole ? e.p : slow + T(how.weight) * (e.p - slow);
        if (how.flags & NR_FOLLOWER_LEADS)
            e.p = slow;
        if (how.flags & NR_FOLLOWER_PULLBACK) {
            T &momentum = array<T>(t.followers[f].momentum)[at];
            if (!whole)
                e.s[0] = flushed<T>(T(how.weight) * e.s[0] + T(1 - how.weight) * momentum);
            momentum = e.s[0];
        }
        if (how.flags & NR_FOLLOWER_RESET) {
            for (T &s : e.s)
                s = T(0);
            if (o.algorithm == NR_ADAGRAD)
                e.s[0] = T(o.initial_accumulator);
            for (int inner = 0; inner < f; ++inner) {
                if (!(o.followers[inner].flags & NR_FOLLOWER_LEADS))
                    continue;
                array<T>(t.followers[inner].weights)[at] = e.p;
                if (o.followers[inner].flags & NR_FOLLOWER_PULLBACK)
                    array<T>(t.followers[inner].momentum)[at] = T(0);
            }
        }
    }
}

bool resets(const nr_options &o, const nr_tensor &t) {
    for (int f = 0; f < o.follower_count; ++f)
        if ((t.active >> f & 1) && (o.followers[f].flags & NR_FOLLOWER_RESET))
            return true;
    return false;
}

template <class T>
nr_row row_of(const nr_options &o, const nr_tensor &t, int64_t row) {
    return t.row_values != nullptr ? t.row_values[row] : statistics_of_row<T>(o, t, row);
}

template <class T>
double mean_of_array(const void *values, int64_t n) {
    const T *from = static_cast<const T *>(values);
    return canonical_sum({from, from + n}) / double(n);
}

template <class T>
void step_seed_ranger(const nr_options &o, const nr_tensor &t) {
    const int64_t n = t.outer * t.rows * t.inner;
    std::vector<T> g(size_t(n), T(0));
    for (int64_t row = 0; row < t.rows; ++row) {
        const std::vector<T> prepared = final_gradient<T>(o, t, row, row_of<T>(o, t, row));
        for (int64_t i = 0; i < row_length(t); ++i)
            g[size_t(index_of(t, row, i))] = prepared[size_t(i)];
    }
    T *p = array<T>(t.parameter), *m = array<T>(t.state[0]), *v = array<T>(t.state[1]);
    T *m2 = array<T>(t.state[2]), *v2 = array<T>(t.state[3]);
    double &S = t.scalars[0], &S2 = t.scalars[1], &t2 = t.scalars[2], &used = t.scalars[3];
    const T epsilon = T(o.epsilon), b2 = T(o.beta2), rest2 = T(1 - o.beta2);
    const double size = step_size(o, t.step);
    const T s = T(size), bias2 = T(scalars_of(o, t.step).bias2);

    for (int64_t i = 0; i < n; ++i)
        move_moments(o, g[size_t(i)], m[i], v[i]);
    const double S0 = S;
    S = o.seed_alpha * S + (1 - o.seed_alpha) * mean_of_array<T>(v, n);
    if (t.step <= o.seed_period || S > S0 || double(t.step) <= o.threshold) {
        for (int64_t i = 0; i < n; ++i)
            p[i] -= s * (m[i] / (std::sqrt(v[i]) + epsilon));
    } else {
        if (used == 0) {
            for (int64_t i = 0; i < n; ++i) {
                m2[i] = m[i];
                v2[i] = v[i];
            }
            S2 = S;
            t2 = double(t.step);
            used = 1;
        }
        t2 += 1;
        for (int64_t i = 0; i < n; ++i)
            move_moments(o, g[size_t(i)], m2[i], v2[i]);
        const double Q0 = S2;
        S2 = o.seed_alpha * S2 + (1 - o.seed_alpha) * mean_of_array<T>(v2, n);
        if (t2 > double(o.seed_period)) {
            const bool slow = S2 > Q0 || t2 <= o.threshold;
            for (int64_t i = 0; i < n; ++i) {
                const T both = T(2) * std::sqrt((b2 * v[i] + rest2 * v2[i]) / bias2) + epsilon;
                p[i] -= s * (slow ? m2[i] / (std::sqrt(v2[i]) + epsilon) : (m[i] + m2[i]) / both);
            }
        }
    }
    for (int64_t i = 0; i < n; ++i) {
        if (o.weight_decay != 0)
            p[i] *= T(1 - size * o.weight_decay);
        element<T> e = load<T>(o, t, i);
        move_followers(o, t, i, e);
        store(o, t, i, e);
    }
}

} // namespace

double canonical_sum(const std::vector<double> &terms) {
    std::vector<double> sums;
    for (size_t begin = 0; begin < terms.size(); begin += 4096) {
        double lanes[32] = {};
        for (size_t i = begin; i < terms.size() && i < begin + 4096; ++i)
            lanes[(i - begin) % 32] += terms[i];
        for (int half : {16, 8, 4, 2, 1})
            for (int j = 0; j < half; ++j)
                lanes[j] += lanes[j + half];
        sums.push_back(lanes[0]);
    }
    if (sums.empty())
        return 0;
    return sums.size() == 1 ? sums[0] : canonical_sum(sums);
}

template <class T>
std::vector<double> square_sums(const nr_options &o, const T *gradient, int64_t n, double scale) {
    std::vector<double> sums;
    for (int64_t begin = 0; begin < n; begin += 4096) {
        std::vector<double> squares;
        for (int64_t i = begin; i < n && i < begin + 4096; ++i) {
            const double x = double(raw_prepared(o, gradient[i])) * scale;
            squares.push_back(x * x);
        }
        sums.push_back(canonical_sum(squares));
    }
    return sums;
}

template <class T>
std::vector<nr_row> row_statistics(const nr_options &o, const nr_tensor &t) {
    std::vector<nr_row> rows;
    for (int64_t row = 0; row < t.rows; ++row)
        rows.push_back(statistics_of_row<T>(o, t, row));
    return rows;
}

template <class T>
void step(const nr_options &o, const nr_tensor &t) {
    if (t.outer * t.rows * t.inner == 0)
        return;
    const bool has_gradient = t.gradient != nullptr;
    const scalars s = scalars_of(o, has_gradient ? t.step : 1);
    const T size = T(step_size(o, has_gradient ? t.step : 1));
    const bool skipped = has_gradient && skips(o, t.step);
    if (has_gradient && o.algorithm == NR_SEED_RANGER)
        step_seed_ranger<T>(o, t);
    for (int64_t row = 0; row < t.rows; ++row) {
        const bool moves_here = has_gradient && o.algorithm != NR_SEED_RANGER;
        const nr_row r = moves_here ? row_of<T>(o, t, row) : nr_row{1, 0, 1};
        const std::vector<T> g = moves_here ? final_gradient<T>(o, t, row, r) : std::vector<T>();
        for (int64_t i = 0; i < row_length(t); ++i) {
            const int64_t at = index_of(t, row, i);
            element<T> e = load<T>(o, t, at);
            if (moves_here) {
                T u = advance(o, s, t.step, g[size_t(i)], e);
                if (centres_update(o, t))
                    u -= T(r.mean);
                if (!skipped) {
                    if (o.flags & NR_DECOUPLED_DECAY)
                        e.p *= T(1 - o.learning_rate * o.weight_decay);
                    e.p -= size * u;
                }
            }
            if (moves_here || !has_gradient)
                move_followers(o, t, at, e);
            store(o, t, at, e);
            if (has_gradient && (o.flags & NR_ZERO_GRADIENT))
                array<T>(t.gradient)[at] = T(0);
        }
    }
    if (o.algorithm == NR_SEED_RANGER && resets(o, t))
        for (int j = 0; j < 4; ++j)
            t.scalars[j] = 0;
}

template std::vector<double> square_sums<float>(const nr_options &, const float *, int64_t, double);
template std::vector<double> square_sums<double>(const nr_options &, const double *, int64_t, double);
template std::vector<nr_row> row_statistics<float>(const nr_options &, const nr_tensor &);
template std::vector<nr_row> row_statistics<double>(const nr_options &, const nr_tensor &);
template void step<float>(const nr_options &, const nr_tensor &);
template void step<double>(const nr_options &, const nr_tensor &);

} // namespace reference
