/* Memory for arrays that are measured. */
#ifndef NRL_ARENA_H
#define NRL_ARENA_H

#include <cstddef>

namespace nrl {

/* Arrays of equal size on huge pages where the system has them, each 64-byte aligned and at a page offset of its own:
 * neighbours at the same offset in their pages compete for the same cache sets. Zero at the start. */
class arena {
public:
    arena(int arrays, std::size_t bytes_of_array);
    ~arena();
    arena(const arena &) = delete;
    arena &operator=(const arena &) = delete;

    void *array(int index) const { return start_ + static_cast<std::size_t>(index) * pitch_; }

private:
    std::size_t pitch_;
    std::size_t mapped_;
    void *mapping_;
    char *start_;
};

} // namespace nrl

#endif
