#include "nativeranger.h"

#include "cpu/dispatch.h"
#include "cpu/float_control.h"
#include "cpu/scalar_cache.h"
#include "cpu/validate.h"

namespace nr {

namespace {

const kernels *find_kernels(int32_t isa, int32_t type) {
    const instruction_set *found = find_instructions(isa);
    if (found == nullptr)
        return nullptr;
    return type == NR_FLOAT64 ? found->float64 : found->float32;
}

/* The kernels of a call whose options were checked; otherwise what is wrong with them. */
nr_status choose_kernels(nr_status checked, const nr_options *options, const kernels **chosen) {
    if (checked != NR_OK)
        return checked;
    *chosen = find_kernels(options->isa, options->type);
    return *chosen == nullptr ? NR_E_ISA : NR_OK;
}

/* The bytes of one array of every tensor, together, with which a step fills the last-level cache; negative if the call is a
 * piece of a step that exceeds it. */
int64_t room_in_cache(const nr_options &o) {
    constexpr int64_t arrays = 4;
    const int64_t cache = this_processor().last_level_cache_bytes;
    return o.working_set > cache ? -1 : cache / arrays;
}

} // namespace

} // namespace nr

nr_status nr_step(const nr_options *options, int64_t count, const nr_tensor *tensors) {
    using namespace nr;
    const float_control control;
    const kernels *kernels = nullptr;
    nr_status status = choose_kernels(check_options(options), options, &kernels);
    if (status != NR_OK)
        return status;
    status = check_list(count, tensors);
    if (status != NR_OK)
        return status;
    int64_t room = room_in_cache(*options);
    status = check_tensors(*options, kernels->skip_plainly_valid, count, tensors, &room);
    if (status != NR_OK)
        return status;

    const processor &p = this_processor();
    /* Memory that is slower than the processor's own roots hides them. */
    const bool from_memory = room < 0;
    const bool prefetch = from_memory && p.wants_prefetch;
    scalar_cache scalars(*options);
    kernels->step(*options, scalars, count, tensors,
                  {from_memory, prefetch, prefetch ? nr::root_units::divider : p.roots});
    return NR_OK;
}

nr_status nr_row_statistics(const nr_options *options, int64_t count, const nr_tensor *tensors, nr_row *const *rows) {
    using namespace nr;
    const float_control control;
    const kernels *kernels = nullptr;
    nr_status status = choose_kernels(check_options(options), options, &kernels);
    if (status != NR_OK)
        return status;
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

    scalar_cache scalars(*options);
    for (int64_t i = 0; i < count; ++i) {
        const nr_tensor &t = tensors[i];
        if (elements_of(t) != 0 && t.gradient != nullptr && rows[i] != nullptr)
            kernels->row_statistics(*options, scalars.of(t.step), t, rows[i]);
    }
    return NR_OK;
}

nr_status nr_square_sums(const nr_options *options, int64_t count, const nr_tensor *tensors, double scale,
                         double *const *sums, int32_t *nonfinite) {
    using namespace nr;
    const float_control control;
    nr_status status = check_gradient_options(options);
    if (status == NR_OK && scale - scale != 0.0)
        status = NR_E_OPTION;
    const kernels *kernels = nullptr;
    status = choose_kernels(status, options, &kernels);
    if (status != NR_OK)
        return status;
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

nr_status nr_gradient_sums(const nr_options *options, int64_t count, const nr_tensor *tensors, double *const *sums) {
    using namespace nr;
    const float_control control;
    nr_status status = check_options(options);
    if (status == NR_OK && options->adaptive_clip != 0.0)
        status = NR_E_OPTION;
    const kernels *kernels = nullptr;
    status = choose_kernels(status, options, &kernels);
    if (status != NR_OK)
        return status;
    status = check_list(count, tensors);
    if (status == NR_OK)
        status = check_list(count, sums);
    for (int64_t i = 0; i < count && status == NR_OK; ++i) {
        const nr_tensor &t = tensors[i];
        status = t.outer != 1 || t.rows != 1 ? NR_E_LENGTH : check_gradient(*options, t, sums[i], true);
        if (status == NR_OK && options->weight_decay != 0.0 && t.gradient != nullptr && t.parameter == nullptr)
            status = NR_E_NULL;
    }
    if (status != NR_OK)
        return status;

    scalar_cache scalars(*options);
    for (int64_t i = 0; i < count; ++i)
        if (elements_of(tensors[i]) != 0 && tensors[i].gradient != nullptr)
            kernels->gradient_sums(*options, scalars.of(1), tensors[i], sums[i]);
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
