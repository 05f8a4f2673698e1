/* How the library's loops take their square roots, which it decides for itself: these programs are built of its objects. */
#ifndef NRB_LOOPS_H
#define NRB_LOOPS_H

namespace nrb {

/* Of four AVX-512 roots so many are computed by multiplication on this processor. */
int usual_fma_roots();

/* From now on so many are: 0, 1 or 4. */
void set_fma_roots(int roots);

} // namespace nrb

#endif
