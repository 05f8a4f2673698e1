#include "cuda/plan.h"

#include "cuda/tensor_writer.h"

namespace nr_cuda {
namespace {

/* Rounds in which the squares of the largest tensor that there can be become one sum. */
constexpr int most_rounds = 5;

/* Launches about all gradients, and the most of a group. */
constexpr int64_t launches_of_gradients = 2 + most_rounds;
constexpr int64_t launches_of_group = 3 * stages + 11;

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

template <class T>
class planner {
public:
    planner(bool skip, region &fresh, lasting_region &table, region &scratch, planned_launch *launches)
        : skip_(skip), fresh_(fresh), table_(table), scratch_(scratch), launches_(launches),
          next_(launches + launches_of_gradients) {}

    plan make(int32_t group_count, const nr_cuda_group *groups) {
        int64_t count = 0;
        bool clips = false;
        for (int32_t g = 0; g < group_count; ++g) {
            count += groups[g].count;
            clips = clips || groups[g].clip_norm != 0.0;
        }
        auto *found = fresh_.take<verdict>(1);
        *found = {};
        found_ = fresh_.on_device(found);
        const bool measured = clips || skip_;
        double *totals = measured ? scratch_.take_on_device<double>(2 * count) : nullptr;

        /* The tensors that there is something to do with, those of all groups side by side. */
        auto *tensors = table_.take<gpu_tensor<T>>(count);
        tensor_writer<T> writer(measured, fresh_, table_, scratch_);
        int64_t written = 0;
        for (int32_t g = 0; g < group_count; ++g) {
            const group_work work = writer.write(groups[g], tensors + written, totals);
            step_group(groups[g], tensors + written, work);
            written += work.tensors;
        }
        planned_launch *const end = next_;
        planned_launch *begin = launches_ + launches_of_gradients;
        if (measured && writer.gradients() != 0)
            begin = measure_gradients(tensors, written, clips, totals, writer);
        return {begin, end - begin, measured ? found_ : nullptr};
    }

private:
    /* first as the device sees it. */
    launch about(const gpu_tensor<T> *tensors, const int64_t *first, int64_t count, double clip_norm, int32_t stage) {
        return {table_.on_device(tensors),
                first,
                count,
                reinterpret_cast<const char *>(found_),
                found_,
                nullptr,
                clip_norm,
                stage,
                skip_ ? 1 : 0};
    }

    /* Adds a launch over count tensors; items_of tells how many items each has, and there are some. */
    template <class Items>
    void add(kernel_id kernel, worker by, const gpu_tensor<T> *tensors, int64_t count, double clip_norm, int32_t stage,
             const Items &items_of) {
        auto *first = table_.take<int64_t>(count + 1);
        int64_t items = 0;
        uint64_t changed = 0;
        for (int64_t i = 0; i < count; ++i) {
            changed |= replace(first[i], items);
            items += items_of(tensors[i]);
        }
        changed |= replace(first[count], items);
        if (changed != 0)
            table_.changed(first, count + 1);
        *next_++ = {kernel, by, items, about(tensors, table_.on_device(first), count, clip_norm, stage)};
    }

    template <class Items>
    void add_if_any(kernel_id kernel, worker by, const gpu_tensor<T> *tensors, int64_t count, double clip_norm,
                    int32_t stage, const Items &items_of) {
        bool any = false;
        for (int64_t i = 0; i < count && !any; ++i)
            any = items_of(tensors[i]) != 0;
        if (any)
            add(kernel, by, tensors, count, clip_norm, stage, items_of);
    }

    /* In front of the launches that there are. */
    planned_launch *measure_gradients(const gpu_tensor<T> *tensors, int64_t count, bool clips, const double *totals,
                                      const tensor_writer<T> &writer) {
        next_ = launches_;
        add(kernel_sum_squares, worker::warp, tensors, count, 0.0, 0,
            [](const gpu_tensor<T> &t) { return t.g != nullptr ? blocks_of(elements_of(t)) : 0; });
        if (clips) {
            int64_t largest = blocks_of(writer.largest_gradient());
            for (int32_t round = 0; largest > 1; ++round, largest = blocks_of(largest))
                add(kernel_reduce_squares, worker::warp, tensors, count, 0.0, round, [round](const gpu_tensor<T> &t) {
                    int64_t left = t.g != nullptr ? blocks_of(elements_of(t)) : 0;
                    for (int32_t i = 0; i < round; ++i)
                        left = blocks_of(left);
                    return left > 1 ? blocks_of(left) : 0;
                });
            launch norm = about(tensors, nullptr, writer.gradients(), 0.0, 0);
            norm.totals = totals;
            *next_++ = {kernel_find_norm, worker::single_block, 1, norm};
        }
        planned_launch *begin = launches_ + launches_of_gradients - (next_ - launches_);
        memmove(begin, launches_, static_cast<size_t>(next_ - launches_) * sizeof *begin);
        return begin;
    }

    /* Rows that lie side by side, which a warp each would read an element of every line at a time. */
    static bool in_tiles(const gpu_tensor<T> &t) { return t.outer > 1 && t.inner < tile_rows && t.rows >= tile_rows; }

    /* Blocks of rows, or of tiles of them, that have to be summed before the step. */
    int64_t row_items(const gpu_tensor<T> &t, int32_t stage, bool tiles) const {
        if (t.g == nullptr || t.staged_rows != 0 || t.given_rows != 0 || !takes_part(flags_of(t), stage) ||
            (stage != stage_update && in_tiles(t)) != tiles)
            return 0;
        return (tiles ? (t.rows + tile_rows - 1) / tile_rows : t.rows) * blocks_of(t.outer * t.inner);
    }

    const general_flags &flags_of(const gpu_tensor<T> &t) const { return fresh_.at<gpu_step<T>>(t.step)->flags; }

    void find_rows(const nr_cuda_group &g, const gpu_tensor<T> *tensors, int64_t count) {
        for (int32_t stage = 0; stage < stages; ++stage) {
            const kernel_id by_rows =
                stage == stage_update ? kernel_of(kernel_sum_update_rows_sgd, *g.options) : kernel_sum_gradient_rows;
            add_if_any(by_rows, worker::warp, tensors, count, g.clip_norm, stage,
                       [this, stage](const gpu_tensor<T> &t) { return row_items(t, stage, false); });
            add_if_any(kernel_sum_gradient_tiles, worker::block, tensors, count, g.clip_norm, stage,
                       [this, stage](const gpu_tensor<T> &t) { return row_items(t, stage, true); });
            add_if_any(kernel_finish_long_rows, worker::warp, tensors, count, g.clip_norm, stage,
                       [this, stage](const gpu_tensor<T> &t) {
                           const bool is_long = blocks_of(t.outer * t.inner) > 1;
                           return is_long && (row_items(t, stage, false) != 0 || row_items(t, stage, true) != 0)
                                      ? t.rows
                                      : 0;
                       });
        }
    }

    void step_group(const nr_cuda_group &g, const gpu_tensor<T> *tensors, const group_work &work) {
        const int64_t count = work.tensors;
        const auto chunks_where = [](bool plain) {
            return [plain](const gpu_tensor<T> &t) {
                return t.g != nullptr && t.staged_rows == 0 && (t.plain != 0) == plain ? chunks_of(t) : 0;
            };
        };
        if (work.sums_rows)
            find_rows(g, tensors, count);
        if (is_seed(*g.options)) {
            move_seed_moments(g, tensors, count);
            add_if_any(kernel_update_seed, worker::block, tensors, count, g.clip_norm, 0, chunks_where(false));
        } else {
            if (work.general != 0)
                add(kernel_of(kernel_step_sgd, *g.options), worker::block, tensors, count, g.clip_norm, 0,
                    chunks_where(false));
            if (work.plain != 0)
                add(kernel_of(kernel_plain_step_sgd, *g.options), worker::block, tensors, count, g.clip_norm, 0,
                    chunks_where(true));
            if (work.staged != 0)
                add(kernel_of(kernel_staged_step_sgd, *g.options), worker::block, tensors, count, g.clip_norm, 0,
                    staged_blocks_of<T>);
        }
        if (work.follows != 0)
            add(kernel_follow_without_gradient, worker::block, tensors, count, g.clip_norm, 0,
                [](const gpu_tensor<T> &t) { return t.g == nullptr ? chunks_of(t) : 0; });
    }

    /* The same tensors, about one pair of moments only. */
    const gpu_tensor<T> *moments_of(const gpu_tensor<T> *tensors, int64_t count, bool slow) {
        auto *out = table_.take<gpu_tensor<T>>(count);
        for (int64_t i = 0; i < count; ++i) {
            gpu_tensor<T> t = tensors[i];
            t.step += tensor_writer<T>::moments_behind;
            if (slow) {
                t.s[0] = t.s[2];
                t.s[1] = t.s[3];
                t.gate = &t.seed->state.slow_moves;
            }
            table_.put(out + i, t);
        }
        return out;
    }

    void move_seed_moments(const nr_cuda_group &g, const gpu_tensor<T> *tensors, int64_t count) {
        const auto chunks = [](const gpu_tensor<T> &t) { return t.g != nullptr ? chunks_of(t) : 0; };
        const auto blocks = [](const gpu_tensor<T> &t) { return t.g != nullptr ? blocks_of(elements_of(t)) : 0; };
        const bool pairs[] = {false, true};
        const auto one = [](const gpu_tensor<T> &t) { return int64_t{t.g != nullptr}; };
        for (const bool slow : pairs) {
            const gpu_tensor<T> *pair = moments_of(tensors, count, slow);
            if (slow)
                add_if_any(kernel_start_slow_moments, worker::block, tensors, count, g.clip_norm, 0, chunks);
            add_if_any(kernel_step_radam, worker::block, pair, count, g.clip_norm, 0, chunks);
            add_if_any(kernel_sum_second_moments, worker::warp, pair, count, g.clip_norm, 0, blocks);
            add_if_any(slow ? kernel_decide_seed_slow : kernel_decide_seed_fast, worker::warp, pair, count, g.clip_norm,
                       0, one);
        }
    }

    const bool skip_;
    region &fresh_;
    lasting_region &table_;
    region &scratch_;
    planned_launch *const launches_;
    planned_launch *next_;
    verdict *found_ = nullptr;
};

} // namespace

needs measure(int32_t group_count, const nr_cuda_group *groups) {
    const auto offsets = [](int64_t tensors) { return rounded((tensors + 1) * static_cast<int64_t>(sizeof(int64_t))); };
    int64_t count = 0;
    needs n = {rounded(sizeof(verdict)), 0, 0, launches_of_gradients + group_count * launches_of_group};
    for (int32_t g = 0; g < group_count; ++g) {
        const bool seed = is_seed(*groups[g].options);
        const int64_t in_group = groups[g].count;
        n.fresh +=
            in_group * ((seed ? 2 : 1) * rounded(sizeof(gpu_step<double>)) + (seed ? rounded(sizeof(seed_tensor)) : 0));
        n.table += in_group * ((seed ? 3 : 1) * rounded(sizeof(gpu_tensor<double>)) +
                               groups[g].options->follower_count * rounded(sizeof(follower<double>))) +
                   launches_of_group * offsets(in_group);
        count += in_group;
    }
    n.table += launches_of_gradients * offsets(count);
    n.scratch = rounded(2 * count * static_cast<int64_t>(sizeof(double)));
    return n;
}

plan make_plan(int32_t group_count, const nr_cuda_group *groups, bool skip, region &fresh, lasting_region &table,
               region &scratch, planned_launch *launches) {
    if (group_count > 0 && groups[0].options->type == NR_FLOAT64)
        return planner<double>(skip, fresh, table, scratch, launches).make(group_count, groups);
    return planner<float>(skip, fresh, table, scratch, launches).make(group_count, groups);
}

} // namespace nr_cuda
