/* Arbitrary calls of a C contract, made from bytes, and what must hold of every one of them.
 *
 * cpu_calls.cpp, cuda_calls.cpp and mpi_calls.cpp each make the calls of one library; a program has one of them, and
 * fuzzer.cpp or replay.cpp. */
#ifndef NR_TESTS_FUZZ_CALLS_H
#define NR_TESTS_FUZZ_CALLS_H

#include <cstddef>
#include <cstdint>

namespace fuzz {

/* What has been tried so far. */
struct tally {
    uint64_t inputs = 0;
    uint64_t succeeded = 0; /* calls that returned success */
    uint64_t refused = 0;   /* calls that returned another status */
    uint64_t left_out = 0;  /* calls whose extents are valid but larger than the room for them */
};
inline tally counts;

/* Makes the calls of one input, and aborts with a sentence unless
 * - every status is one of the contract's, and the one that the arguments deserve where that is known beforehand,
 * - a refused call leaves every byte as it was, and one that succeeds leaves the bytes that another way to the same result
 *   does: every instruction set for the processor's library, the processor for the device's, plain copies and sums for MPI's,
 * - what is only read, and what lies around the arrays (unmapped pages behind them, known bytes before), is untouched. */
void call(const uint8_t *data, size_t size);

} // namespace fuzz

#endif
