/* The scalars of one step: double, from the left as the formulas are printed, without a mathematical library, so that they
 * are the same everywhere. They depend on the options and on t alone and are never kept from one call to the next. */
#ifndef NR_MATH_SCALARS_H
#define NR_MATH_SCALARS_H

#include "math/lane.h"
#include "math/step_scalars.h"

#include "nativeranger.h"

#if !defined(NR_SQUARE_ROOT)
#define NR_SQUARE_ROOT(x) __builtin_sqrt(x)
#endif

namespace nr::NR_LANES {

NR_INLINE double square_root(double x) { return NR_SQUARE_ROOT(x); }

/* base^t by squaring, for 0 <= base < 1 and t >= 1. */
NR_INLINE double power(double base, int64_t t) {
    double result = 1.0;
    for (; t > 1; t >>= 1) {
        /* The square would round to 0, and so would the power; getting there takes long. */
        if (base < 0x1p-538)
            return 0.0;
        /* No branch, since nobody can predict the bits of t. */
        const double factors[] = {1.0, base};
        result *= factors[t & 1];
        base *= base;
    }
    return result * base;
}

/* Into s, member by member: whoever copied its flags together would wait for the numbers that they depend on. */
NR_INLINE void find_scalars(const nr_options &o, int64_t t, step_scalars &s) {
    s.step_size = o.learning_rate;
    s.decay = 1.0;
    s.root_scale = 1.0;
    s.bias2 = 1.0;
    s.first = t == 1;
    s.rectified = true;
    s.moves = true;

    if (o.algorithm == NR_ADAGRAD) {
        s.step_size = o.learning_rate / (1.0 + static_cast<double>(t - 1) * o.rate_decay);
        return;
    }
    if (o.algorithm == NR_SGD)
        return;

    const double beta2_power = power(o.beta2, t);
    const double bias1 = 1.0 - power(o.beta1, t);
    s.bias2 = 1.0 - beta2_power;

    if (o.algorithm == NR_ADAM) {
        s.step_size = o.learning_rate / bias1;
        s.root_scale = 1.0 / square_root(s.bias2);
    } else if (o.algorithm == NR_SEED_RANGER) {
        s.step_size = o.learning_rate * square_root(s.bias2) / bias1;
    } else {
        const double rho_limit = 2.0 / (1.0 - o.beta2) - 1.0;
        const double rho = rho_limit - 2.0 * static_cast<double>(t) * beta2_power / s.bias2;
        s.rectified = rho > o.threshold;
        if (s.rectified) {
            const double rectification =
                square_root((rho - 4.0) * (rho - 2.0) * rho_limit / ((rho_limit - 4.0) * (rho_limit - 2.0) * rho));
            s.step_size = o.learning_rate * rectification * square_root(s.bias2) / bias1;
        } else {
            s.step_size = o.learning_rate / bias1;
            s.moves = (o.flags & NR_SKIP_UNRECTIFIED) == 0;
        }
    }

    if (o.algorithm == NR_SEED_RANGER) {
        if (o.weight_decay != 0.0)
            s.decay = 1.0 - s.step_size * o.weight_decay;
    } else if ((o.flags & NR_DECOUPLED_DECAY) != 0) {
        s.decay = 1.0 - o.learning_rate * o.weight_decay;
    }
}

} // namespace nr::NR_LANES

#endif
