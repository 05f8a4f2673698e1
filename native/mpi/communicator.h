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
    bool abandoned;         /* a call on it has been waited for in vain, and MPI is still in it */
};

namespace nr_mpi {

/* NR_MPI_OK, or the failure is remembered and NR_MPI_E_CALL returned. */
nr_mpi_status checked(failure &where, const char *function, int code);

int64_t now();

/* Lets others run while nothing arrives: first by yielding, after a while by sleeping, so that a long wait costs no core. */
void pause_since(int64_t start);

/* MPI_Comm_split, which blocks: a thread of its own makes the call, and is left to it where it takes longer than timeout or
 * another rank begins a roll call meanwhile. */
nr_mpi_status split_within(const library &l, nr_mpi_communicator &communicator, int colour, int key, int64_t timeout,
                           handle *part);

/* Whether this thread may call MPI: not while a thread is left to a call, unless the library lets several threads call. */
bool may_call(const library &l);

} // namespace nr_mpi

#endif
