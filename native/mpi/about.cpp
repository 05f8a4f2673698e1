/* What the library says about itself. */
#include "nativeranger_mpi.h"

namespace {

struct status_entry {
    const char *name;
    const char *text;
};

/* Indexed by nr_mpi_status_code. */
const status_entry statuses[] = {
    {"NR_MPI_OK", "success"},
    {"NR_MPI_E_NULL", "a pointer that must not be null is null"},
    {"NR_MPI_E_ARGUMENT", "a rank, a tag, a type or a number of bytes is out of range"},
    {"NR_MPI_E_LIBRARY", "there is no MPI library, or it lacks functions"},
    {"NR_MPI_E_THREADS", "MPI was initialised for calls from one fixed thread only"},
    {"NR_MPI_E_LAUNCHER", "a launcher started several processes, but each is alone in its world"},
    {"NR_MPI_E_FINALISED", "MPI has been finalised in this process and cannot be used again"},
    {"NR_MPI_E_CALL", "an MPI function failed"},
    {"NR_MPI_E_TIMEOUT", "the time limit passed"},
    {"NR_MPI_E_MEMORY", "there is not enough memory"},
    {"NR_MPI_E_NOT_OPEN", "nr_mpi_open has not succeeded"},
};

const status_entry unknown = {"unknown", "no status of this library"};

const status_entry &entry_of(nr_mpi_status status) {
    constexpr auto count = static_cast<nr_mpi_status>(sizeof statuses / sizeof *statuses);
    return status >= 0 && status < count ? statuses[status] : unknown;
}

} // namespace

extern "C" {

int32_t nr_mpi_abi_version(void) { return NR_MPI_ABI_VERSION; }
const char *nr_mpi_status_name(nr_mpi_status status) { return entry_of(status).name; }
const char *nr_mpi_status_text(nr_mpi_status status) { return entry_of(status).text; }

} // extern "C"
