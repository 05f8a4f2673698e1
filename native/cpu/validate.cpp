#include "cpu/validate.h"

#include "math/options.h"

namespace nr {

namespace {

constexpr int32_t most_followers = 64;

constexpr uint32_t known_option_flags =
    NR_NESTEROV | NR_AMSGRAD | NR_DECOUPLED_DECAY | NR_SKIP_UNRECTIFIED | NR_CENTRALISE_UPDATE | NR_ZERO_GRADIENT;
constexpr uint32_t known_tensor_flags = NR_CENTRALISE | NR_STANDARDISE;
constexpr uint32_t known_follower_flags = NR_FOLLOWER_LEADS | NR_FOLLOWER_RESET | NR_FOLLOWER_PULLBACK;

/* Numbers of one sign have the order of their bits, NaN beyond infinity; integers are compared in less time. */
uint64_t bits_of(double x) {
    uint64_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

constexpr uint64_t minus_zero = uint64_t{1} << 63;
constexpr uint64_t bits_of_one = 0x3ffull << 52;
constexpr uint64_t bits_of_four = 0x401ull << 52;
constexpr uint64_t bits_of_infinity = 0x7ffull << 52;

bool finite(double x) { return (bits_of(x) & ~minus_zero) < bits_of_infinity; }

bool not_negative(double x) { return bits_of(x) < bits_of_infinity || bits_of(x) == minus_zero; }

bool fraction(double x) { return bits_of(x) <= bits_of_one || bits_of(x) == minus_zero; }

bool decay_rate(double x) { return bits_of(x) < bits_of_one || bits_of(x) == minus_zero; }

bool at_least_four(double x) { return bits_of(x) - bits_of_four < bits_of_infinity - bits_of_four; }

/* Above 0, and perhaps infinite. */
bool above_zero(double x) { return bits_of(x) - 1 < bits_of_infinity; }

/* Positive and finite, also once rounded to the element type. */
bool positive(double x, int32_t type) {
    const double rounded = type == NR_FLOAT64 ? x : static_cast<double>(static_cast<float>(x));
    return bits_of(rounded) - 1 < bits_of_infinity - 1;
}

/* The flags that mean something to an algorithm. */
uint32_t flags_of(int32_t algorithm) {
    constexpr uint32_t any = NR_CENTRALISE_UPDATE | NR_ZERO_GRADIENT;
    switch (algorithm) {
    case NR_SGD:
        return any | NR_NESTEROV;
    case NR_ADAGRAD:
        return any;
    case NR_ADAM:
        return any | NR_AMSGRAD | NR_DECOUPLED_DECAY;
    case NR_RADAM:
        return any | NR_DECOUPLED_DECAY | NR_SKIP_UNRECTIFIED;
    default:
        return NR_ZERO_GRADIENT;
    }
}

bool algorithm_options_valid(const nr_options &o) {
    switch (o.algorithm) {
    case NR_SGD:
        if (!decay_rate(o.beta1) || !finite(o.dampening))
            return false;
        return !asks(o.flags, NR_NESTEROV) || (o.beta1 > 0.0 && o.dampening == 0.0);
    case NR_ADAGRAD:
        return positive(o.epsilon, o.type) && not_negative(o.rate_decay) && not_negative(o.initial_accumulator);
    case NR_ADAM:
        return decay_rate(o.beta1) && decay_rate(o.beta2) && positive(o.epsilon, o.type);
    case NR_RADAM:
    case NR_SEED_RANGER:
        if (!decay_rate(o.beta1) || !decay_rate(o.beta2) || !positive(o.epsilon, o.type))
            return false;
        if (!at_least_four(o.threshold))
            return false;
        return o.algorithm == NR_RADAM || (fraction(o.seed_alpha) && o.seed_period >= 1);
    default:
        return false;
    }
}

bool transforms_valid(const nr_options &o) {
    return finite(o.gradient_scale) && above_zero(o.clip_value) && not_negative(o.clip_factor) &&
           not_negative(o.adaptive_clip);
}

nr_status check_followers(const nr_options &o) {
    if (o.follower_count < 0 || o.follower_count > most_followers)
        return NR_E_LENGTH;
    if (o.follower_count > 0 && o.followers == nullptr)
        return NR_E_NULL;
    for (int32_t i = 0; i < o.follower_count; ++i) {
        const nr_follower &f = o.followers[i];
        if ((f.flags & ~known_follower_flags) != 0 || f.reserved != 0)
            return NR_E_ABI;
        const bool resets = asks(f.flags, NR_FOLLOWER_RESET);
        const bool pulls = asks(f.flags, NR_FOLLOWER_PULLBACK);
        if (!fraction(f.weight) || (resets && pulls))
            return NR_E_OPTION;
        if ((resets || pulls) && !asks(f.flags, NR_FOLLOWER_LEADS))
            return NR_E_OPTION;
        if (pulls && !(o.algorithm == NR_SGD && o.beta1 != 0.0))
            return NR_E_OPTION;
    }
    return NR_OK;
}

/* Struct size, type: what must be known before anything else of the options is read. */
nr_status check_header(const nr_options *o) {
    if (o == nullptr)
        return NR_E_NULL;
    if (o->struct_size != sizeof(nr_options))
        return NR_E_ABI;
    if (o->type != NR_FLOAT32 && o->type != NR_FLOAT64)
        return NR_E_TYPE;
    return NR_OK;
}

struct extents {
    int64_t elements; /* of the tensor */
    int64_t bytes;    /* from its first element to behind its last, gaps included */
};

nr_status check_extents(const nr_tensor &t, int64_t element_size, extents *out) {
    if (t.outer < 0 || t.rows < 0 || t.inner < 0 || t.stride < 0)
        return NR_E_LENGTH;
    int64_t width = 0, elements = 0, span = 0, bytes = 0;
    if (__builtin_mul_overflow(t.rows, t.inner, &width) || __builtin_mul_overflow(width, t.outer, &elements))
        return NR_E_OVERFLOW;
    *out = {0, 0};
    if (elements == 0)
        return NR_OK;
    if (t.outer > 1 && t.stride < width)
        return NR_E_LENGTH;
    if (__builtin_mul_overflow(t.outer > 1 ? t.stride : 0, t.outer - 1, &span) ||
        __builtin_add_overflow(span, width, &span) || __builtin_mul_overflow(span, element_size, &bytes))
        return NR_E_OVERFLOW;
    *out = {elements, bytes};
    return NR_OK;
}

/* The address ranges that a tensor's step touches. */
class ranges {
public:
    void add(const void *from, int64_t bytes) {
        const uintptr_t begin = reinterpret_cast<uintptr_t>(from);
        uintptr_t end = 0;
        if (__builtin_add_overflow(begin, static_cast<uintptr_t>(bytes), &end))
            status_ = NR_E_OVERFLOW;
        for (int i = 0; i < count_; ++i)
            if (begin < ranges_[i].end && ranges_[i].begin < end && status_ == NR_OK)
                status_ = NR_E_OVERLAP;
        ranges_[count_++] = {begin, end};
    }

    nr_status status() const { return status_; }

private:
    struct range {
        uintptr_t begin;
        uintptr_t end;
    };
    /* parameter, gradient, states, two per follower, rows, scalars */
    range ranges_[2 + 4 + 2 * most_followers + 2];
    int count_ = 0;
    nr_status status_ = NR_OK;
};

bool contiguous(const nr_tensor &t) { return t.outer <= 1 || t.stride == t.rows * t.inner; }

nr_status check_buffers(const nr_options &o, const nr_tensor &t, int64_t bytes, const nr_row *rows) {
    ranges touched;
    bool follower_null = t.active != 0 && t.followers == nullptr;
    bool states_touched = t.gradient != nullptr;

    if (!follower_null && t.active != 0) {
        bool resets_above = false;
        for (int32_t i = o.follower_count; i-- > 0;) {
            const uint32_t flags = o.followers[i].flags;
            const bool moves = (t.active >> i & 1) != 0;
            if (moves && asks(flags, NR_FOLLOWER_RESET))
                resets_above = true;
            if (!moves && !(resets_above && asks(flags, NR_FOLLOWER_LEADS)))
                continue;
            const nr_follower_buffers &buffers = t.followers[i];
            const bool pulls = asks(flags, NR_FOLLOWER_PULLBACK);
            follower_null = follower_null || buffers.weights == nullptr || (pulls && buffers.momentum == nullptr);
            states_touched = states_touched || pulls;
            touched.add(buffers.weights, bytes);
            if (pulls)
                touched.add(buffers.momentum, bytes);
        }
        states_touched = states_touched || resets_above;
    }
    if (follower_null)
        return NR_E_NULL;
    if (t.gradient == nullptr && t.active == 0)
        return NR_OK;

    if (t.parameter == nullptr)
        return NR_E_NULL;
    touched.add(t.parameter, bytes);
    if (t.gradient != nullptr)
        touched.add(t.gradient, bytes);
    if (states_touched) {
        for (int i = 0; i < states_of(o); ++i) {
            if (t.state[i] == nullptr)
                return NR_E_NULL;
            touched.add(t.state[i], bytes);
        }
        if (o.algorithm == NR_SEED_RANGER) {
            if (t.scalars == nullptr)
                return NR_E_NULL;
            touched.add(t.scalars, 4 * static_cast<int64_t>(sizeof(double)));
        }
    }
    if (rows != nullptr) {
        int64_t row_bytes = 0;
        if (__builtin_mul_overflow(t.rows, static_cast<int64_t>(sizeof(nr_row)), &row_bytes))
            return NR_E_OVERFLOW;
        touched.add(rows, row_bytes);
    }
    return touched.status();
}

/* Finite, though the bits of the element type may still say otherwise. */
bool seed_scalars_valid(const double *s) { return finite(s[2]) && s[2] >= 0.0 && (s[3] == 0.0 || s[3] == 1.0); }

} // namespace

nr_status check_tensor(const nr_options &o, const nr_tensor &t, const nr_row *rows, bool rows_are_given) {
    if ((t.flags & ~known_tensor_flags) != 0 || t.reserved != 0)
        return NR_E_ABI;
    extents e;
    const nr_status extent_status = check_extents(t, size_of(o.type), &e);
    if (extent_status != NR_OK)
        return extent_status;

    if (o.follower_count < 64 && (t.active >> o.follower_count) != 0)
        return NR_E_OPTION;
    if (t.gradient != nullptr && t.step < 1)
        return NR_E_OPTION;
    const bool centralise = asks(t.flags, NR_CENTRALISE);
    const bool standardise = asks(t.flags, NR_STANDARDISE);
    if ((centralise && standardise) ||
        (standardise && !positive(o.standardise_epsilon, o.type) && o.algorithm != NR_SEED_RANGER))
        return NR_E_OPTION;
    if (e.elements == 0)
        return NR_OK;

    if ((centralise || standardise) && !rows_are_given && t.outer * t.inner < 2)
        return NR_E_LENGTH;
    if (o.algorithm == NR_SEED_RANGER && !contiguous(t))
        return NR_E_LENGTH;
    const nr_status buffers = check_buffers(o, t, e.bytes, rows);
    if (buffers != NR_OK)
        return buffers;
    if (o.algorithm == NR_SEED_RANGER && t.gradient != nullptr && !seed_scalars_valid(t.scalars))
        return NR_E_OPTION;
    return NR_OK;
}

nr_status check_tensors(const nr_options &o, skip_valid skip, int64_t count, const nr_tensor *tensors, int64_t *room) {
    const nr_tensor *const end = tensors + count;
    for (const nr_tensor *t = tensors; (t = skip(o, t, end, room)) != end; ++t) {
        const nr_status status = check_tensor(o, *t, t->row_values, t->row_values != nullptr);
        if (status != NR_OK)
            return status;
        if (*room >= 0)
            *room -= elements_of(*t) * size_of(o.type);
    }
    return NR_OK;
}

nr_status check_options(const nr_options *options) {
    const nr_status header = check_header(options);
    if (header != NR_OK)
        return header;
    const nr_options &o = *options;
    if ((o.flags & ~known_option_flags) != 0)
        return NR_E_ABI;
    if (!algorithm_options_valid(o) || (o.flags & ~flags_of(o.algorithm)) != 0)
        return NR_E_OPTION;
    if (!not_negative(o.learning_rate) || !not_negative(o.weight_decay) || !transforms_valid(o) || o.working_set < 0)
        return NR_E_OPTION;
    return check_followers(o);
}

nr_status check_gradient_options(const nr_options *options) {
    const nr_status header = check_header(options);
    if (header != NR_OK)
        return header;
    return finite(options->gradient_scale) && above_zero(options->clip_value) ? NR_OK : NR_E_OPTION;
}

nr_status check_list(int64_t count, const void *list) {
    if (count < 0)
        return NR_E_LENGTH;
    return count > 0 && list == nullptr ? NR_E_NULL : NR_OK;
}

nr_status check_gradient(const nr_options &o, const nr_tensor &t, const double *sums, bool wants_sums) {
    extents e;
    const nr_status extent_status = check_extents(t, size_of(o.type), &e);
    if (extent_status != NR_OK || e.elements == 0 || t.gradient == nullptr || !wants_sums)
        return extent_status;
    if (!contiguous(t))
        return NR_E_LENGTH;
    if (sums == nullptr)
        return NR_E_NULL;
    ranges touched;
    touched.add(t.gradient, e.bytes);
    touched.add(sums, ((e.elements - 1) / 4096 + 1) * static_cast<int64_t>(sizeof(double)));
    return touched.status();
}

nr_status check_arrays(int32_t type, int64_t n, const void *read, const void *written) {
    if (type != NR_FLOAT32 && type != NR_FLOAT64)
        return NR_E_TYPE;
    if (n < 0)
        return NR_E_LENGTH;
    int64_t bytes = 0;
    if (__builtin_mul_overflow(n, size_of(type), &bytes))
        return NR_E_OVERFLOW;
    if (n == 0)
        return NR_OK;
    if (read == nullptr || written == nullptr)
        return NR_E_NULL;
    ranges touched;
    touched.add(read, bytes);
    touched.add(written, bytes);
    return touched.status();
}

} // namespace nr
