/* The bits of many random steps, which every platform must meet: one number for all of them. */
#include "problem.h"

#include <gtest/gtest.h>

using namespace problem;

namespace {

/* FNV-1a over the bits of values; a NaN counts as any NaN. */
class fingerprint {
public:
    template <class T>
    void add(T value) {
        if (std::isnan(value))
            value = std::numeric_limits<T>::quiet_NaN();
        unsigned char bytes[sizeof(T)];
        std::memcpy(bytes, &value, sizeof(T));
        if (std::isnan(value))
            std::memset(bytes, 0xff, sizeof bytes);
        for (unsigned char byte : bytes)
            hash_ = (hash_ ^ byte) * 0x100000001b3;
    }
    uint64_t value() const { return hash_; }

private:
    uint64_t hash_ = 0xcbf29ce484222325;
};

template <class T>
uint64_t fingerprint_of(int32_t isa) {
    random_bits random(10);
    fingerprint seen;
    for (int round = 0; round < 1000; ++round) {
        const int algorithm = algorithms[round % 5];
        options o = random_options(random, algorithm, type_of<T>);
        o.how.isa = isa;
        const shape s = random_shape(random, 60, algorithm == NR_SEED_RANGER);
        tensor<T> values = random_tensor<T>(random, o, s, round % 2 == 0);
        const nr_options how = o.view();
        const nr_tensor t = values.view();
        EXPECT_EQ(nr_step(&how, 1, &t), NR_OK) << "round " << round;
        for (const auto &[name, array] : values.arrays())
            for (T x : *array)
                seen.add(x);
        for (double x : values.scalars)
            seen.add(x);
    }
    return seen.value();
}

TEST(KnownBits, AreThoseOfEveryPlatform) {
    for (int32_t isa : instruction_sets()) {
        EXPECT_EQ(fingerprint_of<float>(isa), 687748582546467111u) << nr_isa_name(isa);
        EXPECT_EQ(fingerprint_of<double>(isa), 1763707498956653949u) << nr_isa_name(isa);
    }
}

} // namespace
