/* Memory between pages that may not be touched. */
#ifndef NR_TESTS_FUZZ_GUARDED_MEMORY_H
#define NR_TESTS_FUZZ_GUARDED_MEMORY_H

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace fuzz {

/* One array at a time: it ends where the unmapped page begins, and has known bytes before it. */
class guarded {
public:
    static constexpr size_t room = 16 * 4096;

    guarded() {
        base_ = static_cast<uint8_t *>(
            mmap(nullptr, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        if (base_ == MAP_FAILED || mprotect(base_ + page, room, PROT_READ | PROT_WRITE) != 0)
            abort();
    }
    ~guarded() { munmap(base_, room + 2 * page); }
    guarded(const guarded &) = delete;
    guarded &operator=(const guarded &) = delete;

    uint8_t *allocate(size_t bytes) {
        size_ = bytes;
        std::memset(begin() - before(), canary, before());
        return begin();
    }

    uint8_t *begin() const { return base_ + page + room - size_; }
    size_t size() const { return size_; }

    bool is_intact() const {
        for (const uint8_t *p = begin() - before(); p < begin(); ++p)
            if (*p != canary)
                return false;
        return true;
    }

private:
    static constexpr size_t page = 4096;
    static constexpr size_t most_before = 256;
    static constexpr uint8_t canary = 0xa5;

    size_t before() const { return room - size_ < most_before ? room - size_ : most_before; }

    uint8_t *base_;
    size_t size_ = 0;
};

} // namespace fuzz

#endif
