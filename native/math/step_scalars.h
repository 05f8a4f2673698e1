/* What a step needs to know of its number t; see math/scalars.h for the formulas. */
#ifndef NR_MATH_STEP_SCALARS_H
#define NR_MATH_STEP_SCALARS_H

namespace nr {

struct step_scalars {
    double step_size;  /* what the update is multiplied by */
    double decay;      /* decoupled decay's factor of the parameter; 1 if there is none */
    double root_scale; /* NR_ADAM: c = 1/sqrt(bc2) */
    double bias2;      /* bc2 = 1 - beta2^t */
    bool first;        /* t = 1 */
    bool rectified;    /* NR_RADAM: rho > threshold */
    bool moves;        /* the parameter is updated and decays */
};

} // namespace nr

#endif
