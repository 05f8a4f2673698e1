/* What the library says about itself. */
#include "nativeranger.h"

#include <stddef.h>

namespace {

struct status_entry {
    const char *name;
    const char *text;
};

/* Indexed by nr_status_code. */
const status_entry statuses[] = {
    {"NR_OK", "success"},
    {"NR_E_NULL", "a pointer that must not be null is null"},
    {"NR_E_LENGTH", "a count or an extent is negative or contradicts another"},
    {"NR_E_OPTION", "an option is out of range, not finite, or contradicts another"},
    {"NR_E_ABI", "struct_size is none that this library knows, or a flag bit is unknown"},
    {"NR_E_OVERLAP", "two buffers of one tensor overlap"},
    {"NR_E_OVERFLOW", "a product of extents, or a size in bytes, does not fit 64 bits"},
    {"NR_E_ISA", "the instruction set asked for is unknown, not compiled in, or cannot run here"},
    {"NR_E_TYPE", "the element type is unknown"},
};

const status_entry unknown = {"unknown", "no status of this library"};

const status_entry &entry_of(nr_status status) {
    constexpr auto count = static_cast<nr_status>(sizeof statuses / sizeof *statuses);
    return status >= 0 && status < count ? statuses[status] : unknown;
}

struct structure {
    int64_t size;
    int32_t fields;
    const int64_t *offsets;
};

#define NR_OFFSET(type, field) static_cast<int64_t>(offsetof(type, field))

const int64_t follower_offsets[] = {NR_OFFSET(nr_follower, weight), NR_OFFSET(nr_follower, flags),
                                    NR_OFFSET(nr_follower, reserved)};

const int64_t follower_buffers_offsets[] = {NR_OFFSET(nr_follower_buffers, weights),
                                            NR_OFFSET(nr_follower_buffers, momentum)};

const int64_t options_offsets[] = {NR_OFFSET(nr_options, struct_size),
                                   NR_OFFSET(nr_options, type),
                                   NR_OFFSET(nr_options, algorithm),
                                   NR_OFFSET(nr_options, isa),
                                   NR_OFFSET(nr_options, flags),
                                   NR_OFFSET(nr_options, follower_count),
                                   NR_OFFSET(nr_options, followers),
                                   NR_OFFSET(nr_options, learning_rate),
                                   NR_OFFSET(nr_options, beta1),
                                   NR_OFFSET(nr_options, beta2),
                                   NR_OFFSET(nr_options, epsilon),
                                   NR_OFFSET(nr_options, weight_decay),
                                   NR_OFFSET(nr_options, dampening),
                                   NR_OFFSET(nr_options, rate_decay),
                                   NR_OFFSET(nr_options, initial_accumulator),
                                   NR_OFFSET(nr_options, threshold),
                                   NR_OFFSET(nr_options, gradient_scale),
                                   NR_OFFSET(nr_options, clip_value),
                                   NR_OFFSET(nr_options, clip_factor),
                                   NR_OFFSET(nr_options, adaptive_clip),
                                   NR_OFFSET(nr_options, standardise_epsilon),
                                   NR_OFFSET(nr_options, seed_alpha),
                                   NR_OFFSET(nr_options, seed_period),
                                   NR_OFFSET(nr_options, working_set)};

const int64_t row_offsets[] = {NR_OFFSET(nr_row, scale), NR_OFFSET(nr_row, mean), NR_OFFSET(nr_row, denominator)};

const int64_t tensor_offsets[] = {
    NR_OFFSET(nr_tensor, parameter), NR_OFFSET(nr_tensor, gradient), NR_OFFSET(nr_tensor, state),
    NR_OFFSET(nr_tensor, followers), NR_OFFSET(nr_tensor, scalars),  NR_OFFSET(nr_tensor, row_values),
    NR_OFFSET(nr_tensor, outer),     NR_OFFSET(nr_tensor, rows),     NR_OFFSET(nr_tensor, inner),
    NR_OFFSET(nr_tensor, stride),    NR_OFFSET(nr_tensor, step),     NR_OFFSET(nr_tensor, active),
    NR_OFFSET(nr_tensor, flags),     NR_OFFSET(nr_tensor, reserved)};

template <int32_t Fields>
constexpr structure layout_of(int64_t size, const int64_t (&offsets)[Fields]) {
    return {size, Fields, offsets};
}

/* Indexed by nr_structure, less 1. */
const structure structures[] = {layout_of(sizeof(nr_follower), follower_offsets),
                                layout_of(sizeof(nr_follower_buffers), follower_buffers_offsets),
                                layout_of(sizeof(nr_options), options_offsets), layout_of(sizeof(nr_row), row_offsets),
                                layout_of(sizeof(nr_tensor), tensor_offsets)};

} // namespace

int32_t nr_abi_version(void) { return NR_ABI_VERSION; }

const char *nr_version(void) { return NR_VERSION; }

const char *nr_build_info(void) {
    return
#if defined(__clang__)
        "clang "
#else
        "gcc "
#endif
        __VERSION__ ", " NR_BUILD_TYPE ", "
#if defined(__x86_64__)
        "x86-64: scalar avx2 avx512";
#elif defined(__aarch64__)
        "arm64: scalar";
#endif
}

const char *nr_status_name(nr_status status) { return entry_of(status).name; }

const char *nr_status_text(nr_status status) { return entry_of(status).text; }

int64_t nr_layout(int32_t structure, int32_t field) {
    constexpr auto count = static_cast<int32_t>(sizeof structures / sizeof *structures);
    if (structure < 1 || structure > count)
        return -1;
    const auto &s = structures[structure - 1];
    if (field == -1)
        return s.size;
    return field >= 0 && field < s.fields ? s.offsets[field] : -1;
}
