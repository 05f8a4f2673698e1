#include "cuda/plan.h"

#include "math/step_lane.h"

#include <string.h>

namespace nr_cuda {
namespace {

using namespace nr::cuda_host;

constexpr int64_t alignment = 16;
constexpr int stages = 4;

int64_t rounded(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

int64_t elements_of(const nr_tensor &t) { return t.outer * t.rows * t.inner; }

/* What a step does something with. */
bool is_live(const nr_tensor &t) { return elements_of(t) != 0 && (t.gradient != nullptr || t.active != 0); }

int64_t blocks_of(int64_t elements) { return (elements + sum_block - 1) / sum_block; }

/* Sums of a tensor's blocks: of its rows, of the squares of its gradient (twice), of its second moment. */
int64_t sums_of(const nr_tensor &t) {
    const int64_t row_blocks = blocks_of(t.outer * t.inner);
    const int64_t rows = row_blocks > 1 ? most_sums * t.rows * row_blocks : 0;
    const int64_t squares = 2 * blocks_of(elements_of(t));
    return rows > squares ? rows : squares;
}

template <class X>
X *take(region &from, int64_t count) {
    X *taken = from.host != nullptr ? reinterpret_cast<X *>(from.host + from.used) : nullptr;
    from.used += rounded(count * static_cast<int64_t>(sizeof(X)));
    return taken;
}

/* The device's address of what lies in a region of the host. */
template <class X>
X *on_device(const region &r, X *host) {
    return reinterpret_cast<X *>(r.device + (reinterpret_cast<const char *>(host) - r.host));
}

template <class X>
X *take_on_device(region &from, int64_t count) {
    char *address = from.device + from.used;
    take<X>(from, count);
    return reinterpret_cast<X *>(address);
}

bool is_seed(const nr_options &o) { return o.algorithm == NR_SEED_RANGER; }

kernel_id step_kernel(const nr_options &o) {
    switch (o.algorithm) {
    case NR_SGD:
        return o.beta1 != 0.0 ? kernel_step_sgd_momentum : kernel_step_sgd;
    case NR_ADAGRAD:
        return kernel_step_adagrad;
    case NR_ADAM:
        return kernel_step_adam;
    default:
        return kernel_step_radam;
    }
}

kernel_id update_kernel(const nr_options &o) {
    switch (o.algorithm) {
    case NR_SGD:
        return o.beta1 != 0.0 ? kernel_sum_update_rows_sgd_momentum : kernel_sum_update_rows_sgd;
    case NR_ADAGRAD:
        return kernel_sum_update_rows_adagrad;
    case NR_ADAM:
        return kernel_sum_update_rows_adam;
    default:
        return kernel_sum_update_rows_radam;
    }
}

/* Never inlined, so that nothing of it can move to where the caller's control word is in force. */
__attribute__((noinline)) nr::step_scalars compute_scalars(const nr_options &options, int64_t t) {
    return scalars_of_step(options, t);
}

template <class T>
class planner {
public:
    planner(bool skip, region &table, region &scratch, planned_launch *launches)
        : skip_(skip), table_(table), scratch_(scratch), launches_(launches) {}

    plan make(int32_t group_count, const nr_cuda_group *groups) {
        auto *found = take<verdict>(table_, 1);
        *found = {};
        found_ = on_device(table_, found);

        int64_t live = 0;
        bool clips = false;
        for (int32_t g = 0; g < group_count; ++g) {
            for (int64_t i = 0; i < groups[g].count; ++i)
                live += is_live(groups[g].tensors[i]) ? 1 : 0;
            clips = clips || groups[g].clip_norm != 0.0;
        }
        if (live == 0)
            return {launches_, 0, nullptr};

        tensors_ = take<gpu_tensor<T>>(table_, live);
        int64_t filled = 0;
        for (int32_t g = 0; g < group_count; ++g)
            filled += fill_group(groups[g], tensors_ + filled);
        if (clips || skip_)
            measure_gradients(live, clips);
        filled = 0;
        for (int32_t g = 0; g < group_count; ++g) {
            const int64_t count = live_in(groups[g]);
            if (count != 0)
                step_group(groups[g], tensors_ + filled, count);
            filled += count;
        }
        return {launches_, launched_, clips || skip_ ? found_ : nullptr};
    }

private:
    static int64_t live_in(const nr_cuda_group &g) {
        int64_t live = 0;
        for (int64_t i = 0; i < g.count; ++i)
            live += is_live(g.tensors[i]) ? 1 : 0;
        return live;
    }

    static bool aligned(const void *p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

    static bool is_wide(const gpu_tensor<T> &t) {
        constexpr int64_t width = 16 / static_cast<int64_t>(sizeof(T));
        bool wide = aligned(t.a.p) && aligned(t.a.g);
        for (int j = 0; j < t.a.states; ++j)
            wide = wide && aligned(t.a.s[j]);
        for (int j = 0; j < t.a.follower_count; ++j)
            wide = wide && aligned(t.a.followers[j].weights) && aligned(t.a.followers[j].momentum);
        return wide && (t.outer == 1 || (t.stride % width == 0 && t.rows * t.inner % width == 0));
    }

    const nr::step_scalars &scalars_at(const nr_options &o, int64_t t) {
        if (cached_options_ != &o || cached_step_ != t) {
            cached_ = compute_scalars(o, t);
            cached_options_ = &o;
            cached_step_ = t;
        }
        return cached_;
    }

    int64_t fill_group(const nr_cuda_group &g, gpu_tensor<T> *out) {
        int64_t count = 0;
        for (int64_t i = 0; i < g.count; ++i)
            if (is_live(g.tensors[i]))
                fill(*g.options, g.tensors[i], out[count++]);
        return count;
    }

    void fill(const nr_options &o, const nr_tensor &t, gpu_tensor<T> &out) {
        follower<T> list[most_followers];
        out = {};
        out.a = make_task<T>(o, scalars_at(o, t.gradient != nullptr ? t.step : 1), t, false, list);
        out.outer = t.outer;
        out.rows = t.rows;
        out.inner = t.inner;
        out.stride = t.stride;
        out.sums = take_on_device<double>(scratch_, sums_of(t));
        out.wide = is_wide(out) ? 1 : 0;
        out.with_states = followers_reach_states(out.a) ? 1 : 0;
        out.resets = followers_reset(out.a) ? 1 : 0;
        auto *copies = take<follower<T>>(table_, out.a.follower_count);
        memcpy(copies, list, static_cast<size_t>(out.a.follower_count) * sizeof(follower<T>));
        out.a.followers = on_device(table_, copies);

        const general_flags &f = out.a.flags;
        if (t.gradient != nullptr && (f.adaptive || f.centre_gradient || (f.centre_update && f.moves)))
            out.row_values =
                t.row_values != nullptr ? const_cast<nr_row *>(t.row_values) : take_on_device<nr_row>(scratch_, t.rows);
        if (is_seed(o)) {
            auto *seed = take<seed_tensor>(table_, 1);
            *seed = {o, t.scalars, t.step, {}};
            out.seed = on_device(table_, seed);
        }
        out.given_rows = t.row_values != nullptr ? 1 : 0;
    }

    /* Adds a launch over count tensors; items_of tells how many items each has. Nothing if there are none. */
    template <class Items>
    void add(kernel_id kernel, bool by_warps, const gpu_tensor<T> *tensors, int64_t count, double clip_norm,
             int32_t stage, const Items &items_of) {
        const int64_t before = table_.used;
        auto *first = take<int64_t>(table_, count + 1);
        first[0] = 0;
        for (int64_t i = 0; i < count; ++i)
            first[i + 1] = first[i] + items_of(tensors[i]);
        if (first[count] == 0) {
            table_.used = before;
            return;
        }
        launches_[launched_++] = {
            kernel,
            by_warps,
            kernel == kernel_find_norm,
            first[count],
            {on_device(table_, tensors), on_device(table_, first), count, found_, clip_norm, stage, skip_ ? 1 : 0}};
    }

    static int64_t elements(const gpu_tensor<T> &t) { return t.outer * t.rows * t.inner; }

    static int64_t chunks_of(const gpu_tensor<T> &t) { return (elements(t) + chunk_elements - 1) / chunk_elements; }

    void measure_gradients(int64_t count, bool clips) {
        const auto blocks = [](const gpu_tensor<T> &t) { return t.a.g != nullptr ? blocks_of(elements(t)) : 0; };
        add(kernel_sum_squares, true, tensors_, count, 0.0, 0, blocks);
        if (clips)
            add(kernel_find_norm, true, tensors_, count, 0.0, 0, blocks);
    }

    static bool takes_part(const gpu_tensor<T> &t, int32_t stage) {
        const general_flags &f = t.a.flags;
        if (t.a.g == nullptr || t.given_rows != 0)
            return false;
        switch (stage) {
        case stage_norms:
            return f.adaptive;
        case stage_mean:
            return f.centre_gradient;
        case stage_deviations:
            return f.standardise;
        default:
            return f.centre_update && f.moves;
        }
    }

    void find_rows(const nr_cuda_group &g, const gpu_tensor<T> *tensors, int64_t count) {
        for (int32_t stage = 0; stage < stages; ++stage) {
            const kernel_id kernel = stage == stage_update ? update_kernel(*g.options) : kernel_sum_gradient_rows;
            add(kernel, true, tensors, count, g.clip_norm, stage, [stage](const gpu_tensor<T> &t) {
                return takes_part(t, stage) ? t.rows * blocks_of(t.outer * t.inner) : 0;
            });
            add(kernel_finish_long_rows, true, tensors, count, g.clip_norm, stage, [stage](const gpu_tensor<T> &t) {
                return takes_part(t, stage) && blocks_of(t.outer * t.inner) > 1 ? t.rows : 0;
            });
        }
    }

    void step_group(const nr_cuda_group &g, const gpu_tensor<T> *tensors, int64_t count) {
        const auto chunks = [](const gpu_tensor<T> &t) { return t.a.g != nullptr ? chunks_of(t) : 0; };
        find_rows(g, tensors, count);
        if (is_seed(*g.options)) {
            move_seed_moments(g, tensors, count);
            add(kernel_update_seed, false, tensors, count, g.clip_norm, 0, chunks);
        } else {
            add(step_kernel(*g.options), false, tensors, count, g.clip_norm, 0, chunks);
        }
        add(kernel_follow_without_gradient, false, tensors, count, g.clip_norm, 0,
            [](const gpu_tensor<T> &t) { return t.a.g == nullptr ? chunks_of(t) : 0; });
    }

    /* The same tensors, about one pair of moments only. */
    gpu_tensor<T> *moments_of(const gpu_tensor<T> *tensors, int64_t count, bool slow) {
        auto *out = take<gpu_tensor<T>>(table_, count);
        for (int64_t i = 0; i < count; ++i) {
            out[i] = tensors[i];
            task<T> &a = out[i].a;
            if (slow) {
                a.s[0] = a.s[2];
                a.s[1] = a.s[3];
                out[i].gate = &out[i].seed->state.slow_moves;
            }
            a.follower_count = 0;
            a.flags.moves = false;
            a.flags.one_leader = false;
            a.flags.followers = false;
            a.flags.zero = false;
        }
        return out;
    }

    void move_seed_moments(const nr_cuda_group &g, const gpu_tensor<T> *tensors, int64_t count) {
        const auto chunks = [](const gpu_tensor<T> &t) { return t.a.g != nullptr ? chunks_of(t) : 0; };
        const auto blocks = [](const gpu_tensor<T> &t) { return t.a.g != nullptr ? blocks_of(elements(t)) : 0; };
        const bool pairs[] = {false, true};
        const auto one = [](const gpu_tensor<T> &t) { return int64_t{t.a.g != nullptr}; };
        for (const bool slow : pairs) {
            const gpu_tensor<T> *pair = moments_of(tensors, count, slow);
            if (slow)
                add(kernel_start_slow_moments, false, tensors, count, g.clip_norm, 0, chunks);
            add(kernel_step_radam, false, pair, count, g.clip_norm, 0, chunks);
            add(kernel_sum_second_moments, true, pair, count, g.clip_norm, 0, blocks);
            add(slow ? kernel_decide_seed_slow : kernel_decide_seed_fast, true, pair, count, g.clip_norm, 0, one);
        }
    }

    const bool skip_;
    region &table_;
    region &scratch_;
    planned_launch *const launches_;
    int64_t launched_ = 0;
    gpu_tensor<T> *tensors_ = nullptr;
    verdict *found_ = nullptr;
    const nr_options *cached_options_ = nullptr;
    int64_t cached_step_ = 0;
    nr::step_scalars cached_ = {};
};

/* No group has more launches than this, the two for the gradients left out. */
constexpr int64_t launches_of_group = 2 * stages + 9;

} // namespace

needs measure(int32_t group_count, const nr_cuda_group *groups) {
    int64_t live = 0;
    needs n = {rounded(sizeof(verdict)), 0, 2 + group_count * launches_of_group};
    for (int32_t g = 0; g < group_count; ++g) {
        const bool seed = is_seed(*groups[g].options);
        int64_t in_group = 0;
        for (int64_t i = 0; i < groups[g].count; ++i) {
            const nr_tensor &t = groups[g].tensors[i];
            if (!is_live(t))
                continue;
            ++in_group;
            n.scratch += rounded(sums_of(t) * static_cast<int64_t>(sizeof(double))) +
                         rounded(t.rows * static_cast<int64_t>(sizeof(nr_row)));
            n.table += (seed ? 3 : 1) * rounded(sizeof(gpu_tensor<double>)) +
                       (seed ? rounded(sizeof(seed_tensor)) : 0) +
                       groups[g].options->follower_count * rounded(sizeof(follower<double>));
        }
        n.table += launches_of_group * rounded((in_group + 1) * static_cast<int64_t>(sizeof(int64_t)));
        live += in_group;
    }
    n.table += 2 * rounded((live + 1) * static_cast<int64_t>(sizeof(int64_t))) + 4 * alignment;
    return n;
}

plan make_plan(int32_t group_count, const nr_cuda_group *groups, bool skip, region &table, region &scratch,
               planned_launch *launches) {
    if (group_count > 0 && groups[0].options->type == NR_FLOAT64)
        return planner<double>(skip, table, scratch, launches).make(group_count, groups);
    return planner<float>(skip, table, scratch, launches).make(group_count, groups);
}

} // namespace nr_cuda
