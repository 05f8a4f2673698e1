#include "pressure.h"

#include <algorithm>

namespace standin {
namespace {

/* What an instruction reads and writes. */
struct effect {
    std::vector<size_t> reads;
    std::vector<size_t> writes;
    bool always = true; /* written whatever a predicate says */
};

void collect(const operand &o, std::vector<size_t> &registers) {
    if (o.place == where::reg)
        registers.push_back(static_cast<size_t>(o.value));
    if (o.base >= 0)
        registers.push_back(static_cast<size_t>(o.base));
    for (const operand &part : o.parts)
        collect(part, registers);
}

effect effect_of(const instruction &i) {
    effect e;
    const bool writes = i.what != operation::store && i.what != operation::branch && i.what != operation::barrier &&
                        i.what != operation::warp_barrier && i.what != operation::finish;
    for (size_t n = 0; n < i.operands.size(); ++n)
        collect(i.operands[n], n == 0 && writes ? e.writes : e.reads);
    if (i.predicate >= 0) {
        e.reads.push_back(static_cast<size_t>(i.predicate));
        e.always = false;
    }
    return e;
}

} // namespace

/* Backwards, until nothing changes: alive before an instruction is what it reads, and what is alive behind it and not written
 * by it. */
int register_pressure(const kernel &k) {
    const size_t count = k.code.size();
    std::vector<effect> effects;
    for (const instruction &i : k.code)
        effects.push_back(effect_of(i));
    using registers = std::vector<bool>;
    std::vector<registers> alive(count + 1, registers(k.register_words.size(), false));
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t n = count; n-- > 0;) {
            const instruction &i = k.code[n];
            const bool leaves = i.predicate < 0 && (i.what == operation::branch || i.what == operation::finish);
            registers now = leaves ? registers(k.register_words.size(), false) : alive[n + 1];
            if (i.what == operation::branch)
                for (size_t r = 0; r < now.size(); ++r)
                    now[r] = now[r] || alive[i.target][r];
            if (effects[n].always)
                for (size_t r : effects[n].writes)
                    now[r] = false;
            for (size_t r : effects[n].reads)
                now[r] = true;
            if (now != alive[n]) {
                alive[n] = std::move(now);
                changed = true;
            }
        }
    }
    int most = 0;
    for (const registers &now : alive) {
        int words = 0;
        for (size_t r = 0; r < now.size(); ++r)
            words += now[r] ? k.register_words[r] : 0;
        most = std::max(most, words);
    }
    return most;
}

} // namespace standin
