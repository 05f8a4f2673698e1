/* What every entry refuses before it asks the driver, and what leaves it with nothing to do. */
#include "device_problem.h"

#include <gtest/gtest.h>

using device::fixture;

namespace {

class Contract : public testing::Test {
protected:
    Contract() { device::standin_set("reset=1 devices=1"); }
    ~Contract() override {
        EXPECT_EQ(device::standin_violations(), 0);
        device::standin_set("reset=1 devices=1");
    }
};

/* Nothing can be done without it; what would be freed is ignored instead. */
TEST_F(Contract, NullIsRefused) {
    fixture at;
    nr_cuda_about about;
    nr_cuda_queue *queue = nullptr;
    nr_cuda_module *module = nullptr;
    nr_cuda_kernel *kernel = nullptr;
    void *memory = nullptr;
    int32_t skipped = 0;
    char byte = 0, message[8];
    const nr_cuda_group group = {nullptr, nullptr, 0, 0.0};
    EXPECT_EQ(nr_cuda_open(STANDIN, 0, nullptr, message, sizeof message), NR_E_NULL);
    EXPECT_EQ(nr_cuda_describe(nullptr, &about), NR_E_NULL);
    EXPECT_EQ(nr_cuda_describe(at.device, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_cuda_failure(nullptr, message, sizeof message), NR_E_NULL);
    EXPECT_EQ(nr_cuda_queue_create(nullptr, &queue), NR_E_NULL);
    EXPECT_EQ(nr_cuda_queue_create(at.device, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_cuda_queue_adopt(nullptr, nullptr, &queue), NR_E_NULL);
    EXPECT_EQ(nr_cuda_queue_stream(nullptr, &memory), NR_E_NULL);
    EXPECT_EQ(nr_cuda_queue_stream(at.queue, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_cuda_queue_wait(nullptr), NR_E_NULL);
    EXPECT_EQ(nr_cuda_queue_follow(nullptr, at.queue), NR_E_NULL);
    EXPECT_EQ(nr_cuda_queue_follow(at.queue, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_cuda_allocate(nullptr, 1, &memory), NR_E_NULL);
    EXPECT_EQ(nr_cuda_allocate(at.device, 1, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_cuda_allocate_host(nullptr, 1, &memory), NR_E_NULL);
    EXPECT_EQ(nr_cuda_allocate_host(at.device, 1, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_cuda_free(nullptr, &byte), NR_E_NULL);
    EXPECT_EQ(nr_cuda_free_host(nullptr, &byte), NR_E_NULL);
    EXPECT_EQ(nr_cuda_check_memory(nullptr, &byte, 1), NR_E_NULL);
    EXPECT_EQ(nr_cuda_check_memory(at.device, nullptr, 1), NR_E_NULL);
    EXPECT_EQ(nr_cuda_copy(nullptr, &byte, &byte, 1), NR_E_NULL);
    EXPECT_EQ(nr_cuda_copy(at.queue, nullptr, &byte, 1), NR_E_NULL);
    EXPECT_EQ(nr_cuda_copy(at.queue, &byte, nullptr, 1), NR_E_NULL);
    EXPECT_EQ(nr_cuda_clear(nullptr, &byte, 1), NR_E_NULL);
    EXPECT_EQ(nr_cuda_clear(at.queue, nullptr, 1), NR_E_NULL);
    EXPECT_EQ(nr_cuda_step(nullptr, 1, &group, 0), NR_E_NULL);
    EXPECT_EQ(nr_cuda_step(at.queue, 1, nullptr, 0), NR_E_NULL);
    EXPECT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_E_NULL);
    EXPECT_EQ(nr_cuda_outcome(nullptr, &skipped), NR_E_NULL);
    EXPECT_EQ(nr_cuda_outcome(at.queue, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_cuda_accumulate(nullptr, NR_FLOAT32, 0, nullptr, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_cuda_accumulate(at.queue, NR_FLOAT32, 1, nullptr, &byte), NR_E_NULL);
    EXPECT_EQ(nr_cuda_module_load(nullptr, "", &module, message, sizeof message), NR_E_NULL);
    EXPECT_EQ(nr_cuda_module_load(at.device, nullptr, &module, message, sizeof message), NR_E_NULL);
    EXPECT_EQ(nr_cuda_module_load(at.device, "", nullptr, message, sizeof message), NR_E_NULL);
    EXPECT_EQ(nr_cuda_module_kernel(nullptr, "", &kernel), NR_E_NULL);
    EXPECT_EQ(nr_cuda_launch(nullptr, kernel, 1, 1, nullptr), NR_E_NULL);
    EXPECT_EQ(nr_cuda_launch(at.queue, nullptr, 1, 1, nullptr), NR_E_NULL);

    EXPECT_EQ(nr_cuda_close(nullptr), NR_OK);
    EXPECT_EQ(nr_cuda_queue_free(nullptr), NR_OK);
    EXPECT_EQ(nr_cuda_free(at.device, nullptr), NR_OK);
    EXPECT_EQ(nr_cuda_free_host(at.device, nullptr), NR_OK);
    EXPECT_EQ(nr_cuda_module_free(nullptr), NR_OK);
}

TEST_F(Contract, SizesThatCannotBe) {
    fixture at;
    void *memory = nullptr;
    char byte = 0;
    auto *kernel = reinterpret_cast<nr_cuda_kernel *>(&byte);
    EXPECT_EQ(nr_cuda_allocate(at.device, -1, &memory), NR_E_LENGTH);
    EXPECT_EQ(nr_cuda_allocate_host(at.device, -1, &memory), NR_E_LENGTH);
    EXPECT_EQ(nr_cuda_check_memory(at.device, &byte, -1), NR_E_LENGTH);
    EXPECT_EQ(nr_cuda_copy(at.queue, &byte, &byte, -1), NR_E_LENGTH);
    EXPECT_EQ(nr_cuda_clear(at.queue, &byte, -1), NR_E_LENGTH);
    EXPECT_EQ(nr_cuda_accumulate(at.queue, NR_FLOAT32, -1, &byte, &byte), NR_E_LENGTH);
    EXPECT_EQ(nr_cuda_accumulate(at.queue, 3, 1, &byte, &byte), NR_E_TYPE);
    EXPECT_EQ(nr_cuda_launch(at.queue, kernel, -1, 1, nullptr), NR_E_LENGTH);
    EXPECT_EQ(nr_cuda_launch(at.queue, kernel, 1, 0, nullptr), NR_E_LENGTH);
    EXPECT_EQ(nr_cuda_launch(at.queue, kernel, 1, 1025, nullptr), NR_E_LENGTH);
}

/* Nothing is asked of the driver where there is nothing to do. */
TEST_F(Contract, NothingIsNothing) {
    fixture at;
    void *memory = &at;
    char byte = 0;
    const int64_t allocations = device::standin_allocations();
    EXPECT_EQ(nr_cuda_allocate(at.device, 0, &memory), NR_OK);
    EXPECT_EQ(memory, nullptr);
    EXPECT_EQ(nr_cuda_allocate_host(at.device, 0, &memory), NR_OK);
    EXPECT_EQ(memory, nullptr);
    EXPECT_EQ(nr_cuda_check_memory(at.device, nullptr, 0), NR_OK);
    EXPECT_EQ(nr_cuda_copy(at.queue, nullptr, nullptr, 0), NR_OK);
    EXPECT_EQ(nr_cuda_clear(at.queue, nullptr, 0), NR_OK);
    EXPECT_EQ(nr_cuda_accumulate(at.queue, NR_FLOAT64, 0, nullptr, nullptr), NR_OK);
    EXPECT_EQ(nr_cuda_launch(at.queue, reinterpret_cast<nr_cuda_kernel *>(&byte), 0, 1, nullptr), NR_OK);
    EXPECT_EQ(device::standin_allocations(), allocations);
    EXPECT_EQ(nr_cuda_step(at.queue, 0, nullptr, 0), NR_OK);
    EXPECT_EQ(device::standin_calls("cuLaunchKernel"), 0);
}

TEST_F(Contract, DescribesItself) {
    EXPECT_EQ(nr_cuda_abi_version(), int32_t(NR_CUDA_ABI_VERSION));
    EXPECT_STRNE(nr_cuda_status_text(NR_CUDA_E_LOST), nr_cuda_status_text(NR_OK));
    EXPECT_EQ(nr_cuda_layout(NR_CUDA_STRUCT_ABOUT, -1), int64_t(sizeof(nr_cuda_about)));
    EXPECT_EQ(nr_cuda_layout(NR_CUDA_STRUCT_ABOUT, 0), 0);
    EXPECT_EQ(nr_cuda_layout(NR_CUDA_STRUCT_ABOUT, 100), -1);
    EXPECT_EQ(nr_cuda_layout(100, 0), -1);
}

} // namespace
