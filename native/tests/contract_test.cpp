/* What the library says about itself is what the header says. */
#include "nativeranger.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

extern "C" int32_t abi_version_in_c(void);

namespace {

TEST(Contract, VersionIsTheHeadersInCAndInCpp) {
    EXPECT_EQ(nr_abi_version(), NR_ABI_VERSION);
    EXPECT_EQ(abi_version_in_c(), NR_ABI_VERSION);
    EXPECT_STREQ(nr_version(), EXPECTED_VERSION);
    EXPECT_NE(std::string(nr_build_info()), "");
}

TEST(Contract, StatusesHaveNamesAndTexts) {
    const char *names[] = {"NR_OK",        "NR_E_NULL",     "NR_E_LENGTH", "NR_E_OPTION", "NR_E_ABI",
                           "NR_E_OVERLAP", "NR_E_OVERFLOW", "NR_E_ISA",    "NR_E_TYPE"};
    for (nr_status status = 0; status < 9; ++status) {
        EXPECT_STREQ(nr_status_name(status), names[status]);
        EXPECT_GT(std::string(nr_status_text(status)).size(), 5u);
    }
    for (nr_status status : {-1, 9, INT32_MAX, INT32_MIN}) {
        EXPECT_STREQ(nr_status_name(status), "unknown");
        EXPECT_NE(nr_status_text(status), nullptr);
    }
}

/* The values are pinned for ever. */
TEST(Contract, Numbers) {
    EXPECT_EQ(NR_E_TYPE, 8);
    EXPECT_EQ(NR_SEED_RANGER, 5);
    EXPECT_EQ(NR_ISA_NEON, 4);
    EXPECT_EQ(NR_ZERO_GRADIENT, 32);
    EXPECT_EQ(NR_STANDARDISE, 2);
    EXPECT_EQ(NR_FOLLOWER_PULLBACK, 4);
}

void expect_layout(int32_t structure, size_t size, const std::vector<size_t> &offsets) {
    EXPECT_EQ(nr_layout(structure, -1), int64_t(size));
    for (size_t i = 0; i < offsets.size(); ++i)
        EXPECT_EQ(nr_layout(structure, int32_t(i)), int64_t(offsets[i])) << structure << " field " << i;
    EXPECT_EQ(nr_layout(structure, int32_t(offsets.size())), -1);
    EXPECT_EQ(nr_layout(structure, -2), -1);
}

TEST(Contract, Layouts) {
    expect_layout(NR_STRUCT_FOLLOWER, sizeof(nr_follower), {0, 8, 12});
    expect_layout(NR_STRUCT_FOLLOWER_BUFFERS, sizeof(nr_follower_buffers), {0, 8});
    expect_layout(NR_STRUCT_OPTIONS, sizeof(nr_options), {0,  4,  8,  12, 16,  20,  24,  32,  40,  48,  56,  64,
                                                          72, 80, 88, 96, 104, 112, 120, 128, 136, 144, 152, 160});
    expect_layout(NR_STRUCT_ROW, sizeof(nr_row), {0, 8, 16});
    expect_layout(NR_STRUCT_TENSOR, sizeof(nr_tensor),
                  {offsetof(nr_tensor, parameter), offsetof(nr_tensor, gradient), offsetof(nr_tensor, state),
                   offsetof(nr_tensor, followers), offsetof(nr_tensor, scalars), offsetof(nr_tensor, row_values),
                   offsetof(nr_tensor, outer), offsetof(nr_tensor, rows), offsetof(nr_tensor, inner),
                   offsetof(nr_tensor, stride), offsetof(nr_tensor, step), offsetof(nr_tensor, active),
                   offsetof(nr_tensor, flags), offsetof(nr_tensor, reserved)});
    EXPECT_EQ(nr_layout(0, -1), -1);
    EXPECT_EQ(nr_layout(6, -1), -1);
    /* No hidden padding: the last field ends where the structure does. */
    EXPECT_EQ(offsetof(nr_options, working_set) + sizeof(int64_t), sizeof(nr_options));
    EXPECT_EQ(offsetof(nr_tensor, reserved) + sizeof(uint32_t), sizeof(nr_tensor));
}

TEST(Contract, InstructionSets) {
    EXPECT_EQ(nr_isa_available(NR_ISA_SCALAR), 1);
    for (int32_t isa : {int32_t{NR_ISA_AUTO}, int32_t{NR_ISA_COUNT}, -1, 1000})
        EXPECT_EQ(nr_isa_available(isa), 0);
    const char *names[] = {"auto", "scalar", "avx2", "avx512", "neon"};
    for (int32_t isa = 0; isa < NR_ISA_COUNT; ++isa)
        EXPECT_STREQ(nr_isa_name(isa), names[isa]);
    EXPECT_EQ(nr_isa_name(-1), nullptr);
    EXPECT_EQ(nr_isa_name(NR_ISA_COUNT), nullptr);
}

TEST(Contract, WithoutTheVariableTheLastAvailableIsChosen) {
    if (nr_isa_forced() != nullptr)
        GTEST_SKIP() << "NATIVERANGER_ISA is set";
    int32_t last = NR_ISA_AUTO;
    for (int32_t isa = NR_ISA_SCALAR; isa < NR_ISA_COUNT; ++isa)
        if (nr_isa_available(isa))
            last = isa;
    EXPECT_EQ(nr_isa(), last);
}

} // namespace
