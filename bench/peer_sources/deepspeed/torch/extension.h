/* What the core of DeepSpeed's CPU Adam uses of PyTorch's header of this name, so that it compiles without PyTorch. Tensors
 * are float32 and contiguous; the half-precision types are only named, never stepped. */
#ifndef NRB_TORCH_EXTENSION_H
#define NRB_TORCH_EXTENSION_H

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>

#include <omp.h>

namespace c10 {

enum class ScalarType { Float, Half, BFloat16 };

template <ScalarType Type>
struct short_float {
    uint16_t bits;
    short_float() = default;
    short_float(float) : bits(0) {}
    operator float() const { return 0.0f; }
};
using Half = short_float<ScalarType::Half>;
using BFloat16 = short_float<ScalarType::BFloat16>;

template <class T>
struct CppTypeToScalarType;
template <>
struct CppTypeToScalarType<float> : std::integral_constant<ScalarType, ScalarType::Float> {};
template <>
struct CppTypeToScalarType<Half> : std::integral_constant<ScalarType, ScalarType::Half> {};
template <>
struct CppTypeToScalarType<BFloat16> : std::integral_constant<ScalarType, ScalarType::BFloat16> {};

inline const char *toString(ScalarType) { return "a half-precision type"; }

} // namespace c10

namespace at {
constexpr c10::ScalarType kFloat = c10::ScalarType::Float;
constexpr c10::ScalarType kHalf = c10::ScalarType::Half;
constexpr c10::ScalarType kBFloat16 = c10::ScalarType::BFloat16;
inline c10::ScalarType typeMetaToScalarType(c10::ScalarType type) { return type; }
} // namespace at

namespace torch {

class Tensor {
public:
    struct Options {
        c10::ScalarType dtype() const { return c10::ScalarType::Float; }
    };

    Tensor() = default;
    Tensor(float *data, int64_t count) : data_(data), count_(count) {}
    Tensor contiguous() const { return *this; }
    Options options() const { return {}; }
    c10::ScalarType scalar_type() const { return c10::ScalarType::Float; }
    void *data_ptr() const { return data_; }
    int64_t numel() const { return count_; }
    int64_t size(int) const { return count_; }

private:
    float *data_ = nullptr;
    int64_t count_ = 0;
};

} // namespace torch

#endif
