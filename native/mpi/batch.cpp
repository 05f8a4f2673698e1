/* Batches: operations that are under way and waited for together. */
#include "mpi/communicator.h"

#include <stdlib.h>

using namespace nr_mpi;

namespace {

constexpr int64_t most_bytes = 2147483647;
constexpr int32_t largest_tag = 32766;

/* Count and displacement arrays that MPI reads until an operation completes. They never move, and are used anew. */
struct int_block {
    int_block *next;
    int64_t capacity;
    int64_t used;
    int values[1];
};

} // namespace

struct nr_mpi_batch {
    nr_mpi_communicator *communicator;
    handle *requests;
    int64_t count;
    int64_t capacity;
    int_block *blocks;
};

namespace {

const library *usable(const nr_mpi_batch *batch, nr_mpi_status *status) {
    const library *l = opened();
    *status = l == nullptr ? NR_MPI_E_NOT_OPEN : batch == nullptr ? NR_MPI_E_NULL : NR_MPI_OK;
    return l;
}

/* The place of the next request; null without memory. It counts only once the call has succeeded. */
handle *next_request(nr_mpi_batch *batch) {
    if (batch->count == batch->capacity) {
        const int64_t capacity = batch->capacity == 0 ? 16 : 2 * batch->capacity;
        auto *grown = static_cast<handle *>(realloc(batch->requests, static_cast<size_t>(capacity) * sizeof(handle)));
        if (grown == nullptr)
            return nullptr;
        batch->requests = grown;
        batch->capacity = capacity;
    }
    batch->requests[batch->count] = 0;
    return &batch->requests[batch->count];
}

int *take_ints(nr_mpi_batch *batch, int64_t count) {
    for (int_block *block = batch->blocks; block != nullptr; block = block->next)
        if (block->capacity - block->used >= count) {
            block->used += count;
            return block->values + block->used - count;
        }
    const int64_t capacity = count < 64 ? 64 : count;
    auto *block = static_cast<int_block *>(malloc(sizeof(int_block) + static_cast<size_t>(capacity) * sizeof(int)));
    if (block == nullptr)
        return nullptr;
    block->next = batch->blocks;
    block->capacity = capacity;
    block->used = count;
    batch->blocks = block;
    return block->values;
}

nr_mpi_status posted(nr_mpi_batch *batch, const char *function, int code) {
    const nr_mpi_status status = checked(batch->communicator->failed, function, code);
    if (status == NR_MPI_OK)
        ++batch->count;
    return status;
}

bool is_rank(const nr_mpi_batch *batch, int32_t rank) { return rank >= 0 && rank < batch->communicator->size; }

nr_mpi_status check_message(const nr_mpi_batch *batch, const void *data, int64_t bytes, int32_t rank, int32_t tag) {
    if (bytes < 0 || !is_rank(batch, rank) || tag < 0 || tag > largest_tag)
        return NR_MPI_E_ARGUMENT;
    return data == nullptr && bytes > 0 ? NR_MPI_E_NULL : NR_MPI_OK;
}

/* Calls post(data + offset, length, request) for each piece; an empty message is one empty piece. */
template <class Byte, class Post>
nr_mpi_status in_pieces(nr_mpi_batch *batch, Byte *data, int64_t bytes, const char *function, Post post) {
    const int64_t largest = batch->communicator->largest_message;
    int64_t offset = 0;
    do {
        const int64_t length = bytes - offset < largest ? bytes - offset : largest;
        handle *request = next_request(batch);
        if (request == nullptr)
            return NR_MPI_E_MEMORY;
        const nr_mpi_status status = posted(batch, function, post(data + offset, static_cast<int>(length), request));
        if (status != NR_MPI_OK)
            return status;
        offset += length;
    } while (offset < bytes);
    return NR_MPI_OK;
}

int64_t size_of(int32_t type) { return type == NR_MPI_FLOAT32 ? 4 : type == NR_MPI_FLOAT64 ? 8 : 0; }

/* Adds the counts; false where one is negative or the sum in bytes is beyond what an int counts. */
bool sum_fits(const int64_t *counts, int size, int64_t element) {
    int64_t sum = 0;
    for (int i = 0; i < size; ++i) {
        if (counts[i] < 0 || counts[i] > most_bytes)
            return false;
        sum += counts[i] * element;
    }
    return sum <= most_bytes;
}

} // namespace

extern "C" {

nr_mpi_status nr_mpi_batch_create(nr_mpi_communicator *communicator, nr_mpi_batch **batch) {
    if (opened() == nullptr)
        return NR_MPI_E_NOT_OPEN;
    if (communicator == nullptr || batch == nullptr)
        return NR_MPI_E_NULL;
    *batch = static_cast<nr_mpi_batch *>(calloc(1, sizeof(nr_mpi_batch)));
    if (*batch == nullptr)
        return NR_MPI_E_MEMORY;
    (*batch)->communicator = communicator;
    ++communicator->batches;
    return NR_MPI_OK;
}

nr_mpi_status nr_mpi_batch_free(nr_mpi_batch *batch) {
    if (batch == nullptr)
        return NR_MPI_OK;
    --batch->communicator->batches;
    /* MPI may still read the arrays of what is under way. */
    while (batch->count == 0 && batch->blocks != nullptr) {
        int_block *next = batch->blocks->next;
        free(batch->blocks);
        batch->blocks = next;
    }
    free(batch->requests);
    free(batch);
    return NR_MPI_OK;
}

nr_mpi_status nr_mpi_send(nr_mpi_batch *batch, const void *data, int64_t bytes, int32_t rank, int32_t tag) {
    nr_mpi_status status;
    const library *l = usable(batch, &status);
    if (status == NR_MPI_OK)
        status = check_message(batch, data, bytes, rank, tag);
    if (status != NR_MPI_OK)
        return status;
    return in_pieces(batch, static_cast<const char *>(data), bytes, "Isend",
                     [&](const char *piece, int length, handle *request) {
                         return l->Isend(piece, length, l->byte, rank, tag, batch->communicator->handle, request);
                     });
}

nr_mpi_status nr_mpi_receive(nr_mpi_batch *batch, void *data, int64_t bytes, int32_t rank, int32_t tag) {
    nr_mpi_status status;
    const library *l = usable(batch, &status);
    if (status == NR_MPI_OK)
        status = check_message(batch, data, bytes, rank, tag);
    if (status != NR_MPI_OK)
        return status;
    return in_pieces(batch, static_cast<char *>(data), bytes, "Irecv", [&](char *piece, int length, handle *request) {
        return l->Irecv(piece, length, l->byte, rank, tag, batch->communicator->handle, request);
    });
}

nr_mpi_status nr_mpi_all_gather(nr_mpi_batch *batch, const void *own, int64_t bytes, void *everything) {
    nr_mpi_status status;
    const library *l = usable(batch, &status);
    if (status != NR_MPI_OK)
        return status;
    if (bytes < 0 || bytes > most_bytes / batch->communicator->size)
        return NR_MPI_E_ARGUMENT;
    if (bytes > 0 && (own == nullptr || everything == nullptr))
        return NR_MPI_E_NULL;
    handle *request = next_request(batch);
    if (request == nullptr)
        return NR_MPI_E_MEMORY;
    const int length = static_cast<int>(bytes);
    return posted(
        batch, "Iallgather",
        l->Iallgather(own, length, l->byte, everything, length, l->byte, batch->communicator->handle, request));
}

nr_mpi_status nr_mpi_all_gather_ranges(nr_mpi_batch *batch, void *everything, const int64_t *bytes,
                                       const int64_t *offsets) {
    nr_mpi_status status;
    const library *l = usable(batch, &status);
    if (status != NR_MPI_OK)
        return status;
    if (everything == nullptr || bytes == nullptr || offsets == nullptr)
        return NR_MPI_E_NULL;
    const int size = batch->communicator->size;
    if (!sum_fits(bytes, size, 1))
        return NR_MPI_E_ARGUMENT;
    for (int i = 0; i < size; ++i)
        if (offsets[i] < 0 || offsets[i] > most_bytes)
            return NR_MPI_E_ARGUMENT;
    handle *request = next_request(batch);
    int *counts = take_ints(batch, 2 * size);
    if (request == nullptr || counts == nullptr)
        return NR_MPI_E_MEMORY;
    for (int i = 0; i < size; ++i) {
        counts[i] = static_cast<int>(bytes[i]);
        counts[size + i] = static_cast<int>(offsets[i]);
    }
    return posted(batch, "Iallgatherv",
                  l->Iallgatherv(l->in_place, 0, l->byte, everything, counts, counts + size, l->byte,
                                 batch->communicator->handle, request));
}

nr_mpi_status nr_mpi_broadcast(nr_mpi_batch *batch, void *data, int64_t bytes, int32_t root) {
    nr_mpi_status status;
    const library *l = usable(batch, &status);
    if (status != NR_MPI_OK)
        return status;
    if (bytes < 0 || bytes > most_bytes || !is_rank(batch, root))
        return NR_MPI_E_ARGUMENT;
    if (data == nullptr && bytes > 0)
        return NR_MPI_E_NULL;
    handle *request = next_request(batch);
    if (request == nullptr)
        return NR_MPI_E_MEMORY;
    return posted(batch, "Ibcast",
                  l->Ibcast(data, static_cast<int>(bytes), l->byte, root, batch->communicator->handle, request));
}

nr_mpi_status nr_mpi_reduce_scatter(nr_mpi_batch *batch, int32_t type, const void *data, const int64_t *counts,
                                    void *sums) {
    nr_mpi_status status;
    const library *l = usable(batch, &status);
    if (status != NR_MPI_OK)
        return status;
    if (counts == nullptr)
        return NR_MPI_E_NULL;
    const int64_t element = size_of(type);
    const int size = batch->communicator->size;
    if (element == 0 || !sum_fits(counts, size, element))
        return NR_MPI_E_ARGUMENT;
    int64_t total = 0;
    for (int i = 0; i < size; ++i)
        total += counts[i];
    if ((total > 0 && data == nullptr) || (counts[batch->communicator->rank] > 0 && sums == nullptr))
        return NR_MPI_E_NULL;
    handle *request = next_request(batch);
    int *shares = take_ints(batch, size);
    if (request == nullptr || shares == nullptr)
        return NR_MPI_E_MEMORY;
    for (int i = 0; i < size; ++i)
        shares[i] = static_cast<int>(counts[i]);
    return posted(batch, "Ireduce_scatter",
                  l->Ireduce_scatter(data, sums, shares, type == NR_MPI_FLOAT32 ? l->float32 : l->float64, l->sum,
                                     batch->communicator->handle, request));
}

nr_mpi_status nr_mpi_test(nr_mpi_batch *batch, int32_t *done) {
    nr_mpi_status status;
    const library *l = usable(batch, &status);
    if (status != NR_MPI_OK)
        return status;
    if (done == nullptr)
        return NR_MPI_E_NULL;
    for (int64_t i = 0; i < batch->count;) {
        int completed = 0;
        const int code = l->Test(&batch->requests[i], &completed, l->status_ignore);
        status = checked(batch->communicator->failed, "Test", code);
        if (status != NR_MPI_OK)
            return status;
        if (completed != 0)
            batch->requests[i] = batch->requests[--batch->count];
        else
            ++i;
    }
    *done = batch->count == 0 ? 1 : 0;
    if (*done != 0)
        for (int_block *block = batch->blocks; block != nullptr; block = block->next)
            block->used = 0;
    return NR_MPI_OK;
}

nr_mpi_status nr_mpi_wait(nr_mpi_batch *batch, int64_t timeout) {
    const int64_t start = now();
    for (;;) {
        int32_t done = 0;
        const nr_mpi_status status = nr_mpi_test(batch, &done);
        if (status != NR_MPI_OK || done != 0)
            return status;
        if (now() - start > timeout)
            return NR_MPI_E_TIMEOUT;
        pause_since(start);
    }
}

} // extern "C"
