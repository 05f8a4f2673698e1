/* Every check of what a caller hands in, before anything is computed or written. */
#ifndef NR_CPU_VALIDATE_H
#define NR_CPU_VALIDATE_H

#include "nativeranger.h"

namespace nr {

/* Options of nr_step and nr_row_statistics. */
nr_status check_options(const nr_options *options);

/* What nr_square_sums needs of them. */
nr_status check_gradient_options(const nr_options *options);

nr_status check_list(int64_t count, const void *list);

/* Finds the first tensor that is not contiguous and valid at a glance: most are, and their steps may be as short as their
 * checks. The bytes of one array of each of the others are taken off room, while that is not negative. */
using skip_valid = const nr_tensor *(*)(const nr_options &options, const nr_tensor *from, const nr_tensor *end,
                                        int64_t *room);

/* The tensors of nr_step. The bytes of one array of each are taken off room, until it is negative. */
nr_status check_tensors(const nr_options &options, skip_valid skip, int64_t count, const nr_tensor *tensors,
                        int64_t *room);

/* One of them; rows are the statistics that it brings or that are to be written for it, or null. */
nr_status check_tensor(const nr_options &options, const nr_tensor &tensor, const nr_row *rows, bool rows_are_given);

/* A tensor of nr_square_sums, which must be contiguous if sums are asked for. */
nr_status check_gradient(const nr_options &options, const nr_tensor &tensor, const double *sums, bool wants_sums);

/* Two arrays of n elements, the second of which is written. */
nr_status check_arrays(int32_t type, int64_t n, const void *read, const void *written);

/* Elements of a tensor whose extents are valid: where one is 0, the product of the others may be anything. */
inline int64_t elements_of(const nr_tensor &t) {
    return t.outer == 0 || t.rows == 0 || t.inner == 0 ? 0 : t.outer * t.rows * t.inner;
}

inline int64_t size_of(int32_t type) { return type == NR_FLOAT64 ? 8 : 4; }

} // namespace nr

#endif
