/* Replays every input of the folder that is named first, then as many random ones as are asked for second, the same each time for
 * the seed that may come third. */
#include "calls.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

int main(int count, char **arguments) {
    if (count != 3 && count != 4) {
        std::fprintf(stderr, "usage: %s FOLDER COUNT [SEED]\n", arguments[0]);
        return 2;
    }
    uint64_t files = 0;
    for (const auto &entry : std::filesystem::directory_iterator(arguments[1])) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::vector<char> data((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        std::printf("%s\n", entry.path().filename().c_str());
        std::fflush(stdout);
        fuzz::call(reinterpret_cast<const uint8_t *>(data.data()), data.size());
        ++files;
    }
    std::mt19937_64 random(count == 4 ? std::strtoull(arguments[3], nullptr, 10) : 1);
    std::vector<uint8_t> data(256);
    for (long long i = std::atoll(arguments[2]); i > 0; --i) {
        for (uint8_t &b : data)
            b = uint8_t(random());
        fuzz::call(data.data(), data.size());
    }
    const fuzz::tally &t = fuzz::counts;
    std::printf("%" PRIu64 " files; %" PRIu64 " inputs: %" PRIu64 " calls succeeded, %" PRIu64 " were refused, %" PRIu64
                " had no room\n",
                files, t.inputs, t.succeeded, t.refused, t.left_out);
    return files == 0 || t.succeeded == 0 || t.refused == 0;
}
