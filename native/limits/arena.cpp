#include "arena.h"

#include <cstdint>
#include <new>

#include <sys/mman.h>

namespace nrl {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t stagger = 13 * 64;

/* Large arrays a power of two apart would keep opening other rows of the same banks of memory. */
constexpr std::size_t bank_stagger = 16 * page;

std::size_t round_up(std::size_t value, std::size_t unit) { return (value + unit - 1) / unit * unit; }

} // namespace

arena::arena(int arrays, std::size_t bytes_of_array)
    : pitch_(round_up(bytes_of_array, page) + stagger + (bytes_of_array >= huge_page ? bank_stagger : 0)),
      mapped_(round_up(static_cast<std::size_t>(arrays) * pitch_, huge_page) + huge_page),
      mapping_(mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (mapping_ == MAP_FAILED)
        throw std::bad_alloc();
    const std::size_t base = reinterpret_cast<std::uintptr_t>(mapping_);
    start_ = static_cast<char *>(mapping_) + (round_up(base, huge_page) - base);
    madvise(start_, mapped_ - huge_page, MADV_HUGEPAGE);
}

arena::~arena() { munmap(mapping_, mapped_); }

} // namespace nrl
