/* The MPI library that was opened: its functions and handles, whichever binary interface it has.
 *
 * Handles travel as intptr_t. Open MPI's are addresses of data symbols, MPICH's are ints: in the calling conventions of x86-64
 * and AArch64 (System V, AAPCS64) an int argument is the low half of a register, and on a little-endian machine an int that a
 * function stores is the low half of an intptr_t that was 0. Both hold for every system that either library supports. */
#ifndef NR_MPI_LIBRARY_H
#define NR_MPI_LIBRARY_H

#include "nativeranger_mpi.h"

namespace nr_mpi {

using handle = intptr_t;

#define NR_MPI_FUNCTIONS(F)                                                                                            \
    F(Initialized, (int *))                                                                                            \
    F(Finalized, (int *))                                                                                              \
    F(Init_thread, (int *, char ***, int, int *))                                                                      \
    F(Query_thread, (int *))                                                                                           \
    F(Finalize, (void))                                                                                                \
    F(Get_library_version, (char *, int *))                                                                            \
    F(Error_string, (int, char *, int *))                                                                              \
    F(Comm_rank, (handle, int *))                                                                                      \
    F(Comm_size, (handle, int *))                                                                                      \
    F(Comm_set_errhandler, (handle, handle))                                                                           \
    F(Comm_idup, (handle, handle *, handle *))                                                                         \
    F(Comm_split, (handle, int, int, handle *))                                                                        \
    F(Comm_free, (handle *))                                                                                           \
    F(Test, (handle *, int *, void *))                                                                                 \
    F(Isend, (const void *, int, handle, int, int, handle, handle *))                                                  \
    F(Irecv, (void *, int, handle, int, int, handle, handle *))                                                        \
    F(Iprobe, (int, int, handle, int *, void *))                                                                       \
    F(Ibarrier, (handle, handle *))                                                                                    \
    F(Ibcast, (void *, int, handle, int, handle, handle *))                                                            \
    F(Iallgather, (const void *, int, handle, void *, int, handle, handle, handle *))                                  \
    F(Iallgatherv, (const void *, int, handle, void *, const int *, const int *, handle, handle, handle *))            \
    F(Ireduce_scatter, (const void *, void *, const int *, handle, handle, handle, handle *))

struct library {
#define NR_MPI_MEMBER(name, parameters) int(*name) parameters;
    NR_MPI_FUNCTIONS(NR_MPI_MEMBER)
#undef NR_MPI_MEMBER

    nr_mpi_about about;
    handle world;
    handle byte, float32, float64;
    handle sum;
    handle errors_return;
    void *in_place;
    void *status_ignore;
};

constexpr int mpi_success = 0;
/* By nr_mpi_flavour: MPI_Comm_split's colour for no part, and the source that stands for any. */
constexpr int mpi_undefined[] = {0, -32766, -32766};
constexpr int mpi_any_source[] = {0, -1, -2};

/* null until nr_mpi_open has succeeded. */
const library *opened();

/* The last failure of calls that have no communicator. */
struct failure {
    const char *function;
    int code;
};
failure &process_failure();

/* text, cut to capacity bytes with the final 0; capacity may be 0. */
void write_text(char *message, int64_t capacity, const char *text);

} // namespace nr_mpi

#endif
