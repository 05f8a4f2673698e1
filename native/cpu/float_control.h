/* Sets the floating-point control word that the promise of equal bits needs, and puts the caller's back where it was another.
 * Every entry begins with it: under the caller's word the first inexact result of a check might already trap. */
#ifndef NR_CPU_FLOAT_CONTROL_H
#define NR_CPU_FLOAT_CONTROL_H

#include <stdint.h>

namespace nr {

#if defined(__x86_64__)

/* Round to nearest even, no flush to zero, no denormals-are-zero, exceptions masked; and the flags of what has happened, which
 * any arithmetic may set. */
constexpr uint32_t standard_control = 0x1f80;
constexpr uint32_t seen_flags = 0x003f;

/* Loading the word takes longer than a small step, and reading it waits for all arithmetic before it; nearly always it is
 * right already. */
class float_control {
public:
    float_control() : before_(__builtin_ia32_stmxcsr()) {
        if (is_another())
            __builtin_ia32_ldmxcsr(standard_control);
    }
    ~float_control() {
        if (is_another())
            __builtin_ia32_ldmxcsr(before_);
    }
    float_control(const float_control &) = delete;
    float_control &operator=(const float_control &) = delete;

private:
    bool is_another() const { return (before_ & ~seen_flags) != standard_control; }

    uint32_t before_;
};

#elif defined(__aarch64__)

class float_control {
public:
    float_control() {
        __asm__ volatile("mrs %0, fpcr" : "=r"(before_));
        __asm__ volatile("msr fpcr, %0" : : "r"(uint64_t{0}) : "memory");
    }
    ~float_control() { __asm__ volatile("msr fpcr, %0" : : "r"(before_) : "memory"); }
    float_control(const float_control &) = delete;
    float_control &operator=(const float_control &) = delete;

private:
    uint64_t before_;
};

#else
#error "say how this processor's floating-point control word is set"
#endif

} // namespace nr

#endif
