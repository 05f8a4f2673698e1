/* Writes the tensors of a step for the device: what changes from step to step once for all tensors that share it, and of each tensor
 * only what is different from the last step. */
#ifndef NR_CUDA_TENSOR_WRITER_H
#define NR_CUDA_TENSOR_WRITER_H

#include "cuda/plan.h"
#include "cuda/region.h"

#include "cpu/validate.h"
#include "math/step_lane.h"

namespace nr_cuda {

using namespace nr::cuda_host;

inline bool is_seed(const nr_options &o) { return o.algorithm == NR_SEED_RANGER; }

using nr::elements_of;

template <class T>
int64_t elements_of(const gpu_tensor<T> &t) {
    return t.outer * t.rows * t.inner;
}

template <class T>
int64_t chunks_of(const gpu_tensor<T> &t) {
    return (elements_of(t) + chunk_elements - 1) / chunk_elements;
}

template <class T>
int64_t staged_blocks_of(const gpu_tensor<T> &t) {
    return t.staged_rows != 0 ? (t.rows + t.staged_rows - 1) / t.staged_rows : 0;
}

/* How much of what the tensors of a group ask for. */
struct group_work {
    int64_t tensors;
    int64_t general; /* chunks */
    int64_t plain;
    int64_t staged; /* blocks */
    int64_t follows;
    bool sums_rows;
};

template <class T>
class tensor_writer {
public:
    /* measured: the squares of every gradient are summed before the step. */
    tensor_writer(bool measured, region &fresh, lasting_region &table, region &scratch)
        : measured_(measured), fresh_(fresh), table_(table), scratch_(scratch) {}

    /* totals: for two doubles of each gradient, where they are measured. Returns the work of the tensors that there is something to
     * do with; out has room for all. */
    group_work write(const nr_cuda_group &g, gpu_tensor<T> *out, double *totals) {
        kinds_ = 0;
        group_work work = {};
        for (const nr_tensor *t = g.tensors, *end = t + g.count; t != end; ++t) {
            const int64_t elements = elements_of(*t);
            if (elements != 0 && (t->gradient != nullptr || t->active != 0))
                add(*g.options, *t, elements, out[work.tensors++], totals, work);
        }
        return work;
    }

    int64_t gradients() const { return gradients_; }

    /* The elements of the largest of them, where they are measured. */
    int64_t largest_gradient() const { return largest_; }

    /* The same step of the moments of SeedRanger alone: what lies behind the gpu_step of one of its tensors. */
    static constexpr int64_t moments_behind = rounded(sizeof(gpu_step<T>));

private:
    /* Tensors of a group that share a gpu_step. */
    struct kind {
        int64_t step;
        uint64_t active;
        uint32_t flags;
        bool has_gradient;

        int64_t place; /* of the gpu_step */
        general_flags does;
        int states;
        int follower_count;
        int leader; /* the number of the follower that does.one_leader is about */
        bool is_seed;
        bool lists_followers;
        bool asks_for_rows;
        bool may_be_plain; /* where rows do not matter that are not staged */

        bool is_of(const nr_tensor &t) const {
            return (!has_gradient || step == t.step) && active == t.active && flags == t.flags &&
                   has_gradient == (t.gradient != nullptr);
        }
    };

    /* Never inlined, so that nothing of it can move to where the caller's control word is in force. */
    __attribute__((noinline)) static nr::step_scalars compute_scalars(const nr_options &options, int64_t t) {
        nr::step_scalars found;
        find_scalars(options, t, found);
        return found;
    }

    const kind &kind_of(const nr_options &o, const nr_tensor &t) {
        if (kinds_ != 0 && last_->is_of(t))
            return *last_;
        for (int i = 0; i < kinds_ && i < remembered; ++i)
            if (list_[i].is_of(t))
                return *(last_ = &list_[i]);
        last_ = &list_[kinds_++ % remembered];
        *last_ = make_kind(o, t);
        return *last_;
    }

    kind make_kind(const nr_options &o, const nr_tensor &t) {
        follower<T> list[most_followers];
        const task<T> a = make_task<T>(o, compute_scalars(o, t.gradient != nullptr ? t.step : 1), t, false, list);
        auto *shared = fresh_.template take<gpu_step<T>>(1);
        *shared = {};
        shared->k = a.k;
        for (int j = 0; j < state_arrays; ++j)
            shared->start[j] = a.start[j];
        shared->leader_weight = a.leader_weight;
        shared->flags = a.flags;
        shared->states = a.states;
        shared->follower_count = a.follower_count;
        shared->with_states = followers_reach_states(a) ? 1 : 0;
        shared->resets = followers_reset(a) ? 1 : 0;
        shared->adaptive_clip = a.adaptive_clip;
        shared->standardise_epsilon = a.standardise_epsilon;
        if (is_seed(o)) {
            gpu_step<T> moments = *shared;
            moments.follower_count = 0;
            moments.flags.moves = false;
            moments.flags.one_leader = false;
            moments.flags.followers = false;
            moments.flags.zero = false;
            *fresh_.template take<gpu_step<T>>(1) = moments;
        }
        const general_flags &f = a.flags;
        const bool has_gradient = t.gradient != nullptr;
        return {t.step,
                t.active,
                t.flags,
                has_gradient,
                fresh_.place_of(shared),
                f,
                a.states,
                a.follower_count,
                f.one_leader ? __builtin_ctzll(t.active) : 0,
                is_seed(o),
                a.follower_count != 0 && (!has_gradient || is_seed(o) || !f.one_leader),
                has_gradient && (f.adaptive || f.centre_gradient || (f.centre_update && f.moves)),
                !is_seed(o) && is_plain(f)};
    }

    /* Arrays that a kind of tensor has no use for stay as they were, and nobody looks at them. */
    __attribute__((always_inline)) void add(const nr_options &o, const nr_tensor &t, int64_t elements,
                                            gpu_tensor<T> &out, double *totals, group_work &work) {
        const kind &k = kind_of(o, t);
        uint64_t changed = replace(out.step, k.place) | replace(out.p, static_cast<T *>(t.parameter)) |
                           replace(out.g, static_cast<T *>(t.gradient));
        uintptr_t addresses = address(t.parameter) | address(t.gradient);
        for (int j = 0; j < k.states; ++j) {
            changed |= replace(out.s[j], static_cast<T *>(t.state[j]));
            addresses |= address(t.state[j]);
        }
        if (k.does.one_leader) {
            changed |= replace(out.leader, static_cast<T *>(t.followers[k.leader].weights));
            addresses |= address(out.leader);
        }
        if (k.lists_followers)
            addresses |= list_followers_of(o, t, k, out, changed);

        changed |= k.asks_for_rows || !is_contiguous(t) ? place_rows(t, k, out) : place_flat(elements, out);
        const bool wide =
            addresses % 16 == 0 && (out.outer == 1 || (out.stride % width == 0 && out.rows * out.inner % width == 0));
        const bool plain = k.may_be_plain && out.outer == 1 && (!k.does.centre_gradient || out.staged_rows != 0);
        changed |= replace(out.wide, wide ? 1 : 0) | replace(out.plain, plain ? 1 : 0);
        changed |= place_sums(t, k, out, totals);
        changed |= replace(out.seed, k.is_seed ? place_seed(o, t) : nullptr);
        changed |= replace(out.gate, static_cast<const int32_t *>(nullptr));
        if (changed != 0)
            table_.changed(&out, 1);
        count(k, out, work);
    }

    /* Where no row matters. */
    static uint64_t place_flat(int64_t elements, gpu_tensor<T> &out) {
        return replace(out.row_values, static_cast<nr_row *>(nullptr)) | replace(out.given_rows, 0) |
               replace(out.staged_rows, 0) | replace(out.outer, int64_t{1}) | replace(out.rows, int64_t{1}) |
               replace(out.inner, elements) | replace(out.stride, elements);
    }

    uint64_t place_rows(const nr_tensor &t, const kind &k, gpu_tensor<T> &out) {
        const bool given = t.row_values != nullptr;
        nr_row *rows = !k.asks_for_rows ? nullptr
                       : given          ? const_cast<nr_row *>(t.row_values)
                                        : scratch_.template take_on_device<nr_row>(t.rows);
        const bool sums = k.may_be_plain && k.asks_for_rows && !given;
        return replace(out.row_values, rows) | replace(out.given_rows, given ? 1 : 0) |
               replace(out.staged_rows, sums ? staged_rows_of(k, t) : 0) | replace(out.outer, t.outer) |
               replace(out.rows, t.rows) | replace(out.inner, t.inner) | replace(out.stride, t.stride);
    }

    static void count(const kind &k, const gpu_tensor<T> &t, group_work &work) {
        if (!k.has_gradient)
            work.follows += chunks_of(t);
        else if (t.staged_rows != 0)
            work.staged += staged_blocks_of(t);
        else if (t.plain != 0)
            work.plain += chunks_of(t);
        else
            work.general += chunks_of(t);
        work.sums_rows = work.sums_rows || (k.asks_for_rows && t.staged_rows == 0 && t.given_rows == 0);
    }

    static uintptr_t address(const void *array) { return reinterpret_cast<uintptr_t>(array); }

    /* All bits of their addresses. */
    uintptr_t list_followers_of(const nr_options &o, const nr_tensor &t, const kind &k, gpu_tensor<T> &out,
                                uint64_t &changed) {
        follower<T> list[most_followers];
        memset(list, 0, static_cast<size_t>(k.follower_count) * sizeof *list); /* also between the members */
        nr::cuda_host::list_followers(o, t, list);
        auto *to = table_.template take<follower<T>>(k.follower_count);
        uintptr_t addresses = 0;
        for (int j = 0; j < k.follower_count; ++j) {
            table_.put(to + j, list[j]);
            addresses |= address(list[j].weights) | address(list[j].momentum);
        }
        changed |= replace(out.followers, static_cast<const follower<T> *>(table_.on_device(to)));
        return addresses;
    }

    seed_tensor *place_seed(const nr_options &o, const nr_tensor &t) {
        auto *seed = fresh_.template take<seed_tensor>(1);
        *seed = {o, t.scalars, t.step, {}};
        return fresh_.on_device(seed);
    }

    /* A multiple of the elements of an access, so that whole accesses are possible. */
    static int32_t staged_rows_of(const kind &k, const nr_tensor &t) {
        if (!k.does.centre_gradient || t.outer != 1 || t.inner > chunk_elements)
            return 0;
        const int32_t fit = static_cast<int32_t>(chunk_elements) / static_cast<int32_t>(t.inner);
        return fit < width ? fit : static_cast<int32_t>(fit / width * width);
    }

    uint64_t place_sums(const nr_tensor &t, const kind &k, gpu_tensor<T> &out, double *totals) {
        const bool measures = measured_ && k.has_gradient;
        const bool sums_rows = k.asks_for_rows && out.staged_rows == 0 && out.given_rows == 0;
        if (!measures && !sums_rows && !k.is_seed)
            return 0;
        uint64_t changed = replace(out.sums, scratch_.template take_on_device<double>(sums_of(t, measures, sums_rows)));
        if (measures) {
            changed |= replace(out.total, totals + 2 * gradients_++);
            largest_ = elements_of(t) > largest_ ? elements_of(t) : largest_;
        }
        return changed;
    }

    /* Sums of a tensor's blocks: of its second moment, and of the squares of its gradient (twice, in every round), or of its rows. */
    static int64_t sums_of(const nr_tensor &t, bool measures, bool sums_rows) {
        const int64_t row_blocks = blocks_of(t.outer * t.inner);
        const int64_t rows = sums_rows && row_blocks > 1 ? most_sums * t.rows * row_blocks : 0;
        int64_t left = blocks_of(elements_of(t));
        int64_t all = left;
        if (measures) {
            all += left;
            while (left > 1) {
                left = blocks_of(left);
                all += 2 * left;
            }
        }
        return rows > all ? rows : all;
    }

    static constexpr int64_t width = 16 / static_cast<int64_t>(sizeof(T));
    static constexpr int remembered = 8;

    const bool measured_;
    region &fresh_;
    lasting_region &table_;
    region &scratch_;
    kind list_[remembered];
    kind *last_ = nullptr;
    int64_t kinds_ = 0;
    int64_t gradients_ = 0;
    int64_t largest_ = 0;
};

} // namespace nr_cuda

#endif
