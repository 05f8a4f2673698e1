#include "limits.h"

#include "arena.h"
#include "limit_pass.h"
#include "team.h"

#include <new>
#include <system_error>

struct nrl_memory {
    nrl::arena arrays;
};

struct nrl_team {
    nrl::team members;
};

nrl_memory *nrl_memory_create(int32_t arrays, int64_t bytes_of_array) {
    if (arrays < 1 || bytes_of_array < 0)
        return nullptr;
    try {
        return new nrl_memory{nrl::arena(arrays, static_cast<std::size_t>(bytes_of_array))};
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

void nrl_memory_destroy(nrl_memory *memory) { delete memory; }

void *nrl_memory_array(const nrl_memory *memory, int32_t index) { return memory->arrays.array(index); }

nrl_team *nrl_team_create(int32_t threads) {
    if (threads < 1)
        return nullptr;
    try {
        return new nrl_team{nrl::team(threads)};
    } catch (const std::system_error &) {
        return nullptr;
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

void nrl_team_destroy(nrl_team *team) { delete team; }

double nrl_time(nrl_team *team, const nrl_pass *pass, int64_t untimed, int64_t timed) {
    if (team == nullptr || pass == nullptr || !nrl::is_valid(*pass) || untimed < 0 || timed < 1)
        return -1.0;
    return team->members.time(nrl::share_pass(*pass, team->members.threads()), untimed, timed);
}
