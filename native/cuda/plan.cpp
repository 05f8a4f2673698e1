#include "cuda/plan.h"

#include "math/step_lane.h"

#include <string.h>

namespace nr_cuda {
namespace {

using namespace nr::cuda_host;

constexpr int64_t alignment = 16;

int64_t rounded(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

int64_t elements_of(const nr_tensor &t) { return t.outer * t.rows * t.inner; }

/* What a step does something with. */
bool is_live(const nr_tensor &t) { return elements_of(t) != 0 && (t.gradient != nullptr || t.active != 0); }

/* Sums of a tensor's blocks: of its rows, of the squares of its gradient (twice, in every round), of its second moment. */
int64_t sums_of(const nr_tensor &t) {
    const int64_t row_blocks = blocks_of(t.outer * t.inner);
    const int64_t rows = row_blocks > 1 ? most_sums * t.rows * row_blocks : 0;
    int64_t left = blocks_of(elements_of(t));
    int64_t all = 2 * left;
    while (left > 1) {
        left = blocks_of(left);
        all += 2 * left;
    }
    return rows > all ? rows : all;
}

/* Rounds in which the squares of the largest tensor become one sum. */
constexpr int most_rounds = 5;

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

/* In the order of NR_CUDA_RULES. */
enum rule_id { rule_sgd, rule_sgd_momentum, rule_adagrad, rule_adam, rule_radam };

rule_id rule_of(const nr_options &o) {
    switch (o.algorithm) {
    case NR_SGD:
        return o.beta1 != 0.0 ? rule_sgd_momentum : rule_sgd;
    case NR_ADAGRAD:
        return rule_adagrad;
    case NR_ADAM:
        return rule_adam;
    default:
        return rule_radam;
    }
}

/* The kernel of a rule, of those that begin with the one of the first rule. */
kernel_id kernel_of(kernel_id first, const nr_options &o) {
    return static_cast<kernel_id>(static_cast<int>(first) + rule_of(o));
}

/* Never inlined, so that nothing of it can move to where the caller's control word is in force. */
__attribute__((noinline)) nr::step_scalars compute_scalars(const nr_options &options, int64_t t) {
    nr::step_scalars found;
    find_scalars(options, t, found);
    return found;
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
        out.sums = take_on_device<double>(scratch_, sums_of(t));
        out.with_states = followers_reach_states(out.a) ? 1 : 0;
        out.resets = followers_reset(out.a) ? 1 : 0;
        auto *copies = take<follower<T>>(table_, out.a.follower_count);
        memcpy(copies, list, static_cast<size_t>(out.a.follower_count) * sizeof(follower<T>));
        out.a.followers = on_device(table_, copies);

        const general_flags &f = out.a.flags;
        if (t.gradient != nullptr && (f.adaptive || f.centre_gradient || (f.centre_update && f.moves)))
            out.row_values =
                t.row_values != nullptr ? const_cast<nr_row *>(t.row_values) : take_on_device<nr_row>(scratch_, t.rows);
        const bool has_rows = out.row_values != nullptr || !is_contiguous(t);
        out.outer = has_rows ? t.outer : 1;
        out.rows = has_rows ? t.rows : 1;
        out.inner = has_rows ? t.inner : elements_of(t);
        out.stride = has_rows ? t.stride : out.inner;
        out.wide = is_wide(out) ? 1 : 0;
        if (is_seed(o)) {
            auto *seed = take<seed_tensor>(table_, 1);
            *seed = {o, t.scalars, t.step, {}};
            out.seed = on_device(table_, seed);
        }
        out.given_rows = t.row_values != nullptr ? 1 : 0;
        out.staged_rows = !is_seed(o) && is_plain(f) ? staged_rows_of(out) : 0;
        out.plain =
            !is_seed(o) && is_plain(f) && out.outer == 1 && (!f.centre_gradient || out.staged_rows != 0) ? 1 : 0;
    }

    /* A multiple of the elements of an access, so that whole accesses are possible. */
    static int32_t staged_rows_of(const gpu_tensor<T> &t) {
        if (t.a.g == nullptr || !takes_part(t, stage_mean) || t.outer != 1 || t.inner > chunk_elements)
            return 0;
        constexpr int64_t width = 16 / static_cast<int64_t>(sizeof(T));
        const int64_t fit = chunk_elements / t.inner;
        return static_cast<int32_t>(fit < width ? fit : fit / width * width);
    }

    /* Adds a launch over count tensors; items_of tells how many items each has. Nothing if there are none. */
    template <class Items>
    void add(kernel_id kernel, worker by, const gpu_tensor<T> *tensors, int64_t count, double clip_norm, int32_t stage,
             const Items &items_of) {
        const int64_t before = table_.used;
        auto *first = take<int64_t>(table_, count + 1);
        first[0] = 0;
        for (int64_t i = 0; i < count; ++i)
            first[i + 1] = first[i] + items_of(tensors[i]);
        if (first[count] == 0) {
            table_.used = before;
            return;
        }
        launches_[launched_++] = {kernel,
                                  by,
                                  first[count],
                                  {on_device(table_, tensors), on_device(table_, first), count, found_, nullptr,
                                   clip_norm, stage, skip_ ? 1 : 0}};
    }

    static int64_t elements(const gpu_tensor<T> &t) { return t.outer * t.rows * t.inner; }

    static int64_t chunks_of(const gpu_tensor<T> &t) { return (elements(t) + chunk_elements - 1) / chunk_elements; }

    void measure_gradients(int64_t count, bool clips) {
        auto *totals = take_on_device<double>(scratch_, 2 * count);
        int64_t gradients = 0;
        for (int64_t i = 0; i < count; ++i)
            if (tensors_[i].a.g != nullptr)
                tensors_[i].total = totals + 2 * gradients++;

        add(kernel_sum_squares, worker::warp, tensors_, count, 0.0, 0,
            [](const gpu_tensor<T> &t) { return t.a.g != nullptr ? blocks_of(elements(t)) : 0; });
        if (!clips || gradients == 0)
            return;
        for (int32_t round = 0; round < most_rounds; ++round)
            add(kernel_reduce_squares, worker::warp, tensors_, count, 0.0, round, [round](const gpu_tensor<T> &t) {
                int64_t left = t.a.g != nullptr ? blocks_of(elements(t)) : 0;
                for (int32_t i = 0; i < round; ++i)
                    left = blocks_of(left);
                return left > 1 ? blocks_of(left) : 0;
            });
        launches_[launched_++] = {
            kernel_find_norm, worker::single_block, 1, {nullptr, nullptr, gradients, found_, totals, 0.0, 0, 0}};
    }

    /* Rows that lie side by side, which a warp each would read an element of every line at a time. */
    static bool in_tiles(const gpu_tensor<T> &t) { return t.outer > 1 && t.inner < tile_rows && t.rows >= tile_rows; }

    /* Blocks of rows, or of tiles of them, that have to be summed before the step. */
    static int64_t row_items(const gpu_tensor<T> &t, int32_t stage, bool tiles) {
        if (t.a.g == nullptr || t.staged_rows != 0 || !takes_part(t, stage) ||
            (stage != stage_update && in_tiles(t)) != tiles)
            return 0;
        return (tiles ? (t.rows + tile_rows - 1) / tile_rows : t.rows) * blocks_of(t.outer * t.inner);
    }

    void find_rows(const nr_cuda_group &g, const gpu_tensor<T> *tensors, int64_t count) {
        for (int32_t stage = 0; stage < stages; ++stage) {
            const kernel_id by_rows =
                stage == stage_update ? kernel_of(kernel_sum_update_rows_sgd, *g.options) : kernel_sum_gradient_rows;
            add(by_rows, worker::warp, tensors, count, g.clip_norm, stage,
                [stage](const gpu_tensor<T> &t) { return row_items(t, stage, false); });
            add(kernel_sum_gradient_tiles, worker::block, tensors, count, g.clip_norm, stage,
                [stage](const gpu_tensor<T> &t) { return row_items(t, stage, true); });
            add(kernel_finish_long_rows, worker::warp, tensors, count, g.clip_norm, stage,
                [stage](const gpu_tensor<T> &t) {
                    const bool is_long = blocks_of(t.outer * t.inner) > 1;
                    return is_long && (row_items(t, stage, false) != 0 || row_items(t, stage, true) != 0) ? t.rows : 0;
                });
        }
    }

    void step_group(const nr_cuda_group &g, const gpu_tensor<T> *tensors, int64_t count) {
        const auto chunks_where = [](bool plain) {
            return [plain](const gpu_tensor<T> &t) {
                return t.a.g != nullptr && t.staged_rows == 0 && (t.plain != 0) == plain ? chunks_of(t) : 0;
            };
        };
        find_rows(g, tensors, count);
        if (is_seed(*g.options)) {
            move_seed_moments(g, tensors, count);
            add(kernel_update_seed, worker::block, tensors, count, g.clip_norm, 0, chunks_where(false));
        } else {
            add(kernel_of(kernel_step_sgd, *g.options), worker::block, tensors, count, g.clip_norm, 0,
                chunks_where(false));
            add(kernel_of(kernel_plain_step_sgd, *g.options), worker::block, tensors, count, g.clip_norm, 0,
                chunks_where(true));
            add(kernel_of(kernel_staged_step_sgd, *g.options), worker::block, tensors, count, g.clip_norm, 0,
                [](const gpu_tensor<T> &t) {
                    return t.staged_rows != 0 ? (t.rows + t.staged_rows - 1) / t.staged_rows : 0;
                });
        }
        add(kernel_follow_without_gradient, worker::block, tensors, count, g.clip_norm, 0,
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
                add(kernel_start_slow_moments, worker::block, tensors, count, g.clip_norm, 0, chunks);
            add(kernel_step_radam, worker::block, pair, count, g.clip_norm, 0, chunks);
            add(kernel_sum_second_moments, worker::warp, pair, count, g.clip_norm, 0, blocks);
            add(slow ? kernel_decide_seed_slow : kernel_decide_seed_fast, worker::warp, pair, count, g.clip_norm, 0,
                one);
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

/* Launches about all gradients, and the most of a group. */
constexpr int64_t launches_of_gradients = 2 + most_rounds;
constexpr int64_t launches_of_group = 3 * stages + 11;

} // namespace

needs measure(int32_t group_count, const nr_cuda_group *groups) {
    int64_t live = 0;
    needs n = {rounded(sizeof(verdict)), 0, launches_of_gradients + group_count * launches_of_group};
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
    n.table += launches_of_gradients * rounded((live + 1) * static_cast<int64_t>(sizeof(int64_t))) + 4 * alignment;
    n.scratch += rounded(2 * live * static_cast<int64_t>(sizeof(double)));
    return n;
}

plan make_plan(int32_t group_count, const nr_cuda_group *groups, bool skip, region &table, region &scratch,
               planned_launch *launches) {
    if (group_count > 0 && groups[0].options->type == NR_FLOAT64)
        return planner<double>(skip, table, scratch, launches).make(group_count, groups);
    return planner<float>(skip, table, scratch, launches).make(group_count, groups);
}

} // namespace nr_cuda
