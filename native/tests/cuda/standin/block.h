/* Runs the threads of one block. */
#ifndef NR_TESTS_CUDA_BLOCK_H
#define NR_TESTS_CUDA_BLOCK_H

#include <cstdint>
#include <functional>

namespace standin {

/* Calls kernel once per thread of every block. Threads that never wait for each other run one after the other. */
void run_grid(uint32_t blocks, uint32_t threads, bool threads_meet, const std::function<void()> &kernel);

} // namespace standin

#endif
