/* Makes the calls of one step of one kernel on AVX2, for bench/instructions to count what nr_step executes: always on the same
 * numbers, in arrays of the same size. Without an argument it lists the kernels. */
#include "problem.h"

#include <cstdio>
#include <cstring>
#include <string>

namespace {

constexpr int64_t rows = 16;
constexpr int64_t columns = 4096;

struct kernel {
    std::string name;
    const nrb::algorithm &how;
    int32_t type;
    nrb::shape size;
};

std::vector<kernel> kernels() {
    std::vector<kernel> list;
    for (const nrb::algorithm &a : nrb::algorithms)
        for (int32_t type : {NR_FLOAT32, NR_FLOAT64}) {
            const std::string name = std::string(a.name) + (a.centralised ? "-centralised" : "");
            list.push_back({name + (type == NR_FLOAT64 ? "-float64" : "-float32"), a, type, {rows, columns}});
        }
    const nrb::algorithm &centralised = nrb::find_algorithm("radam", true);
    list.push_back({"short-rows-float32", centralised, NR_FLOAT32, {1000, 10}});
    list.push_back({"column-major-float32", centralised, NR_FLOAT32, {512, 128, true}});
    list.push_back({"column-major-few-rows-float32", centralised, NR_FLOAT32, {10, 784, true}});
    list.push_back({"many-tensors-float32", nrb::find_algorithm("radam"), NR_FLOAT32, {1, 100, false, 100}});
    list.push_back({"one-element-float32", nrb::find_algorithm("radam"), NR_FLOAT32, {1, 1}});
    return list;
}

} // namespace

int main(int count, char **arguments) {
    if (count == 1) {
        std::printf("compiler %s\n", nr_build_info());
        for (const kernel &k : kernels())
            std::printf("kernel %s\n", k.name.c_str());
        return 0;
    }
    if (nr_isa_available(NR_ISA_AVX2) == 0) {
        std::fputs("AVX2 cannot run here\n", stderr);
        return 1;
    }
    for (const kernel &k : kernels()) {
        if (k.name != arguments[1])
            continue;
        nrl::team team(1);
        nrb::problem p(k.how, k.type, k.size, team);
        const nrb::variant step = p.step(NR_ISA_AVX2);
        team.time(step.work, 0, step.cycle);
        return 0;
    }
    std::fprintf(stderr, "no kernel %s\n", arguments[1]);
    return 2;
}
