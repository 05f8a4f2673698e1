#include "nativeranger.h"

#include "cpu/dispatch.h"
#include "cpu/float_control.h"
#include "cpu/validate.h"

#define NR_LANES host
#include "math/scalars.h"

namespace nr {

namespace {

const kernels *find_kernels(int32_t isa, int32_t type) {
    const instruction_set *found = find_instructions(isa);
    if (found == nullptr)
        return nullptr;
    return type == NR_FLOAT64 ? found->float64 : found->float32;
}

/* Never inlined, so that nothing of it can move to where the caller's control word is in force. */
__attribute__((noinline)) step_scalars compute_scalars(const nr_options &options, int64_t t) {
    return host::scalars_of_step(options, t);
}

/* The scalars of the steps that a call asks for, each computed once: the tensors of a call nearly always share theirs. */
class scalar_cache {
public:
    const step_scalars &of(const nr_options &options, int64_t t) {
        entry &e = entries_[t % size];
        if (e.t != t)
            e = {t, compute_scalars(options, t)};
        return e.scalars;
    }

private:
    static constexpr int64_t size = 16;
    struct entry {
        int64_t t = 0;
        step_scalars scalars;
    };
    entry entries_[size];
};

/* Without a gradient a tensor may have no step yet. */
int64_t step_of(const nr_tensor &t) { return t.gradient != nullptr ? t.step : 1; }

/* True if the arrays that the steps of a call read and write are larger than the last-level cache. */
bool exceeds_cache(const nr_options &o, int64_t count, const nr_tensor *tensors) {
    constexpr int64_t arrays = 4;
    const int64_t cache = this_processor().last_level_cache_bytes;
    if (o.working_set > cache)
        return true;
    int64_t room = cache / arrays;
    for (int64_t i = 0; i < count && room >= 0; ++i)
        room -= elements_of(tensors[i]) * size_of(o.type);
    return room < 0;
}

} // namespace

} // namespace nr

nr_status nr_step(const nr_options *options, int64_t count, const nr_tensor *tensors) {
    using namespace nr;
    const float_control control;
    nr_status status = check_options(options);
    if (status != NR_OK)
        return status;
    const kernels *kernels = find_kernels(options->isa, options->type);
    if (kernels == nullptr)
        return NR_E_ISA;
    status = check_list(count, tensors);
    for (int64_t i = 0; i < count && status == NR_OK; ++i)
        status = check_tensor(*options, tensors[i], tensors[i].row_values, tensors[i].row_values != nullptr);
    if (status != NR_OK)
        return status;

    /* Memory that is slower than the processor's own roots hides them. */
    const bool prefetch = exceeds_cache(*options, count, tensors);
    const step_manner manner = {prefetch, prefetch ? int8_t{0} : this_processor().fma_roots};
    scalar_cache scalars;
    for (int64_t i = 0; i < count; ++i) {
        const nr_tensor &t = tensors[i];
        if (elements_of(t) != 0 && (t.gradient != nullptr || t.active != 0))
            kernels->step(*options, scalars.of(*options, step_of(t)), t, manner);
    }
    return NR_OK;
}

nr_status nr_row_statistics(const nr_options *options, int64_t count, const nr_tensor *tensors, nr_row *const *rows) {
    using namespace nr;
    const float_control control;
    nr_status status = check_options(options);
    if (status != NR_OK)
        return status;
    const kernels *kernels = find_kernels(options->isa, options->type);
    if (kernels == nullptr)
        return NR_E_ISA;
    status = check_list(count, tensors);
    if (status == NR_OK)
        status = check_list(count, rows);
    for (int64_t i = 0; i < count && status == NR_OK; ++i) {
        const bool transforms = tensors[i].flags != 0 || options->adaptive_clip != 0.0;
        status = check_tensor(*options, tensors[i], rows[i], false);
        if (status == NR_OK && transforms && rows[i] == nullptr && tensors[i].gradient != nullptr &&
            elements_of(tensors[i]) != 0)
            status = NR_E_NULL;
    }
    if (status != NR_OK)
        return status;

    scalar_cache scalars;
    for (int64_t i = 0; i < count; ++i) {
        const nr_tensor &t = tensors[i];
        if (elements_of(t) != 0 && t.gradient != nullptr && rows[i] != nullptr)
            kernels->row_statistics(*options, scalars.of(*options, t.step), t, rows[i]);
    }
    return NR_OK;
}

nr_status nr_square_sums(const nr_options *options, int64_t count, const nr_tensor *tensors, double scale,
                         double *const *sums, int32_t *nonfinite) {
    using namespace nr;
    const float_control control;
    nr_status status = check_gradient_options(options);
    if (status != NR_OK)
        return status;
    if (scale - scale != 0.0)
        return NR_E_OPTION;
    const kernels *kernels = find_kernels(options->isa, options->type);
    if (kernels == nullptr)
        return NR_E_ISA;
    if (nonfinite == nullptr)
        return NR_E_NULL;
    status = check_list(count, tensors);
    for (int64_t i = 0; i < count && status == NR_OK; ++i)
        status = check_gradient(*options, tensors[i], sums != nullptr ? sums[i] : nullptr, sums != nullptr);
    if (status != NR_OK)
        return status;

    bool found = false;
    for (int64_t i = 0; i < count; ++i) {
        const nr_tensor &t = tensors[i];
        if (elements_of(t) == 0 || t.gradient == nullptr)
            continue;
        const int64_t width = t.rows * t.inner;
        if (sums != nullptr) {
            found |= kernels->square_sums(*options, width * t.outer, t.gradient, scale, sums[i]);
            continue;
        }
        for (int64_t o = 0; o < t.outer; ++o) {
            const char *from = static_cast<const char *>(t.gradient) + o * t.stride * size_of(options->type);
            found |= kernels->square_sums(*options, width, from, scale, nullptr);
        }
    }
    *nonfinite = found ? 1 : 0;
    return NR_OK;
}

nr_status nr_reduce(int64_t n, double *sums, double *result) {
    const nr::float_control control;
    if (n < 0)
        return NR_E_LENGTH;
    if (result == nullptr || (n > 0 && sums == nullptr))
        return NR_E_NULL;
    *result = nr::scalar::reduce(n, sums);
    return NR_OK;
}

nr_status nr_accumulate(int32_t type, int32_t isa, int64_t n, const void *gradient, void *sum) {
    using namespace nr;
    const float_control control;
    const nr_status status = check_arrays(type, n, gradient, sum);
    if (status != NR_OK)
        return status;
    const kernels *kernels = find_kernels(isa, type);
    if (kernels == nullptr)
        return NR_E_ISA;
    kernels->accumulate(n, gradient, sum);
    return NR_OK;
}
