/* Updates that are a quotient by a root. A rule that has one names its three parts, and loops may take them one by one:
 *
 *     numerator(g, s), radicand(f, s), divisor(k, root of the radicand)
 */
#ifndef NR_MATH_QUOTIENT_H
#define NR_MATH_QUOTIENT_H

#include "math/constants.h"

namespace nr::NR_LANES {

template <class Rule, class V, class Flags>
NR_INLINE V quotient(const constants<V> &k, const Flags &f, V g, const V *s) {
    return Rule::numerator(g, s) / Rule::divisor(k, root(Rule::radicand(f, s)));
}

} // namespace nr::NR_LANES

#endif
