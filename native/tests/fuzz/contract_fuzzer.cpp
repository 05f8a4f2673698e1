/* libFuzzer finds the inputs. */
#include "contract_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz::call(data, size);
    return 0;
}
