/* What the formulas ask of a lane, and nothing else.
 *
 * The formulas are templates over a lane type V: a few elements of one floating-point type that are computed alike. A
 * processor's vector register is a lane, a plain number is a lane of width one, and so is a thread of a GPU. V offers
 *
 *     V::element, V::width, V::all(x), V::load(from), v.store(to)
 *     a + b, a - b, a * b, a / b      each rounded to nearest even, never contracted
 *     a < b, a >= b                   a mask; a NaN is neither
 *     select(mask, a, b)              a where the mask is set, b elsewhere
 *     root(v), magnitude(v)           square root, rounded to nearest even; absolute value
 *
 * Whoever includes a formula first defines NR_LANES, the namespace of that instruction set: files compiled with different
 * flags never share a function, however it is inlined.
 */
#ifndef NR_MATH_LANE_H
#define NR_MATH_LANE_H

#if !defined(NR_LANES)
#error "define NR_LANES, the namespace of the instruction set, before a formula is included"
#endif

/* Before a loop over the few states of an element: kept as a loop, it would move them through memory. */
#if defined(__clang__) || defined(__CUDACC__)
#define NR_UNROLL _Pragma("unroll")
#else
#define NR_UNROLL _Pragma("GCC unroll 8")
#endif

#if !defined(NR_INLINE)
#define NR_INLINE inline __attribute__((always_inline))
#endif

#endif
