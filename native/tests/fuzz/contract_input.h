/* Arbitrary calls of the C contract, made from bytes, and what must hold of every one of them. */
#ifndef NR_TESTS_FUZZ_CONTRACT_INPUT_H
#define NR_TESTS_FUZZ_CONTRACT_INPUT_H

#include <cstddef>
#include <cstdint>

namespace fuzz {

/* What has been tried so far. */
struct tally {
    uint64_t inputs = 0;
    uint64_t succeeded = 0; /* calls that returned NR_OK */
    uint64_t refused = 0;   /* calls that returned another status */
    uint64_t left_out = 0;  /* calls whose extents are valid but larger than the room for them */
};

/* Makes one call on every instruction set of this processor and aborts with a sentence unless
 * - it returns the same status on all of them,
 * - a status other than NR_OK leaves every byte as it was, and NR_OK leaves the same bits on all of them,
 * - what is only read, and what lies around the arrays (unmapped pages behind them, known bytes before), is untouched. */
void call(const uint8_t *data, size_t size);

const tally &tried();

} // namespace fuzz

#endif
