/* PTX, taken to pieces: as much of it as this project's kernels are made of. */
#ifndef NR_TESTS_CUDA_PTX_H
#define NR_TESTS_CUDA_PTX_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace standin {

enum class kind { predicate, bits, sign, real };

struct type {
    kind of = kind::bits;
    int bytes = 8;
};

enum class operation {
    load,
    store,
    move,
    add,
    subtract,
    multiply,
    multiply_add,
    divide,
    remainder,
    negate,
    absolute,
    both,
    either,
    exclusive,
    invert,
    left,
    right,
    least,
    greatest,
    compare,
    choose,
    convert,
    address,
    branch,
    barrier,
    warp_barrier,
    shuffle,
    root,
    finish
};

enum class where { immediate, reg, thread, threads, block, blocks, vector, argument, shared };

/* Memory that an instruction names; any: by the address. */
enum class space { any, global, shared };

struct operand {
    where place = where::immediate;
    uint64_t value = 0; /* immediate, register, or an offset: of an argument, in shared memory, of an address */
    int base = -1;      /* register of an address; -1: none */
    std::vector<operand> parts;
};

struct instruction {
    operation what = operation::finish;
    type result;
    type source;
    std::string modifier; /* of multiply, compare, shuffle */
    space memory = space::any;
    int predicate = -1;
    bool negated = false;
    size_t target = 0;
    std::vector<operand> operands;
    std::string text;
};

struct parameter {
    std::string name;
    uint64_t offset = 0;
    uint64_t bytes = 0;
};

/* A variable that the threads of a block share. */
struct shared_variable {
    uint64_t bytes = 0;
    uint64_t alignment = 1;
};
using shared_variables = std::map<std::string, shared_variable>;

struct kernel {
    std::string body;
    std::vector<parameter> parameters;
    std::vector<instruction> code;
    std::vector<int> register_words; /* of 32 bits; 0: a predicate */
    uint64_t shared_bytes = 0;
    bool parsed = false;
};

struct ptx_module {
    std::map<std::string, kernel> kernels;
    shared_variables shared;
};

[[noreturn]] inline void fail(const std::string &what) { throw std::runtime_error("PTX: " + what); }

/* null, and what is not understood. Bodies are taken to pieces only when they are asked for. */
std::shared_ptr<ptx_module> parse_ptx(const char *text, std::string &error);

bool has_kernel(const ptx_module &module, const std::string &name);

std::vector<uint64_t> argument_sizes(const ptx_module &module, const std::string &name);

/* A kernel with its instructions. */
const kernel &parsed_kernel(ptx_module &module, const std::string &name);

} // namespace standin

#endif
