/* The options and tensors of a step, made of the bytes of an input. They and their arrays lie in guarded memory. */
#ifndef NR_TESTS_FUZZ_STEP_INPUT_H
#define NR_TESTS_FUZZ_STEP_INPUT_H

#include "input.h"
#include "nativeranger.h"

namespace fuzz {

/* Modulo 2^64, since extents may be anything. */
inline int64_t times(int64_t a, int64_t b) { return int64_t(uint64_t(a) * uint64_t(b)); }

constexpr double infinite = std::numeric_limits<double>::infinity();

class step_input {
protected:
    step_input(bytes in, arrays &memory) : in_(in), memory_(memory), fill_(in_.raw<uint64_t>()) {
        memory_.clear();
        fill_.hostile = in_.one_in(3);
        in_.sound = !in_.one_in(4);
    }

    template <class V>
    V *guarded_copy(const V *values, size_t count) {
        V *to = static_cast<V *>(memory_.allocate(count * sizeof(V), arrays::content::exact, fill_));
        if (count != 0)
            std::memcpy(to, values, count * sizeof(V));
        return to;
    }

    void *numbers(int64_t count, int32_t type) {
        const bool wide = type == NR_FLOAT64;
        return memory_.allocate(size_t(count) * (wide ? 8 : 4),
                                wide ? arrays::content::float64 : arrays::content::float32, fill_);
    }

    /* Mostly an array; now and then null, or the one before. */
    void *array(int64_t count, int32_t type) {
        const unsigned which = in_.sound ? 0 : in_.byte();
        if (which >= 252)
            return which == 252 && last_ != nullptr && count <= last_count_ ? last_ : nullptr;
        last_count_ = count;
        return last_ = numbers(count, type);
    }

    nr_options *options() {
        nr_options o = {};
        o.struct_size = in_.wrong_in(64) ? in_.raw<uint32_t>() : uint32_t(sizeof o);
        type_ = in_.likely({int32_t(NR_FLOAT32), int32_t(NR_FLOAT64)});
        o.type = type_;
        o.algorithm = in_.likely({1, 2, 3, 4, 5});
        isa_ = in_.wrong_in(64) ? in_.raw<int32_t>() : int32_t(NR_ISA_AUTO);
        o.learning_rate = in_.likely({1e-3, 0.1, 0.0}, {-0.0, 1e300});
        o.beta1 = in_.likely({0.9, 0.5, 0.0, 0.999999999}, {1.0});
        o.beta2 = in_.likely({0.999, 0.9, 0.5, 0.0, 0.6}, {1.0});
        o.epsilon = in_.likely({1e-8, 1e-5, 0.1}, {1e-60, 5e-324, 0.0});
        o.weight_decay = in_.likely({0.0, 0.01, 0.5}, {1e300, -0.0});
        o.dampening = in_.likely({0.0, 0.0, 0.25, 1.0});
        o.rate_decay = in_.likely({0.0, 0.1, 1e300});
        o.initial_accumulator = in_.likely({0.0, 0.25, 1e300});
        o.threshold = in_.likely({5.0, 4.0, 1e300}, {3.9});
        o.gradient_scale = in_.likely({1.0, 1.0, 0.25}, {0.0, -1.0});
        o.clip_value = in_.likely({infinite, infinite, 0.5}, {0.0, 1e-320});
        o.clip_factor = in_.likely({1.0, 1.0, 0.7, 0.0});
        o.adaptive_clip = in_.likely({0.0, 0.0, 0.01, 1e300});
        o.standardise_epsilon = in_.likely({1e-5, 1e-8}, {1e-60});
        o.seed_alpha = in_.likely({0.5, 0.0, 1.0});
        o.seed_period = in_.likely({int64_t(6), int64_t(1), std::numeric_limits<int64_t>::max()}, {int64_t(0)});
        o.working_set = in_.likely({int64_t(0), int64_t(1) << 40}, {int64_t(-1)});
        o.flags = in_.likely({0u, 0u, 1u, 2u, 4u, 6u, 8u, 12u, 16u, 20u, 32u, 36u, 63u});
        if (in_.sound) {
            o.flags &= flags_of(o.algorithm);
            if (o.beta1 == 0.0 || o.dampening != 0.0)
                o.flags &= ~uint32_t(NR_NESTEROV);
        }
        o.follower_count = in_.likely({0, 0, 1, 2, 3, 64});
        nr_follower followers[64] = {};
        for (int i = 0; i < 64 && i < o.follower_count; ++i)
            followers[i] = follower(o);
        const bool fits = o.follower_count >= 0 && o.follower_count <= 64;
        o.followers = in_.wrong_in(64) ? nullptr : guarded_copy(followers, fits ? size_t(o.follower_count) : 0);
        options_ = guarded_copy(&o, 1);
        return options_;
    }

    /* Null where there is no room for one of them. */
    nr_tensor *tensors(int64_t &count) {
        nr_tensor all[3];
        unsigned made = in_.below(4);
        for (unsigned i = 0; i < made; ++i)
            if (!tensor(all[i])) {
                ++counts.left_out;
                return nullptr;
            }
        count = in_.wrong_in(64) ? -1 - int64_t(in_.byte()) : int64_t(made);
        return guarded_copy(all, made);
    }

    int64_t extent(unsigned most) {
        const unsigned which = in_.byte();
        if (which >= 250 && !in_.sound)
            return in_.raw<int64_t>();
        return int64_t(which % (most + 1));
    }

    /* The elements from the first to the last, 0 where the extents are no extents, and -1 where there is no room. */
    int64_t span(const nr_tensor &t) const {
        if (t.outer < 0 || t.rows < 0 || t.inner < 0 || t.stride < 0)
            return 0;
        if (t.outer == 0 || t.rows == 0 || t.inner == 0)
            return 0;
        int64_t block, gaps, all, reach;
        if (__builtin_mul_overflow(t.rows, t.inner, &block) || __builtin_mul_overflow(t.outer - 1, t.stride, &gaps) ||
            __builtin_add_overflow(gaps, block, &all) || __builtin_mul_overflow(block, t.outer, &reach) ||
            __builtin_mul_overflow(all, type_ == NR_FLOAT64 ? 8 : 4, &reach))
            return 0;
        return all <= int64_t(guarded::room / 8) ? all : -1;
    }

    bytes in_;
    arrays &memory_;
    elements fill_;
    nr_options *options_ = nullptr; /* those that were made last */
    int32_t type_ = NR_FLOAT32;
    int32_t isa_ = NR_ISA_AUTO;

private:
    static uint32_t flags_of(int32_t algorithm) {
        switch (algorithm) {
        case NR_SGD:
            return NR_NESTEROV | NR_CENTRALISE_UPDATE | NR_ZERO_GRADIENT;
        case NR_ADAGRAD:
            return NR_CENTRALISE_UPDATE | NR_ZERO_GRADIENT;
        case NR_ADAM:
            return NR_AMSGRAD | NR_DECOUPLED_DECAY | NR_CENTRALISE_UPDATE | NR_ZERO_GRADIENT;
        case NR_RADAM:
            return NR_DECOUPLED_DECAY | NR_SKIP_UNRECTIFIED | NR_CENTRALISE_UPDATE | NR_ZERO_GRADIENT;
        default:
            return NR_ZERO_GRADIENT;
        }
    }

    nr_follower follower(const nr_options &o) {
        nr_follower f = {};
        f.weight = in_.likely({0.5, 0.8, 1.0, 0.0}, {-0.0, 1.5});
        f.flags = in_.likely({0u, 1u, 3u, 5u}, {7u, 2u, 4u, 8u});
        if (in_.sound && (f.flags & NR_FOLLOWER_PULLBACK) != 0 && !(o.algorithm == NR_SGD && o.beta1 != 0.0))
            f.flags = NR_FOLLOWER_LEADS;
        f.reserved = in_.wrong_in(64) ? in_.raw<uint32_t>() : 0;
        return f;
    }

    /* False where there is no room. */
    bool tensor(nr_tensor &t) {
        t = {};
        last_ = nullptr; // tensors of one call may not share memory
        const bool is_column_major = in_.one_in(4);
        t.outer = is_column_major ? extent(40) : in_.one_in(32) ? extent(3) : 1;
        t.rows = in_.one_in(3) ? extent(33) : 1;
        t.inner = is_column_major ? 1 : times(extent(in_.one_in(8) ? 250 : 40), in_.one_in(16) ? 20 : 1);
        t.stride = t.outer == 1 || !in_.one_in(8) ? times(t.rows, t.inner) : extent(120);
        t.flags = in_.likely({0u, 0u, 1u, 2u}, {3u, 4u});
        if (in_.sound) {
            t.stride = std::max(t.stride, t.rows * t.inner);
            if (options_->algorithm == NR_SEED_RANGER)
                t.stride = t.rows * t.inner;
            if (t.outer * t.inner < 2)
                t.flags = 0;
        }
        const int64_t n = span(t);
        if (n < 0 || t.rows > int64_t(guarded::room / sizeof(nr_row)))
            return false;
        t.parameter = array(n, type_);
        t.gradient = in_.one_in(8) ? nullptr : array(n, type_);
        for (void *&s : t.state)
            s = array(n, type_);
        const int32_t count = options_->follower_count;
        if (count > 0 && count <= 64 && !in_.wrong_in(16)) {
            nr_follower_buffers buffers[64] = {};
            for (int i = 0; i < count && i < 3; ++i)
                buffers[i] = {array(n, type_), array(n, type_)};
            t.followers = guarded_copy(buffers, size_t(count));
        }
        const double start[4] = {in_.likely({0.0, 1e-3, 1e9}), in_.likely({0.0, 1e-3}), in_.likely({0.0, 1.0, 7.0}),
                                 in_.likely({0.0, 1.0})};
        if (!in_.wrong_in(16)) {
            t.scalars = static_cast<double *>(memory_.allocate(sizeof start, arrays::content::float64, fill_));
            std::memcpy(t.scalars, start, sizeof start);
        }
        if (in_.one_in(8) && t.rows >= 0)
            t.row_values = static_cast<nr_row *>(
                memory_.allocate(size_t(t.rows) * sizeof(nr_row), arrays::content::float64, fill_));
        t.step = in_.likely({int64_t(1), int64_t(2), int64_t(6), int64_t(7), int64_t(1) << 40}, {int64_t(0)});
        t.active = in_.likely({uint64_t(0), uint64_t(1), uint64_t(2), uint64_t(3), uint64_t(7)});
        if (in_.sound && count < 64)
            t.active &= (uint64_t(1) << count) - 1;
        t.reserved = in_.wrong_in(64) ? in_.raw<uint32_t>() : 0;
        return true;
    }

    void *last_ = nullptr;
    int64_t last_count_ = 0;
};

} // namespace fuzz

#endif
