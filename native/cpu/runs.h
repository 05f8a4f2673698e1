/* Cuts a tensor into runs of contiguous elements, finds the statistics of their rows just before, and steps them: a row is
 * read from memory once. */
#ifndef NR_CPU_RUNS_H
#define NR_CPU_RUNS_H

#include "cpu/row_statistics.h"
#include "cpu/step.h"

#include <stddef.h>

namespace nr::NR_LANES {

/* Rows, or parts of rows, from this length on are stepped one by one; shorter ones together, with a table of statistics that
 * has an entry per element, so that their ends fall into whole vectors, and many of them into one pipeline. */
constexpr int64_t long_run = 256;

/* Elements that the tables cover at most, whole columns of most matrices; at most, where gradients come from memory while they
 * are summed and other arrays while they are stepped, so that neither waits long for the other; and at least, where repeating
 * costs little. */
constexpr int64_t table_elements = 4096;
constexpr int64_t streamed_elements = 512;
constexpr int64_t repeated_elements = 1024;

template <class T>
class row_room {
public:
    /* Only the means of the tables are repeated where nothing else of a row matters. */
    explicit row_room(bool means_only) : first_(means_only ? 1 : 0), last_(means_only ? 1 : 2) {}

    row_tables<T> tables() { return {tables_[0], tables_[1], tables_[2]}; }

    /* The values of a step whose elements are those of the tables. */
    row_values<T> values() const { return {{T(1), T(0), T(1)}, tables_[0], tables_[1], tables_[2]}; }

    /* Repeats each of the first count entries length times. */
    void repeat_entries(int64_t count, int64_t length) {
        for (int n = first_; n <= last_; ++n)
            spread<full_width<T>>(tables_[n], count, length);
    }

    /* Repeats the first count entries until there are times as many. */
    void repeat_all(int64_t count, int64_t times) {
        for (int64_t done = 1; done < times;) {
            const int64_t more = times - done < done ? times - done : done;
            for (int n = first_; n <= last_; ++n)
                __builtin_memcpy(tables_[n] + done * count, tables_[n], static_cast<size_t>(more * count) * sizeof(T));
            done += more;
        }
    }

private:
    /* From the last entry on, whose places lie behind all entries before it; the last register of each overlaps the one before. */
    template <int Width>
    static void spread(T *table, int64_t count, int64_t length) {
        using V = lane<T, Width>;
        if constexpr (Width > 1)
            if (length < Width) {
                spread<narrower<T, Width>>(table, count, length);
                return;
            }
        for (int64_t r = count; r-- > 0;) {
            const V value = V::all(table[r]);
            T *const to = table + r * length;
            for (int64_t i = 0; i + Width <= length; i += Width)
                value.store(to + i);
            value.store(to + length - Width);
        }
    }

    int first_;
    int last_;
    T tables_[3][table_elements]; /* scales, means, denominators */
};

/* Fills the tables for any number of rows. */
template <class T>
void fill_tables(const task<T> &a, update_sums<T> updates, const nr_tensor &t, int64_t first, int64_t count,
                 const row_tables<T> &rows) {
    if (t.row_values != nullptr) {
        take_statistics(t, first, count, rows);
        return;
    }
    for (int64_t r = 0; r < count; r += row_tile)
        find_statistics(a, updates, t, first + r, count - r < row_tile ? count - r : row_tile,
                        {rows.scales + r, rows.means + r, rows.denominators + r});
}

/* Where no row matters. */
template <class T>
void step_without_rows(const task<T> &a, step_run<T> run, const nr_tensor &t) {
    static constexpr row_values<T> none = {{T(1), T(0), T(1)}, nullptr, nullptr, nullptr};
    const int64_t width = t.rows * t.inner;
    for (int64_t o = 0; o < t.outer; ++o)
        run(a, o * t.stride, width, none, nullptr);
}

/* Where nothing but the mean matters: the next row is summed while one is stepped. */
template <class T>
void step_centred_rows(const task<T> &a, step_run<T> run, const nr_tensor &t, bool from_memory) {
    const bool in_turns = from_memory && !a.flags.prefetch;
    canonical_sum first;
    first.add<T>(plain_term<T>{a.g}, 0, t.inner);
    double sum = first.result();
    for (int64_t r = 0; r < t.rows; ++r) {
        const bool last = r + 1 == t.rows;
        row_ahead<T> next = {a.g + (r + 1) * t.inner, in_turns, {}};
        run(a, r * t.inner, t.inner, {{T(1), row_mean<T>(sum, t.inner), T(1)}, nullptr, nullptr, nullptr},
            last ? nullptr : &next);
        if (!last)
            sum = next.sum.result();
    }
}

template <class T>
void step_long_rows(const task<T> &a, step_run<T> run, update_sums<T> updates, const nr_tensor &t, bool from_memory) {
    if (t.outer == 1 && t.row_values == nullptr && a.flags.centre_gradient && a.flags.common()) {
        step_centred_rows(a, run, t, from_memory);
        return;
    }
    T scales[row_tile], means[row_tile], denominators[row_tile];
    /* Rows that lie in one piece are stepped as soon as their statistics are known, while they are in the cache. */
    const int64_t tile = t.outer == 1 ? 1 : row_tile;
    for (int64_t first = 0; first < t.rows; first += tile) {
        const int64_t count = t.rows - first < tile ? t.rows - first : tile;
        fill_tables(a, updates, t, first, count, {scales, means, denominators});
        for (int64_t o = 0; o < t.outer; ++o)
            for (int64_t r = 0; r < count; ++r)
                run(a, o * t.stride + (first + r) * t.inner, t.inner,
                    {{scales[r], means[r], denominators[r]}, nullptr, nullptr, nullptr}, nullptr);
    }
}

/* A column-major matrix without gaps is stepped along its columns, several of them at a time where they are short. */
template <class T>
void step_columns(const task<T> &a, step_run<T> run, update_sums<T> updates, const nr_tensor &t) {
    row_room<T> room(a.flags.common());
    fill_tables(a, updates, t, 0, t.rows, room.tables());
    int64_t columns = t.rows < repeated_elements ? repeated_elements / t.rows : 1;
    if (columns > t.outer)
        columns = t.outer;
    room.repeat_all(t.rows, columns);
    for (int64_t c = 0; c < t.outer; c += columns)
        run(a, c * t.rows, (t.outer - c < columns ? t.outer - c : columns) * t.rows, room.values(), nullptr);
}

template <class T>
void step_short_rows(const task<T> &shared, step_run<T> run, update_sums<T> updates, const nr_tensor &t,
                     bool from_memory) {
    task<T> a = shared;
    a.flags.row_tables = true;
    if (t.inner == 1 && t.stride == t.rows && t.rows <= table_elements) {
        step_columns(a, run, updates, t);
        return;
    }
    row_room<T> room(a.flags.common());
    const int64_t tile = (from_memory && t.outer == 1 ? streamed_elements : table_elements) / t.inner;
    for (int64_t first = 0; first < t.rows; first += tile) {
        const int64_t count = t.rows - first < tile ? t.rows - first : tile;
        fill_tables(a, updates, t, first, count, room.tables());
        if (t.inner > 1)
            room.repeat_entries(count, t.inner);
        for (int64_t o = 0; o < t.outer; ++o)
            run(a, o * t.stride + first * t.inner, count * t.inner, room.values(), nullptr);
    }
}

template <class T>
void step_runs(const task<T> &a, step_run<T> run, update_sums<T> updates, const nr_tensor &t, bool from_memory) {
    if (!needs_rows(a.flags))
        step_without_rows(a, run, t);
    else if (t.inner >= long_run)
        step_long_rows(a, run, updates, t, from_memory);
    else
        step_short_rows(a, run, updates, t, from_memory);
}

} // namespace nr::NR_LANES

#endif
