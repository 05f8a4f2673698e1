/* What every entry should do, written a second time: plain, slow, one element after the other, straight from the papers and
 * from the contract's comments. It shares nothing with the library but the header. */
#ifndef NR_TESTS_REFERENCE_H
#define NR_TESTS_REFERENCE_H

#include "nativeranger.h"

#include <vector>

namespace reference {

/* Blocks of 4,096, 32 lanes, a tree; block sums again. */
double canonical_sum(const std::vector<double> &terms);

/* Sums of squares per block of 4,096 elements. */
template <class T>
std::vector<double> square_sums(const nr_options &options, const T *gradient, int64_t n, double scale);

template <class T>
std::vector<nr_row> row_statistics(const nr_options &options, const nr_tensor &tensor);

template <class T>
void step(const nr_options &options, const nr_tensor &tensor);

} // namespace reference

#endif
