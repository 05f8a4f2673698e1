/* What is summed over a row. A term gives doubles: at<V>(i, r) those of the elements i and after, where r is the row's entry
 * in the tables of the rows at hand. Elements of one row lie side by side, or (across) each belongs to the next row. */
#ifndef NR_MATH_TERMS_H
#define NR_MATH_TERMS_H

#include "math/step_lane.h"

namespace nr::NR_LANES {

/* Statistics of the rows at hand, an entry per row. */
template <class T>
struct row_tables {
    T *scales;
    T *means;
    T *denominators;
};

template <class V, class T = typename V::element>
NR_INLINE V row_value(const T *table, int64_t r, bool across) {
    return across ? V::load(table + r) : V::all(table[r]);
}

/* The values of an array as they are. */
template <class T>
struct plain_term {
    const T *from;

    template <class V>
    NR_INLINE auto at(int64_t i, int64_t = 0) const {
        return widen(V::load(from + i));
    }
};

/* Squares of an array's values, each multiplied by a double first. */
template <class T>
struct square_term {
    const T *from;
    double by;

    template <class V>
    NR_INLINE auto at(int64_t i, int64_t = 0) const {
        using D = lane<double, V::width>;
        const D x = widen(V::load(from + i)) * D::all(by);
        return x * x;
    }
};

/* Squares of the gradient before the statistics of its row. */
template <class T>
struct gradient_square_term {
    const task<T> &a;
    double by;

    template <class V>
    NR_INLINE auto at(int64_t i, int64_t = 0) const {
        using D = lane<double, V::width>;
        const D x = widen(prepare_element(spread_constants<V>(a.k), a.flags, V::load(a.g + i))) * D::all(by);
        return x * x;
    }
};

/* The gradient whose mean is taken. */
template <class T>
struct gradient_term {
    const task<T> &a;
    row_tables<T> rows;
    bool across;

    template <class V>
    NR_INLINE V gradient(int64_t i, int64_t r) const {
        const V g = V::load(a.g + i);
        const V p = a.flags.l2 ? V::load(a.p + i) : g;
        const V scale = row_value<V>(rows.scales, r, across);
        return prepare_before_mean(spread_constants<V>(a.k), a.flags, g, p, scale);
    }

    template <class V>
    NR_INLINE auto at(int64_t i, int64_t r) const {
        return widen(gradient<V>(i, r));
    }
};

/* Squared deviations from the mean. */
template <class T>
struct deviation_term {
    gradient_term<T> from;

    template <class V>
    NR_INLINE auto at(int64_t i, int64_t r) const {
        const V mean = row_value<V>(from.rows.means, r, from.across);
        const auto d = widen(from.template gradient<V>(i, r) - mean);
        return d * d;
    }
};

/* The update that the step would make; nothing is stored. */
template <class Rule, class T>
struct update_term {
    gradient_term<T> from;

    template <class V>
    NR_INLINE auto at(int64_t i, int64_t r) const {
        const task<T> &a = from.a;
        const constants<V> k = spread_constants<V>(a.k);
        V s[state_arrays];
        load_states<Rule>(a, a.flags, i, s);
        const V g = from.template gradient<V>(i, r);
        Rule::advance(k, a.flags, g, s);
        return widen(Rule::update(k, a.flags, g, s));
    }
};

} // namespace nr::NR_LANES

#endif
