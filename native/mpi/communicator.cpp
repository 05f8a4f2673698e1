/* Communicators, and the end of MPI. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "mpi/communicator.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

namespace nr_mpi {

nr_mpi_status checked(failure &where, const char *function, int code) {
    if (code == mpi_success)
        return NR_MPI_OK;
    where = {function, code};
    return NR_MPI_E_CALL;
}

int64_t now() {
    timespec time = {};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec;
}

void pause_since(int64_t start) {
    constexpr int64_t patience = 20 * 1000 * 1000;
    if (now() - start < patience) {
        sched_yield();
        return;
    }
    const timespec nap = {0, 50 * 1000};
    nanosleep(&nap, nullptr);
}

namespace {

constexpr int64_t default_largest_message = int64_t(1) << 30;
constexpr int64_t most_in_one_message = 2147483647;
constexpr int roll_call_tag = 32767; /* the largest tag that every MPI library has */

nr_mpi_status wait_for(const library &l, handle request, int64_t timeout, failure &where) {
    const int64_t start = now();
    for (;;) {
        int done = 0;
        const nr_mpi_status status = checked(where, "Test", l.Test(&request, &done, l.status_ignore));
        if (status != NR_MPI_OK || done != 0)
            return status;
        if (now() - start > timeout)
            return NR_MPI_E_TIMEOUT;
        pause_since(start);
    }
}

nr_mpi_status adopt(const library &l, handle taken, int64_t largest_message, nr_mpi_communicator *made,
                    failure &where) {
    made->handle = taken;
    made->batches = 0;
    made->failed = {};
    made->abandoned = false;
    made->largest_message = largest_message == 0 ? default_largest_message : largest_message;
    nr_mpi_status status = checked(where, "Comm_set_errhandler", l.Comm_set_errhandler(made->handle, l.errors_return));
    if (status == NR_MPI_OK)
        status = checked(where, "Comm_rank", l.Comm_rank(made->handle, &made->rank));
    if (status == NR_MPI_OK)
        status = checked(where, "Comm_size", l.Comm_size(made->handle, &made->size));
    return status;
}

nr_mpi_status duplicate(handle original, int64_t timeout, int64_t largest_message, nr_mpi_communicator **communicator) {
    const library *l = opened();
    if (l == nullptr)
        return NR_MPI_E_NOT_OPEN;
    if (communicator == nullptr)
        return NR_MPI_E_NULL;
    *communicator = nullptr;
    if (largest_message < 0 || largest_message > most_in_one_message)
        return NR_MPI_E_ARGUMENT;
    auto *made = static_cast<nr_mpi_communicator *>(calloc(1, sizeof(nr_mpi_communicator)));
    if (made == nullptr)
        return NR_MPI_E_MEMORY;

    failure &where = process_failure();
    handle request = 0;
    nr_mpi_status status = checked(where, "Comm_idup", l->Comm_idup(original, &made->handle, &request));
    if (status != NR_MPI_OK) {
        free(made);
        return status;
    }
    /* The new handle is stored when the request completes, which may yet happen where waiting for it fails: then made stays. */
    status = wait_for(*l, request, timeout, where);
    if (status != NR_MPI_OK)
        return status;
    status = adopt(*l, made->handle, largest_message, made, where);
    if (status != NR_MPI_OK) {
        free(made);
        return status;
    }
    *communicator = made;
    return NR_MPI_OK;
}

struct roll_call_messages {
    uint8_t sent;
    uint8_t received;
};

} // namespace
} // namespace nr_mpi

using namespace nr_mpi;

extern "C" {

nr_mpi_status nr_mpi_close(int64_t timeout) {
    const library *l = opened();
    if (l == nullptr)
        return NR_MPI_E_NOT_OPEN;
    int finalised = 0;
    l->Finalized(&finalised);
    if (finalised != 0 || l->about.initialised_here == 0)
        return NR_MPI_OK;
    if (!may_call(*l))
        return NR_MPI_E_TIMEOUT;

    failure &where = process_failure();
    handle request = 0;
    nr_mpi_status status = checked(where, "Ibarrier", l->Ibarrier(l->world, &request));
    if (status == NR_MPI_OK)
        status = wait_for(*l, request, timeout, where);
    return status != NR_MPI_OK ? status : checked(where, "Finalize", l->Finalize());
}

nr_mpi_status nr_mpi_world(int64_t timeout, int64_t largest_message, nr_mpi_communicator **communicator) {
    const library *l = opened();
    return duplicate(l == nullptr ? 0 : l->world, timeout, largest_message, communicator);
}

nr_mpi_status nr_mpi_adopt(int64_t foreign, int64_t timeout, int64_t largest_message,
                           nr_mpi_communicator **communicator) {
    return duplicate(static_cast<handle>(foreign), timeout, largest_message, communicator);
}

nr_mpi_status nr_mpi_split(nr_mpi_communicator *communicator, int32_t colour, int32_t key, int64_t timeout,
                           nr_mpi_communicator **part) {
    const library *l = opened();
    if (l == nullptr)
        return NR_MPI_E_NOT_OPEN;
    if (communicator == nullptr || part == nullptr)
        return NR_MPI_E_NULL;
    *part = nullptr;
    if (colour < -1)
        return NR_MPI_E_ARGUMENT;

    handle made = 0;
    nr_mpi_status status =
        split_within(*l, *communicator, colour < 0 ? mpi_undefined[l->about.flavour] : colour, key, timeout, &made);
    if (status != NR_MPI_OK || colour < 0)
        return status;
    auto *result = static_cast<nr_mpi_communicator *>(calloc(1, sizeof(nr_mpi_communicator)));
    status = result == nullptr ? NR_MPI_E_MEMORY
                               : adopt(*l, made, communicator->largest_message, result, communicator->failed);
    if (status != NR_MPI_OK) {
        free(result);
        return status;
    }
    *part = result;
    return NR_MPI_OK;
}

nr_mpi_status nr_mpi_free(nr_mpi_communicator *communicator) {
    const library *l = opened();
    if (communicator == nullptr)
        return NR_MPI_OK;
    if (l == nullptr)
        return NR_MPI_E_NOT_OPEN;
    if (communicator->batches > 0)
        return NR_MPI_E_ARGUMENT;
    int finalised = 0;
    l->Finalized(&finalised);
    nr_mpi_status status = NR_MPI_OK;
    if (finalised == 0 && communicator->failed.function == nullptr && !communicator->abandoned)
        status = checked(process_failure(), "Comm_free", l->Comm_free(&communicator->handle));
    free(communicator);
    return status;
}

nr_mpi_status nr_mpi_rank(const nr_mpi_communicator *communicator, int32_t *rank, int32_t *size) {
    if (communicator == nullptr || rank == nullptr || size == nullptr)
        return NR_MPI_E_NULL;
    *rank = communicator->rank;
    *size = communicator->size;
    return NR_MPI_OK;
}

nr_mpi_status nr_mpi_failure(const nr_mpi_communicator *communicator, char *message, int64_t capacity) {
    const library *l = opened();
    if (l == nullptr)
        return NR_MPI_E_NOT_OPEN;
    const failure &failed = communicator == nullptr ? process_failure() : communicator->failed;
    char words[1024] = "", text[1200] = "";
    int length = 0;
    if (failed.function != nullptr) {
        l->Error_string(failed.code, words, &length);
        snprintf(text, sizeof text, "MPI_%s: %s", failed.function, words);
    }
    write_text(message, capacity, text);
    return NR_MPI_OK;
}

nr_mpi_status nr_mpi_roll_called(nr_mpi_communicator *communicator, int32_t *called) {
    const library *l = opened();
    if (l == nullptr)
        return NR_MPI_E_NOT_OPEN;
    if (communicator == nullptr || called == nullptr)
        return NR_MPI_E_NULL;
    int found = 0;
    const int code =
        l->Iprobe(mpi_any_source[l->about.flavour], roll_call_tag, communicator->handle, &found, l->status_ignore);
    *called = found != 0 ? 1 : 0;
    return checked(communicator->failed, "Iprobe", code);
}

nr_mpi_status nr_mpi_roll_call(nr_mpi_communicator *communicator, int32_t own, int64_t timeout, uint8_t *presence) {
    const library *l = opened();
    if (l == nullptr)
        return NR_MPI_E_NOT_OPEN;
    if (communicator == nullptr || presence == nullptr)
        return NR_MPI_E_NULL;
    if (own != NR_MPI_WAITED_IN_VAIN && own != NR_MPI_FAILED)
        return NR_MPI_E_ARGUMENT;

    /* Messages that are never answered stay with MPI, so their memory is not freed. */
    const int size = communicator->size;
    const auto count = static_cast<size_t>(size);
    auto *messages = static_cast<roll_call_messages *>(calloc(count, sizeof(roll_call_messages)));
    auto *requests = static_cast<handle *>(calloc(2 * count, sizeof(handle)));
    if (messages == nullptr || requests == nullptr) {
        free(messages);
        free(requests);
        return NR_MPI_E_MEMORY;
    }

    int missing = 0;
    for (int peer = 0; peer < size; ++peer)
        presence[peer] = peer == communicator->rank ? static_cast<uint8_t>(own) : uint8_t(NR_MPI_ABSENT);
    for (int peer = 0; peer < size && may_call(*l); ++peer) {
        messages[peer].sent = static_cast<uint8_t>(own);
        if (peer == communicator->rank)
            continue;
        const int received = l->Irecv(&messages[peer].received, 1, l->byte, peer, roll_call_tag, communicator->handle,
                                      &requests[2 * peer]);
        const int sent = l->Isend(&messages[peer].sent, 1, l->byte, peer, roll_call_tag, communicator->handle,
                                  &requests[2 * peer + 1]);
        if (received != mpi_success || sent != mpi_success)
            return checked(communicator->failed, "Isend", received != mpi_success ? received : sent);
        ++missing;
    }

    const int64_t start = now();
    while (missing > 0 && now() - start <= timeout) {
        for (int peer = 0; peer < size; ++peer) {
            int done = 0;
            if (presence[peer] == NR_MPI_ABSENT &&
                l->Test(&requests[2 * peer], &done, l->status_ignore) == mpi_success && done != 0) {
                presence[peer] = messages[peer].received;
                --missing;
            }
        }
        pause_since(start);
    }
    return NR_MPI_OK;
}

} // extern "C"
