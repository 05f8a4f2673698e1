/* nativeranger_mpi.h: the C contract of libnativeranger_mpi, a thin layer over whichever MPI library is there.
 *
 * The library is opened at run time, so one binary serves Open MPI and every library with MPICH's binary interface. All
 * communication is nonblocking and waited for with a time limit, so that a dead rank ends in a status and not in a hang.
 * Messages are bytes; what exceeds the largest message is sent in pieces, so that no count exceeds 2^31 - 1.
 *
 * The calls on one communicator are made by one thread at a time, and so are all calls unless the library provides
 * MPI_THREAD_MULTIPLE. Nothing is printed, and no call ends the process, unless the MPI library itself does.
 */
#ifndef NATIVERANGER_MPI_H
#define NATIVERANGER_MPI_H

#include <stdint.h>

#ifndef NR_API
#define NR_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this contract. It changes whenever a caller compiled against the old one could misunderstand the new. */
enum nr_mpi_abi { NR_MPI_ABI_VERSION = 1 };

/* What an entry returns. Values are pinned for ever. */
enum nr_mpi_status_code {
    NR_MPI_OK = 0,
    NR_MPI_E_NULL = 1,      /* a pointer that must not be null is null */
    NR_MPI_E_ARGUMENT = 2,  /* a rank, a tag, a type or a number of bytes is out of range */
    NR_MPI_E_LIBRARY = 3,   /* there is no MPI library, or it lacks functions */
    NR_MPI_E_THREADS = 4,   /* MPI was initialised for calls from one fixed thread only */
    NR_MPI_E_LAUNCHER = 5,  /* a launcher started several processes, but each is alone in its world */
    NR_MPI_E_FINALISED = 6, /* MPI has been finalised in this process and cannot be used again */
    NR_MPI_E_CALL = 7,      /* an MPI function failed; nr_mpi_failure says which and how */
    NR_MPI_E_TIMEOUT = 8,   /* the time limit passed; what is under way stays under way */
    NR_MPI_E_MEMORY = 9,    /* there is not enough memory */
    NR_MPI_E_NOT_OPEN = 10  /* nr_mpi_open has not succeeded */
};
typedef int32_t nr_mpi_status;

/* Whose binary interface the library has. */
enum nr_mpi_flavour { NR_MPI_OPEN_MPI = 1, NR_MPI_MPICH = 2 };

enum nr_mpi_type { NR_MPI_BYTE = 1, NR_MPI_FLOAT32 = 2, NR_MPI_FLOAT64 = 3 };

/* What was opened. */
typedef struct nr_mpi_about {
    int32_t flavour;          /* nr_mpi_flavour */
    int32_t any_thread;       /* 1: several threads may call at once; 0: one at a time */
    int32_t initialised_here; /* 1: nr_mpi_open initialised MPI; 0: the host program had */
    int32_t world_rank;
    int32_t world_size;
    int32_t reserved;
} nr_mpi_about;

/* A communicator of our own: a duplicate, so that its messages cannot be taken for the host program's. */
typedef struct nr_mpi_communicator nr_mpi_communicator;

/* Operations that are under way and waited for together. Their buffers must stay where they are until then. */
typedef struct nr_mpi_batch nr_mpi_batch;

NR_API int32_t nr_mpi_abi_version(void);

/* Name ("NR_MPI_E_TIMEOUT") and meaning of a status; never null. */
NR_API const char *nr_mpi_status_name(nr_mpi_status status);
NR_API const char *nr_mpi_status_text(nr_mpi_status status);

/* Opens the MPI library and initialises MPI unless the host program has. library is a path or a name for the dynamic loader;
 * null: the library that the process has loaded already, else the one that the launcher belongs to (Open MPI's and MPICH's
 * launchers announce themselves in the environment), else the first that is there. Sets UCX_ERROR_SIGNALS to nothing unless it
 * is set: UCX, below MPICH, would take over signals that the .NET runtime lives by. message receives what went wrong, or the
 * version of the library, cut to capacity bytes with the final 0. A second call finds MPI open and changes nothing. */
NR_API nr_mpi_status nr_mpi_open(const char *library, nr_mpi_about *about, char *message, int64_t capacity);

/* Finalises MPI if nr_mpi_open initialised it, once all ranks of the world are there, but waits no longer than timeout
 * nanoseconds for them: NR_MPI_E_TIMEOUT leaves MPI as it is. */
NR_API nr_mpi_status nr_mpi_close(int64_t timeout);

/* A duplicate of MPI_COMM_WORLD, or of a communicator of the host program: its MPI_Comm, an address for Open MPI and an int for
 * MPICH. All its ranks must call. Messages of more than largest_message bytes travel in pieces; 0 = 1 GiB. */
NR_API nr_mpi_status nr_mpi_world(int64_t timeout, int64_t largest_message, nr_mpi_communicator **communicator);
NR_API nr_mpi_status nr_mpi_adopt(int64_t handle, int64_t timeout, int64_t largest_message,
                                  nr_mpi_communicator **communicator);

/* The ranks of equal colour >= 0, in the order of key; *part is null where the colour is -1. All ranks must call. MPI_Comm_split
 * blocks, so a thread of its own makes the call; after a timeout it is left there, and of the communicator nothing but a roll call
 * may be asked. */
NR_API nr_mpi_status nr_mpi_split(nr_mpi_communicator *communicator, int32_t colour, int32_t key, int64_t timeout,
                                  nr_mpi_communicator **part);

/* Frees a communicator that has no batches; null is ignored. After a failure it is left to MPI, which may still use it. */
NR_API nr_mpi_status nr_mpi_free(nr_mpi_communicator *communicator);

NR_API nr_mpi_status nr_mpi_rank(const nr_mpi_communicator *communicator, int32_t *rank, int32_t *size);

/* The MPI function that failed last on this communicator and MPI's own words for it; empty if none has. */
NR_API nr_mpi_status nr_mpi_failure(const nr_mpi_communicator *communicator, char *message, int64_t capacity);

NR_API nr_mpi_status nr_mpi_batch_create(nr_mpi_communicator *communicator, nr_mpi_batch **batch);
/* null is ignored. What is still under way is left to MPI. */
NR_API nr_mpi_status nr_mpi_batch_free(nr_mpi_batch *batch);

/* bytes to or from one other rank. Messages of one tag between two ranks arrive in the order in which they were sent. */
NR_API nr_mpi_status nr_mpi_send(nr_mpi_batch *batch, const void *data, int64_t bytes, int32_t rank, int32_t tag);
NR_API nr_mpi_status nr_mpi_receive(nr_mpi_batch *batch, void *data, int64_t bytes, int32_t rank, int32_t tag);

/* Collectives: all ranks call them in the same order. The bytes of all ranks together must be below 2^31.
 * all_gather: the same number of bytes from every rank; everything = size x bytes.
 * all_gather_ranges: bytes[r] bytes from rank r to everything + offsets[r], where rank r's own must lie already.
 * broadcast: from root to all.
 * reduce_scatter: the sums over the ranks of counts[0] + … + counts[size-1] elements, of which rank r receives counts[r], from
 * counts[0] + … + counts[r-1] on. In the order of the library's choice. Not for NR_MPI_BYTE. */
NR_API nr_mpi_status nr_mpi_all_gather(nr_mpi_batch *batch, const void *own, int64_t bytes, void *everything);
NR_API nr_mpi_status nr_mpi_all_gather_ranges(nr_mpi_batch *batch, void *everything, const int64_t *bytes,
                                              const int64_t *offsets);
NR_API nr_mpi_status nr_mpi_broadcast(nr_mpi_batch *batch, void *data, int64_t bytes, int32_t root);
NR_API nr_mpi_status nr_mpi_reduce_scatter(nr_mpi_batch *batch, int32_t type, const void *data, const int64_t *counts,
                                           void *sums);

/* Lets MPI work on what is under way. *done: 1 once nothing of the batch is, which can then be used anew. */
NR_API nr_mpi_status nr_mpi_test(nr_mpi_batch *batch, int32_t *done);
/* Waits for the whole batch, but no longer than timeout nanoseconds. */
NR_API nr_mpi_status nr_mpi_wait(nr_mpi_batch *batch, int64_t timeout);

/* *called: 1 if another rank has begun a roll call, since it ran into its time limit or failed. To be asked now and then while
 * waiting, so that all ranks that wait give up together. */
NR_API nr_mpi_status nr_mpi_roll_called(nr_mpi_communicator *communicator, int32_t *called);

/* What a rank tells the others in a roll call. */
enum nr_mpi_presence { NR_MPI_ABSENT = 0, NR_MPI_WAITED_IN_VAIN = 1, NR_MPI_FAILED = 2 };

/* Tells the other ranks an nr_mpi_presence, after a timeout or a failure, and learns theirs: presence[r], NR_MPI_ABSENT for a rank
 * that is dead or not in a roll call. Waits until all are, at most timeout nanoseconds, and returns NR_MPI_OK either way. Afterwards
 * the communicator is good for nothing else. */
NR_API nr_mpi_status nr_mpi_roll_call(nr_mpi_communicator *communicator, int32_t own, int64_t timeout,
                                      uint8_t *presence);

#ifdef __cplusplus
}
#endif

#endif
