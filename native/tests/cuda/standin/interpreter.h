/* Runs PTX as it stands: what the driver would compile, an instruction at a time. */
#ifndef NR_TESTS_CUDA_INTERPRETER_H
#define NR_TESTS_CUDA_INTERPRETER_H

#include "ptx.h"

namespace standin {

void interpret(ptx_module &module, const std::string &name, uint32_t blocks, uint32_t threads,
               const std::vector<std::string> &arguments);

/* Throws unless interpreted kernels may touch these bytes; the driver knows. */
void check_access(uint64_t address, uint64_t bytes);

} // namespace standin

#endif
