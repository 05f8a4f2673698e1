/* Opens the MPI library. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "mpi/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace nr_mpi {
namespace {

constexpr int thread_serialized = 2;
constexpr int thread_multiple = 3;
constexpr int longest_text = 1024;

/* Open MPI 3 to 5 first, then MPICH's common name and Debian's. */
const char *const open_mpi_first[] = {"libmpi.so.40", "libmpi.so.12", "libmpich.so.12"};
const char *const mpich_first[] = {"libmpi.so.12", "libmpich.so.12", "libmpi.so.40"};

library the_library;
bool is_open;
failure last_failure;

struct report {
    char text[longest_text];
};

void *find_loaded() {
    for (const char *name : open_mpi_first)
        if (void *found = dlopen(name, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD))
            return found;
    return nullptr;
}

int number_in(const char *variable) {
    const char *text = getenv(variable);
    return text == nullptr ? 0 : atoi(text);
}

/* How many processes a launcher says that it started; 0 where there is none. */
int launched_size() {
    const int open_mpi = number_in("OMPI_COMM_WORLD_SIZE");
    return open_mpi > 0 ? open_mpi : number_in("PMI_SIZE");
}

/* RTLD_GLOBAL: Open MPI's plug-ins find its symbols that way. */
void *load(const char *name, report &why) {
    if (name != nullptr) {
        void *found = dlopen(name, RTLD_NOW | RTLD_GLOBAL);
        if (found == nullptr)
            snprintf(why.text, sizeof why.text, "%s", dlerror());
        return found;
    }

    if (void *found = find_loaded())
        return found;
    const bool mpich = getenv("OMPI_COMM_WORLD_SIZE") == nullptr && getenv("PMI_SIZE") != nullptr;
    size_t length = 0;
    for (const char *candidate : mpich ? mpich_first : open_mpi_first) {
        if (void *found = dlopen(candidate, RTLD_NOW | RTLD_GLOBAL))
            return found;
        const int written =
            snprintf(why.text + length, sizeof why.text - length, "%s%s", length == 0 ? "" : "; ", dlerror());
        if (written > 0)
            length = strlen(why.text);
    }
    return nullptr;
}

template <class Function>
bool resolve(void *file, const char *name, Function *function, report &why) {
    void *symbol = dlsym(file, name);
    static_assert(sizeof symbol == sizeof *function, "a function is found as an address");
    memcpy(function, &symbol, sizeof symbol);
    if (symbol == nullptr)
        snprintf(why.text, sizeof why.text, "it has no %s: it is no MPI library, or older than MPI 3", name);
    return symbol != nullptr;
}

bool resolve_all(void *file, library &l, report &why) {
    bool complete = true;
#define NR_MPI_RESOLVE(name, parameters) complete = complete && resolve(file, "MPI_" #name, &l.name, why);
    NR_MPI_FUNCTIONS(NR_MPI_RESOLVE)
#undef NR_MPI_RESOLVE
    return complete;
}

bool symbol_handle(void *file, const char *name, handle &value, report &why) {
    void *symbol = dlsym(file, name);
    value = reinterpret_cast<handle>(symbol);
    if (symbol == nullptr)
        snprintf(why.text, sizeof why.text, "it looks like Open MPI but has no %s", name);
    return symbol != nullptr;
}

bool find_handles(void *file, library &l, report &why) {
    if (dlsym(file, "ompi_mpi_comm_world") != nullptr) {
        l.about.flavour = NR_MPI_OPEN_MPI;
        l.in_place = reinterpret_cast<void *>(1);
        l.status_ignore = nullptr;
        return symbol_handle(file, "ompi_mpi_comm_world", l.world, why) &&
               symbol_handle(file, "ompi_mpi_byte", l.byte, why) &&
               symbol_handle(file, "ompi_mpi_float", l.float32, why) &&
               symbol_handle(file, "ompi_mpi_double", l.float64, why) &&
               symbol_handle(file, "ompi_mpi_op_sum", l.sum, why) &&
               symbol_handle(file, "ompi_mpi_errors_return", l.errors_return, why);
    }

    /* The constants of MPICH's mpi.h, which its binary interface pins. */
    l.about.flavour = NR_MPI_MPICH;
    l.in_place = reinterpret_cast<void *>(-1);
    l.status_ignore = reinterpret_cast<void *>(1);
    l.world = 0x44000000;
    l.byte = 0x4c00010d;
    l.float32 = 0x4c00040a;
    l.float64 = 0x4c00080b;
    l.sum = 0x58000003;
    l.errors_return = 0x54000001;
    return true;
}

nr_mpi_status failed_call(const library &l, const char *function, int code, report &why) {
    char words[longest_text] = "";
    int length = 0;
    l.Error_string(code, words, &length);
    snprintf(why.text, sizeof why.text, "MPI_%s: %.900s", function, words);
    return NR_MPI_E_CALL;
}

nr_mpi_status initialise(library &l, report &why) {
    int finalised = 0, initialised = 0, provided = 0;
    l.Finalized(&finalised);
    if (finalised != 0)
        return NR_MPI_E_FINALISED;
    l.Initialized(&initialised);
    l.about.initialised_here = initialised == 0 ? 1 : 0;
    const int code =
        initialised != 0 ? l.Query_thread(&provided) : l.Init_thread(nullptr, nullptr, thread_multiple, &provided);
    if (code != mpi_success)
        return failed_call(l, initialised != 0 ? "Query_thread" : "Init_thread", code, why);
    if (provided < thread_serialized) {
        snprintf(
            why.text, sizeof why.text,
            "MPI was initialised with thread level %d; MPI_THREAD_SERIALIZED (%d) is needed, since .NET may run the "
            "calls on different threads",
            provided, thread_serialized);
        return NR_MPI_E_THREADS;
    }
    l.about.any_thread = provided >= thread_multiple ? 1 : 0;
    return NR_MPI_OK;
}

nr_mpi_status find_world(library &l, report &why) {
    /* Only where the host program has not chosen: a failing call shall return. */
    if (l.about.initialised_here != 0)
        l.Comm_set_errhandler(l.world, l.errors_return);
    int code = l.Comm_rank(l.world, &l.about.world_rank);
    if (code != mpi_success)
        return failed_call(l, "Comm_rank", code, why);
    code = l.Comm_size(l.world, &l.about.world_size);
    if (code != mpi_success)
        return failed_call(l, "Comm_size", code, why);

    const int launched = launched_size();
    if (launched > 1 && l.about.world_size == 1) {
        snprintf(why.text, sizeof why.text,
                 "a launcher started %d processes, but each is alone in its world: the launcher belongs to another MPI "
                 "library than %s, which was opened. Start with that library's own mpirun or mpiexec, or name the "
                 "other library",
                 launched, l.about.flavour == NR_MPI_OPEN_MPI ? "Open MPI" : "MPICH");
        return NR_MPI_E_LAUNCHER;
    }
    return NR_MPI_OK;
}

nr_mpi_status open_library(const char *name, library &l, report &why) {
    /* UCX reads its settings when it is loaded, which is with the library. */
    setenv("UCX_ERROR_SIGNALS", "", 0);
    void *file = load(name, why);
    if (file == nullptr || !resolve_all(file, l, why) || !find_handles(file, l, why))
        return NR_MPI_E_LIBRARY;
    const nr_mpi_status status = initialise(l, why);
    return status != NR_MPI_OK ? status : find_world(l, why);
}

void describe(const library &l, report &text) {
    char version[16384] = ""; /* MPI_MAX_LIBRARY_VERSION_STRING is 8,192 in MPICH, 256 in Open MPI */
    int length = 0;
    if (l.Get_library_version(version, &length) != mpi_success)
        return;
    version[strcspn(version, "\n")] = '\0';
    snprintf(text.text, sizeof text.text, "%.1000s", version);
}

} // namespace

const library *opened() { return is_open ? &the_library : nullptr; }

failure &process_failure() { return last_failure; }

void write_text(char *message, int64_t capacity, const char *text) {
    if (message != nullptr && capacity > 0)
        snprintf(message, static_cast<size_t>(capacity), "%s", text);
}

} // namespace nr_mpi

using namespace nr_mpi;

extern "C" {

nr_mpi_status nr_mpi_open(const char *library_name, nr_mpi_about *about, char *message, int64_t capacity) {
    if (about == nullptr)
        return NR_MPI_E_NULL;
    report text = {};
    nr_mpi_status status = NR_MPI_OK;
    if (!is_open) {
        library candidate = {};
        status = open_library(library_name, candidate, text);
        if (status == NR_MPI_OK) {
            the_library = candidate;
            is_open = true;
        }
    }
    if (is_open) {
        describe(the_library, text);
        *about = the_library.about;
    }
    write_text(message, capacity, text.text);
    return status;
}

} // extern "C"
