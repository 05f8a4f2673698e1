#include "nativeranger.h"

#include <gtest/gtest.h>

extern "C" int32_t abi_version_in_c(void);

TEST(Contract, VersionIsTheHeadersInCAndInCpp) {
    EXPECT_EQ(nr_abi_version(), NR_ABI_VERSION);
    EXPECT_EQ(abi_version_in_c(), NR_ABI_VERSION);
}
