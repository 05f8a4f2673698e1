/* Drivers that are missing or fail: a status, a reason, nothing leaked, nothing half done. */
#include "device_problem.h"

#include <gtest/gtest.h>

using namespace problem;
using device::device_tensor;
using device::fixture;

namespace {

class Faults : public testing::Test {
protected:
    Faults() {
        device::standin_set("reset=1 devices=1 version=12040 capability=90 multiprocessors=2");
        fixture once; /* the first driver that opens stays */
    }
    ~Faults() override {
        EXPECT_EQ(device::standin_violations(), 0);
        device::standin_set("reset=1 devices=1 version=12040 capability=90");
    }

    static std::string open(nr_status expected, int ordinal = 0) {
        nr_cuda_device *device = nullptr;
        char message[512] = "untouched";
        EXPECT_EQ(nr_cuda_open(STANDIN, ordinal, &device, message, sizeof message), expected) << message;
        EXPECT_EQ(device, nullptr);
        return message;
    }
};

TEST_F(Faults, NoSuchDevice) { EXPECT_EQ(open(NR_CUDA_E_DEVICE, 3), "there is no device 3; the driver sees 1"); }

TEST_F(Faults, DeviceTooOld) {
    device::standin_set("capability=61");
    EXPECT_NE(open(NR_CUDA_E_DEVICE).find("6.1"), std::string::npos);
}

/* Whatever call of the opening fails, the reason names it and nothing stays behind. */
TEST_F(Faults, EveryCallOfTheOpening) {
    const int64_t before = device::standin_allocations();
    for (const char *function :
         {"cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute", "cuDeviceTotalMem_v2",
          "cuDevicePrimaryCtxRetain", "cuCtxPushCurrent_v2", "cuModuleLoadDataEx", "cuModuleGetFunction"}) {
        device::standin_set((std::string("fail=") + function + ":1:999").c_str());
        EXPECT_NE(open(NR_CUDA_E_LOST).find(function), std::string::npos) << function;
        EXPECT_EQ(device::standin_allocations(), before);
    }
    fixture works;
}

/* The n-th allocation fails, for every n: nothing was launched and nothing has changed; then it works. */
TEST_F(Faults, OutOfMemoryAtEveryAllocation) {
    random_bits random(31);
    options o(NR_RADAM, NR_FLOAT32);
    for (const char *function : {"cuMemAlloc_v2", "cuMemHostAlloc"})
        for (int n = 1; n <= 2; ++n) {
            fixture at;
            tensor<float> start(random, o, row_major(4, 50), false);
            start.flags = NR_CENTRALISE;
            device_tensor<float> there(at, start);
            const nr_options how = o.view();
            const nr_tensor t = there.view();
            const nr_cuda_group group = {&how, &t, 1, 0.0};
            const int64_t launches = device::standin_calls("cuLaunchKernel");
            device::standin_set((std::string("fail=") + function + ":" + std::to_string(n) + ":2").c_str());
            const nr_status status = nr_cuda_step(at.queue, 1, &group, 0);
            if (function == std::string("cuMemAlloc_v2") || n == 1) {
                EXPECT_EQ(status, NR_CUDA_E_MEMORY);
                EXPECT_EQ(device::standin_calls("cuLaunchKernel"), launches);
                tensor<float> got = start;
                there.fetch(got);
                EXPECT_EQ(difference(start, got), "");
            }
            device::standin_set("reset=1");
            EXPECT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
            EXPECT_EQ(nr_cuda_queue_wait(at.queue), NR_OK);
        }
    EXPECT_EQ(device::standin_allocations(), 0);
}

/* Memory that a larger step needs takes the place of the smaller: if that cannot be freed, the larger is not kept either. */
TEST_F(Faults, MemoryThatCannotBeReplacedIsNotReplaced) {
    random_bits random(33);
    options o(NR_RADAM, NR_FLOAT32);
    const nr_options how = o.view();
    fixture at;
    tensor<float> start(random, o, row_major(1000, 2), false); /* a row's statistics are kept in memory that grows */
    start.flags = NR_CENTRALISE;
    device_tensor<float> there(at, start);
    const nr_tensor one = there.view();
    const nr_cuda_group small = {&how, &one, 1, 1.0};
    const std::vector<nr_tensor> many(2000, one);
    const nr_cuda_group large = {&how, many.data(), int64_t(many.size()), 1.0};
    for (int i = 0; i < 3; ++i) /* each slot of what is sent has memory of its own */
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &small, 0), NR_OK);
    /* What has been replaced before stays so. */
    for (const char *failing :
         {"cuStreamSynchronize:1", "cuMemFree_v2:1", "cuMemFree_v2:2", "cuMemFree_v2:2", "cuMemFreeHost:1"}) {
        const int64_t before = device::standin_allocations();
        const int64_t launches = device::standin_calls("cuLaunchKernel");
        device::standin_set((std::string("fail=") + failing + ":1").c_str());
        EXPECT_EQ(nr_cuda_step(at.queue, 1, &large, 0), NR_CUDA_E_CALL) << failing;
        EXPECT_EQ(device::standin_calls("cuLaunchKernel"), launches) << failing;
        EXPECT_EQ(device::standin_allocations(), before) << failing;
    }
}

TEST_F(Faults, QueuesThatCannotBeMadeLeaveNothing) {
    fixture at;
    const int64_t before = device::standin_allocations();
    for (const char *function : {"cuStreamCreate", "cuEventCreate", "cuMemHostAlloc"}) {
        device::standin_set((std::string("fail=") + function + ":1:2").c_str());
        nr_cuda_queue *queue = nullptr;
        EXPECT_EQ(nr_cuda_queue_create(at.device, &queue), NR_CUDA_E_MEMORY) << function;
        EXPECT_EQ(queue, nullptr);
        EXPECT_EQ(device::standin_allocations(), before);
    }
}

TEST_F(Faults, LaunchThatFails) {
    random_bits random(32);
    fixture at;
    const options o(NR_SGD, NR_FLOAT64);
    tensor<double> start(random, o, flat(50), false);
    device_tensor<double> there(at, start);
    const nr_options how = o.view();
    const nr_tensor t = there.view();
    const nr_cuda_group group = {&how, &t, 1, 0.0};
    device::standin_set("fail=cuLaunchKernel:1:1");
    EXPECT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_CUDA_E_CALL);
    char message[512];
    ASSERT_EQ(nr_cuda_failure(at.device, message, sizeof message), NR_OK);
    EXPECT_NE(std::string(message).find("cuLaunchKernel failed"), std::string::npos) << message;
    EXPECT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
    EXPECT_EQ(nr_cuda_queue_wait(at.queue), NR_OK);
}

/* A kernel that went wrong is noticed by whoever waits; from then on every call fails at once, and none reaches the driver. */
TEST_F(Faults, LostDeviceStaysLost) {
    nr_cuda_device *device = nullptr;
    nr_cuda_queue *queue = nullptr;
    ASSERT_EQ(nr_cuda_open(STANDIN, 0, &device, nullptr, 0), NR_OK);
    ASSERT_EQ(nr_cuda_queue_create(device, &queue), NR_OK);
    void *memory = nullptr;
    ASSERT_EQ(nr_cuda_allocate(device, 64, &memory), NR_OK);
    ASSERT_EQ(nr_cuda_clear(queue, memory, 64), NR_OK);
    device::standin_set("fail=cuStreamSynchronize:1:719");
    EXPECT_EQ(nr_cuda_queue_wait(queue), NR_CUDA_E_LOST);
    const int64_t pushes = device::standin_calls("cuCtxPushCurrent_v2");
    EXPECT_EQ(nr_cuda_queue_wait(queue), NR_CUDA_E_LOST);
    EXPECT_EQ(nr_cuda_clear(queue, memory, 64), NR_CUDA_E_LOST);
    EXPECT_EQ(nr_cuda_allocate(device, 64, &memory), NR_CUDA_E_LOST);
    EXPECT_EQ(nr_cuda_check_memory(device, &memory, 1), NR_CUDA_E_LOST);
    nr_cuda_kernel_about about = {};
    EXPECT_EQ(nr_cuda_describe_kernel(device, 0, &about), NR_CUDA_E_LOST);
    nr_cuda_module *module = nullptr;
    EXPECT_EQ(nr_cuda_module_load(device, "", &module, nullptr, 0), NR_CUDA_E_LOST);
    nr_cuda_queue *another = nullptr;
    EXPECT_EQ(nr_cuda_queue_create(device, &another), NR_CUDA_E_LOST);
    float number = 0, sum = 0;
    EXPECT_EQ(nr_cuda_accumulate(queue, NR_FLOAT32, 1, &number, &sum), NR_CUDA_E_LOST);
    EXPECT_EQ(nr_cuda_launch(queue, reinterpret_cast<nr_cuda_kernel *>(&number), 1, 1, nullptr), NR_CUDA_E_LOST);
    EXPECT_EQ(device::standin_calls("cuCtxPushCurrent_v2"), pushes);
    char message[512];
    ASSERT_EQ(nr_cuda_failure(device, message, sizeof message), NR_OK);
    EXPECT_NE(std::string(message).find("cuStreamSynchronize failed"), std::string::npos) << message;
    EXPECT_EQ(nr_cuda_queue_free(queue), NR_CUDA_E_LOST);
    EXPECT_EQ(nr_cuda_close(device), NR_OK);
}

TEST_F(Faults, StatusesHaveNamesAndTexts) {
    EXPECT_STREQ(nr_cuda_status_name(NR_OK), "NR_OK");
    EXPECT_STREQ(nr_cuda_status_name(NR_E_TYPE), nr_status_name(NR_E_TYPE));
    EXPECT_STREQ(nr_cuda_status_name(NR_CUDA_E_DRIVER), "NR_CUDA_E_DRIVER");
    EXPECT_STREQ(nr_cuda_status_name(NR_CUDA_E_POINTER), "NR_CUDA_E_POINTER");
    EXPECT_STREQ(nr_cuda_status_name(9), "unknown");
    EXPECT_STREQ(nr_cuda_status_name(106), "unknown");
    EXPECT_STREQ(nr_cuda_status_name(-1), "unknown");
    EXPECT_EQ(nr_cuda_layout(NR_CUDA_STRUCT_GROUP, -1), int64_t(sizeof(nr_cuda_group)));
    EXPECT_EQ(nr_cuda_layout(NR_CUDA_STRUCT_GROUP, 4), -1);
}

TEST_F(Faults, KernelsAreDescribed) {
    fixture at;
    nr_cuda_kernel_about about = {};
    int32_t count = 0;
    nr_status status = NR_OK;
    while ((status = nr_cuda_describe_kernel(at.device, count, &about)) == NR_OK) {
        EXPECT_EQ(std::string(about.name).substr(0, 3), "nr_");
        EXPECT_EQ(about.registers, 40) << about.name;
        EXPECT_EQ(about.blocks, 6) << about.name;
        ++count;
    }
    EXPECT_EQ(status, NR_E_LENGTH);
    EXPECT_GT(count, 40);
    EXPECT_STREQ(about.name, "nr_accumulate_f64") << "the last";
    EXPECT_EQ(nr_cuda_describe_kernel(at.device, -1, &about), NR_E_LENGTH);
    EXPECT_EQ(nr_cuda_describe_kernel(nullptr, 0, &about), NR_E_NULL);
    for (const char *function : {"cuFuncGetAttribute", "cuOccupancyMaxActiveBlocksPerMultiprocessor"}) {
        device::standin_set((std::string("fail=") + function + ":1:1").c_str());
        EXPECT_EQ(nr_cuda_describe_kernel(at.device, 0, &about), NR_CUDA_E_CALL) << function;
    }
}

/* Kernels of the caller run beside ours; what is no PTX is refused in words. */
TEST_F(Faults, KernelsOfTheCaller) {
    const char *ptx = ".version 6.3\n.target sm_70\n.address_size 64\n"
                      ".visible .entry fill(\n.param .u64 to,\n.param .f32 value\n)\n{\n"
                      "mov.u32 %r1, %tid.x;\nmul.wide.u32 %rd1, %r1, 4;\nld.param.u64 %rd2, [to];\n"
                      "add.s64 %rd3, %rd2, %rd1;\nld.param.f32 %f1, [value];\nst.global.f32 [%rd3], %f1;\nret;\n}\n";
    fixture at;
    nr_cuda_module *module = nullptr;
    nr_cuda_kernel *kernel = nullptr;
    char message[512];
    EXPECT_EQ(nr_cuda_module_load(at.device, "nonsense", &module, message, sizeof message), NR_CUDA_E_CALL);
    EXPECT_STREQ(message, "this is no PTX");
    ASSERT_EQ(nr_cuda_module_load(at.device, ptx, &module, message, sizeof message), NR_OK) << message;
    EXPECT_EQ(nr_cuda_module_kernel(module, "other", &kernel), NR_CUDA_E_CALL);
    ASSERT_EQ(nr_cuda_module_kernel(module, "fill", &kernel), NR_OK);
    void *memory = nullptr;
    ASSERT_EQ(nr_cuda_allocate(at.device, 40 * sizeof(float), &memory), NR_OK);
    float value = 2.5f;
    void *arguments[] = {&memory, &value};
    ASSERT_EQ(nr_cuda_launch(at.queue, kernel, 1, 40, arguments), NR_OK);
    float got[40] = {};
    ASSERT_EQ(nr_cuda_copy(at.queue, got, memory, sizeof got), NR_OK);
    for (float x : got)
        EXPECT_EQ(x, 2.5f);
    EXPECT_EQ(nr_cuda_free(at.device, memory), NR_OK);
    EXPECT_EQ(nr_cuda_module_free(module), NR_OK);
}

} // namespace
