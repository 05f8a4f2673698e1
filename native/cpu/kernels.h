/* The table of one instruction set. An ISA file names its namespace and register size and includes this file once. */
#ifndef NR_CPU_KERNELS_H
#define NR_CPU_KERNELS_H

#include "cpu/kernel.h"
#include "cpu/plainly_valid.h"
#include "cpu/scalar_cache.h"
#include "cpu/seed_step.h"

namespace nr::NR_LANES {

template <class T>
struct follow_body {
    const task<T> &a;
    bool with_states;
    int64_t begin;

    template <class V>
    NR_INLINE void run(int64_t &i, int64_t count) const {
        for (; count - i >= V::width; i += V::width)
            follow_lane<V>(a, with_states, begin + i);
    }
};

template <class T>
void follow_tensor(const nr_options &o, const task<T> &a, const nr_tensor &t) {
    const bool with_states = followers_reach_states(a);
    for (int64_t outer = 0; outer < t.outer; ++outer) {
        const follow_body<T> body = {a, with_states, outer * t.stride};
        int64_t i = 0;
        for_each_lane<T, full_width<T>>(i, t.rows * t.inner, body);
    }
    if (o.algorithm == NR_SEED_RANGER && followers_reset(a))
        for (int j = 0; j < 4; ++j)
            t.scalars[j] = 0.0;
}

/* The loops of one algorithm. */
template <class T>
struct rule_loops {
    step_alike alike;
    step_run<T> (*choose)(const general_flags &f);
    update_sums<T> updates;
};

template <class Rule, class T>
constexpr rule_loops<T> loops_of = {run_alike<Rule, T>, choose_run<Rule, T>, sum_updates<Rule, T>};

template <class T>
const rule_loops<T> &find_loops(const nr_options &o) {
    switch (o.algorithm) {
    case NR_SGD:
        return o.beta1 != 0.0 ? loops_of<sgd_momentum, T> : loops_of<sgd, T>;
    case NR_ADAGRAD:
        return loops_of<adagrad, T>;
    case NR_ADAM:
        return loops_of<adam, T>;
    default:
        return loops_of<radam, T>;
    }
}

template <class T>
void step_tensors(const nr_options &o, scalar_cache &scalars, int64_t count, const nr_tensor *tensors,
                  step_manner manner) {
    follower<T> followers[most_followers];
    task<T> a;
    const rule_loops<T> &loops = find_loops<T>(o);
    step_run<T> run = nullptr;
    const nr_tensor *made_for = nullptr;
    const nr_tensor *const end = tensors + count;
    for (const nr_tensor *next = tensors; next != end;) {
        const nr_tensor *const t = next++;
        if (t->outer == 0 || t->rows == 0 || t->inner == 0 || (t->gradient == nullptr && t->active == 0))
            continue;
        if (made_for != nullptr && share_task(*made_for, *t)) {
            point_at(a, *t);
        } else {
            /* Without a gradient a tensor may have no step yet. */
            const step_scalars &found = scalars.of(t->gradient != nullptr ? t->step : 1);
            if (is_plain(o, found, *t)) {
                next = loops.alike(o, found, manner, t, end);
                continue;
            }
            fill_task(a, o, found, *t, manner.prefetch, followers);
            a.flags.roots = manner.roots;
            run = loops.choose(a.flags);
            made_for = t;
        }
        if (t->gradient == nullptr)
            follow_tensor(o, a, *t);
        else if (o.algorithm == NR_SEED_RANGER)
            step_seed_ranger(o, a, *t);
        else
            step_runs(a, run, loops.updates, *t, manner.from_memory);
    }
}

template <class T>
void tensor_row_statistics(const nr_options &o, const step_scalars &scalars, const nr_tensor &t, nr_row *out) {
    follower<T> followers[most_followers];
    const task<T> a = make_task<T>(o, scalars, t, false, followers);
    const update_sums<T> updates = find_loops<T>(o).updates;
    T scales[row_tile], means[row_tile], denominators[row_tile];
    for (int64_t first = 0; first < t.rows; first += row_tile) {
        const int64_t count = t.rows - first < row_tile ? t.rows - first : row_tile;
        find_statistics<T>(a, updates, t, first, count, {scales, means, denominators});
        for (int64_t r = 0; r < count; ++r)
            out[first + r] = {double(scales[r]), double(means[r]), double(denominators[r])};
    }
}

/* Adds x - x of every element to poison: 0 for finite ones, NaN for others, which stays. */
template <class T>
struct finite_body {
    const T *g;
    bool &finite;

    template <class V>
    NR_INLINE void run(int64_t &i, int64_t count) const {
        if (count - i < V::width)
            return;
        const V zero = V::all(T(0));
        V poison = zero;
        for (; count - i >= V::width; i += V::width) {
            const V x = V::load(g + i);
            poison = poison + (x - x);
        }
        T lanes[V::width];
        poison.store(lanes);
        for (T x : lanes)
            finite = finite && x == T(0);
    }
};

/* The gradient after scaling and clipping by value, as it is written to out. */
template <class T>
struct clip_body {
    const task<T> &a;
    const T *g;
    T *out;

    template <class V>
    NR_INLINE void run(int64_t &i, int64_t count) const {
        const constants<V> k = spread_constants<V>(a.k);
        for (; count - i >= V::width; i += V::width)
            scale_and_clip(k, a.flags, V::load(g + i)).store(out + i);
    }
};

template <class T>
bool block_square_sums(const nr_options &o, int64_t n, const void *gradient, double scale, double *sums) {
    task<T> a = {};
    a.k.gradient_scale = T(o.gradient_scale);
    a.k.clip_value = T(o.clip_value);
    a.flags.scale = o.gradient_scale != 1.0;
    a.flags.clip = o.clip_value != __builtin_inf();
    bool finite = true;
    for (int64_t begin = 0; begin < n; begin += sum_block) {
        const T *g = static_cast<const T *>(gradient) + begin;
        const int64_t count = n - begin < sum_block ? n - begin : sum_block;
        int64_t i = 0;
        for_each_lane<T, full_width<T>>(i, count, finite_body<T>{g, finite});
        if (sums == nullptr)
            continue;
        T clipped[sum_block];
        if (a.flags.scale || a.flags.clip) {
            i = 0;
            for_each_lane<T, full_width<T>>(i, count, clip_body<T>{a, g, clipped});
            g = clipped;
        }
        canonical_sum sum;
        sum.add<T>(square_term<T>{g, scale}, 0, count);
        sums[begin / sum_block] = sum.result();
    }
    return !finite;
}

template <class T>
void block_gradient_sums(const nr_options &o, const step_scalars &scalars, const nr_tensor &t, double *sums) {
    follower<T> followers[most_followers];
    const task<T> a = make_task<T>(o, scalars, t, false, followers);
    T scale = T(1), none = T(0);
    const gradient_term<T> gradient = {a, {&scale, &none, &none}, false};
    for (int64_t begin = 0; begin < t.inner; begin += sum_block) {
        const int64_t count = t.inner - begin < sum_block ? t.inner - begin : sum_block;
        canonical_sum sum;
        if (means_raw_gradient(a.flags))
            sum.add<T>(plain_term<T>{a.g}, begin, count);
        double terms[term_buffer];
        for (int64_t i = 0; i < count && !means_raw_gradient(a.flags); i += term_buffer) {
            const int64_t piece = count - i < term_buffer ? count - i : term_buffer;
            write_terms<gradient_term<T>, T>(&gradient, begin + i, 0, false, piece, terms);
            sum.add<double>(plain_term<double>{terms}, 0, piece);
        }
        sums[begin / sum_block] = sum.result();
    }
}

template <class T>
struct accumulate_body {
    const T *g;
    T *sum;

    template <class V>
    NR_INLINE void run(int64_t &i, int64_t count) const {
        for (; count - i >= V::width; i += V::width)
            (V::load(sum + i) + V::load(g + i)).store(sum + i);
    }
};

template <class T>
void accumulate_array(int64_t n, const void *gradient, void *sum) {
    const accumulate_body<T> body = {static_cast<const T *>(gradient), static_cast<T *>(sum)};
    int64_t i = 0;
    for_each_lane<T, full_width<T>>(i, n, body);
}

template <class T>
constexpr kernels kernels_of = {skip_plainly_valid,   step_tensors<T>,        tensor_row_statistics<T>,
                                block_square_sums<T>, block_gradient_sums<T>, accumulate_array<T>};

extern const instruction_set instructions;
const instruction_set instructions = {&kernels_of<float>, &kernels_of<double>};

} // namespace nr::NR_LANES

#endif
