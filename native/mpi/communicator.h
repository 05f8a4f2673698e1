#ifndef NR_MPI_COMMUNICATOR_H
#define NR_MPI_COMMUNICATOR_H

#include "mpi/library.h"

struct nr_mpi_communicator {
    nr_mpi::handle handle;
    int rank;
    int size;
    int batches;
    int64_t largest_message;
    nr_mpi::failure failed; /* function is null while nothing has failed */
};

namespace nr_mpi {

/* NR_MPI_OK, or the failure is remembered and NR_MPI_E_CALL returned. */
nr_mpi_status checked(failure &where, const char *function, int code);

int64_t now();

/* Lets others run while nothing arrives: first by yielding, after a while by sleeping, so that a long wait costs no core. */
void pause_since(int64_t start);

} // namespace nr_mpi

#endif
