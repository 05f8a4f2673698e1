/* The last elements of tensors that are alike: fewer than a register of each, and a root and a quotient take a processor's
 * divider hardly less time for them than for a whole one. Those of several tensors share registers. */
#ifndef NR_CPU_LAST_ELEMENTS_H
#define NR_CPU_LAST_ELEMENTS_H

#include "cpu/width.h"
#include "math/step_lane.h"

namespace nr::NR_LANES {

/* Parts side by side in one register, each of the Width elements from i on of an array of its own. */
template <int Width, int Parts, class T>
NR_INLINE lane<T, Width * Parts> load_parts(T *const *arrays, int64_t i) {
    if constexpr (Parts == 1) {
        return lane<T, Width>::load(arrays[0] + i);
    } else if constexpr (Width == 1) {
        lane<T, Parts> parts;
        NR_UNROLL
        for (int n = 0; n < Parts; ++n)
            parts.x[n] = arrays[n][i];
        return parts;
    } else {
        return join(load_parts<Width, Parts / 2>(arrays, i), load_parts<Width, Parts / 2>(arrays + Parts / 2, i));
    }
}

template <int Width, int Parts, class T>
NR_INLINE void store_parts(lane<T, Width * Parts> parts, T *const *arrays, int64_t i) {
    if constexpr (Parts == 1) {
        parts.store(arrays[0] + i);
    } else if constexpr (Width == 1) {
        NR_UNROLL
        for (int n = 0; n < Parts; ++n)
            arrays[n][i] = parts.x[n];
    } else {
        store_parts<Width, Parts / 2>(lower_half(parts), arrays, i);
        store_parts<Width, Parts / 2>(upper_half(parts), arrays + Parts / 2, i);
    }
}

/* So many tensors share registers. */
constexpr int tensors_together = 4;

/* The arrays of as many plain steps, without rows and followers, from the elements on that are to be stepped. */
template <class Rule, class T>
struct last_elements {
    using flags = common_flags<false, false>;

    const constants<T> &constant;
    const flags f;
    T *p[tensors_together], *g[tensors_together], *s[state_arrays][tensors_together];

    /* Of the tensors' elements, i to count. */
    NR_INLINE void run(int64_t i, int64_t count) const { run_width<narrower<T, full_width<T>>>(i, count); }

private:
    template <int Width>
    NR_INLINE void run_width(int64_t &i, int64_t count) const {
        constexpr int most = full_width<T> / Width;
        constexpr int parts = most < tensors_together ? most : tensors_together;
        for (; count - i >= Width; i += Width) {
            NR_UNROLL
            for (int first = 0; first < tensors_together; first += parts)
                step_register<Width, parts>(first, i);
        }
        if constexpr (Width > 1)
            run_width<narrower<T, Width>>(i, count);
    }

    template <int Width, int Parts>
    NR_INLINE void step_register(int first, int64_t i) const {
        using V = lane<T, Width * Parts>;
        const constants<V> k = spread_constants<V>(constant);
        V now[state_arrays];
        NR_UNROLL
        for (int j = 0; j < state_arrays; ++j)
            now[j] = j < Rule::states ? load_parts<Width, Parts>(s[j] + first, i) : V::all(T(0));
        const V before = load_parts<Width, Parts>(p + first, i);
        const V update = advance<Rule>(k, f, row<V>{}, load_parts<Width, Parts>(g + first, i), before, now);
        store_parts<Width, Parts>(move(k, f, before, update), p + first, i);
        NR_UNROLL
        for (int j = 0; j < Rule::states; ++j)
            store_parts<Width, Parts>(now[j], s[j] + first, i);
    }
};

} // namespace nr::NR_LANES

#endif
