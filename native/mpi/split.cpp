/* Calls of MPI that block, with a time limit. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "mpi/communicator.h"

#include <atomic>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

namespace nr_mpi {
namespace {

enum job_state { running, finished, left };

struct split_job {
    const library *l;
    handle parent;
    int colour, key;
    handle made;
    int code;
    std::atomic<int> state;
};

std::atomic<int> threads_left;

/* Whoever is the second to be done with the job frees it. */
void *run(void *argument) {
    auto *job = static_cast<split_job *>(argument);
    job->code = job->l->Comm_split(job->parent, job->colour, job->key, &job->made);
    if (job->state.exchange(finished) == left) {
        --threads_left;
        free(job);
    }
    return nullptr;
}

/* The host program's signals are for its own threads. */
bool start(split_job *job) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    const bool started = pthread_create(&thread, nullptr, run, job) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (started)
        pthread_detach(thread);
    return started;
}

bool waits_no_longer(const library &l, nr_mpi_communicator &communicator, int64_t start, int64_t timeout) {
    if (now() - start > timeout)
        return true;
    int32_t called = 0;
    return l.about.any_thread != 0 && nr_mpi_roll_called(&communicator, &called) == NR_MPI_OK && called != 0;
}

} // namespace

nr_mpi_status split_within(const library &l, nr_mpi_communicator &communicator, int colour, int key, int64_t timeout,
                           handle *part) {
    auto *job = static_cast<split_job *>(calloc(1, sizeof(split_job)));
    if (job == nullptr)
        return NR_MPI_E_MEMORY;
    job->l = &l;
    job->parent = communicator.handle;
    job->colour = colour;
    job->key = key;
    if (!start(job)) {
        free(job);
        return NR_MPI_E_MEMORY;
    }
    const int64_t begin = now();
    while (job->state.load() == running && !waits_no_longer(l, communicator, begin, timeout))
        pause_since(begin);

    ++threads_left;
    if (job->state.exchange(left) == running) {
        communicator.abandoned = true;
        return NR_MPI_E_TIMEOUT;
    }
    --threads_left;
    const nr_mpi_status status = checked(communicator.failed, "Comm_split", job->code);
    *part = job->made;
    free(job);
    return status;
}

bool may_call(const library &l) { return l.about.any_thread != 0 || threads_left.load() == 0; }

} // namespace nr_mpi
