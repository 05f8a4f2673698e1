/* What the driver compiles: the PTX that the build made gives the bits of the processor, and holds to the rules that the bits
 * and the speed need. */
#include "device_problem.h"
#include "pressure.h"

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

using namespace problem;
using device::device_tensor;
using device::fixture;

namespace {

std::string read_ptx() {
    std::ifstream file(PTX);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::set<std::string> instructions(const std::string &ptx) {
    std::set<std::string> found;
    const std::regex instruction("\\n\\s+(?:@!?%p[0-9]+\\s+)?([a-z]+[.][a-z0-9.:]+)");
    for (std::sregex_iterator i(ptx.begin(), ptx.end(), instruction), end; i != end; ++i)
        found.insert((*i)[1]);
    return found;
}

/* The library carries this very file. */
TEST(Ptx, IsWhatTheLibraryEmbeds) {
    std::ifstream file(LIBRARY, std::ios::binary);
    std::stringstream bytes;
    bytes << file.rdbuf();
    const std::string ptx = read_ptx();
    ASSERT_GT(ptx.size(), 100'000u);
    EXPECT_NE(bytes.str().find(ptx), std::string::npos);
}

TEST(Ptx, RoundsEveryOperationOnce) {
    const std::set<std::string> found = instructions(read_ptx());
    ASSERT_GT(found.size(), 50u);
    for (const std::string &name : found) {
        EXPECT_EQ(name.find("fma"), std::string::npos) << name;
        EXPECT_EQ(name.find("mad.rn"), std::string::npos) << name;
        EXPECT_EQ(name.find("approx"), std::string::npos) << name;
        EXPECT_EQ(name.find("ftz"), std::string::npos) << name;
        EXPECT_EQ(name.find("full"), std::string::npos) << name;
        /* Without a rounding the driver's compiler may contract. */
        const bool real = name.find(".f32") != std::string::npos || name.find(".f64") != std::string::npos;
        const std::string operation = name.substr(0, name.find('.'));
        if (real && (operation == "add" || operation == "sub" || operation == "mul" || operation == "div" ||
                     operation == "sqrt")) {
            EXPECT_NE(name.find(".rn."), std::string::npos) << name;
        }
    }
}

/* Every elementwise kernel moves 16 bytes at a time, and none keeps anything in local memory. */
TEST(Ptx, MovesSixteenBytesAndSpillsNothing) {
    const std::string ptx = read_ptx();
    EXPECT_EQ(ptx.find(".local"), std::string::npos);
    for (const char *name :
         {"step_sgd", "step_sgd_momentum", "step_adagrad", "step_adam", "step_radam", "plain_step_sgd",
          "plain_step_sgd_momentum", "plain_step_adagrad", "plain_step_adam", "plain_step_radam", "staged_step_sgd",
          "staged_step_sgd_momentum", "staged_step_adagrad", "staged_step_adam", "staged_step_radam", "update_seed",
          "follow_without_gradient", "start_slow_moments", "accumulate"})
        for (const char *type : {"f32", "f64"}) {
            const std::string entry = std::string(".entry nr_") + name + "_" + type + "(";
            const size_t begin = ptx.find(entry);
            ASSERT_NE(begin, std::string::npos) << entry;
            const std::string body = ptx.substr(begin, ptx.find("\n}", begin) - begin);
            const std::string wide = type == std::string("f32") ? "global.v4.f32" : "global.v2.f64";
            EXPECT_NE(body.find("ld." + wide), std::string::npos) << entry;
            EXPECT_NE(body.find("st." + wide), std::string::npos) << entry;
            const bool staged = std::string(name).rfind("staged", 0) == 0;
            const std::string in_shared = type == std::string("f32") ? "shared.v4.f32" : "shared.v2.f64";
            EXPECT_EQ(body.find("st." + in_shared) != std::string::npos, staged) << entry;
            EXPECT_EQ(body.find("ld." + in_shared) != std::string::npos, staged) << entry;
        }
}

std::string kernel_body(const std::string &ptx, const std::string &name) {
    const size_t begin = ptx.find(".entry nr_" + name + "(");
    return begin == std::string::npos ? "" : ptx.substr(begin, ptx.find("\n}", begin) - begin);
}

/* How often an instruction is met from a place on before the next branch. */
int before_branch(const std::string &body, size_t from, const std::string &instruction) {
    const size_t end = from == std::string::npos ? from : body.find("bra", from);
    int count = 0;
    for (size_t at = from; at < end && (at = body.find(instruction, at)) < end; ++at)
        ++count;
    return count;
}

/* A thread waits for memory once, not for one array after the other: whatever is done with the first may be done behind a branch, and
 * the next load would stand behind that. Rows that are staged are summed 8 elements of a thread at a time for the same reason. */
TEST(Ptx, AsksForEveryArrayBeforeItWaitsForOne) {
    const std::string ptx = read_ptx();
    const std::pair<std::string, int> rules[] = {
        {"sgd", 2}, {"sgd_momentum", 3}, {"adagrad", 3}, {"adam", 4}, {"radam", 4}};
    for (const auto &[rule, arrays] : rules)
        for (const bool wide : {false, true}) {
            const std::string type = wide ? "_f64" : "_f32";
            const std::string access = wide ? "ld.global.v2.f64" : "ld.global.v4.f32";
            const std::string plain = kernel_body(ptx, "plain_step_" + rule + type);
            EXPECT_EQ(before_branch(plain, plain.find(access), access), arrays) << rule << type;
            const std::string staged = kernel_body(ptx, "staged_step_" + rule + type);
            EXPECT_EQ(before_branch(staged, staged.find(access), access), 2) << rule << type;
            const size_t step = staged.find(wide ? "ld.shared.v2.f64" : "ld.shared.v4.f32");
            EXPECT_EQ(before_branch(staged, step, access), arrays - 1) << rule << type;
            const std::string element = wide ? "ld.shared.f64" : "ld.shared.f32";
            EXPECT_EQ(before_branch(staged, staged.find(element), element), 8) << rule << type;
        }
}

/* a + b is alive while c is read, which is not alive any more when it is added; a predicate is no register of 32 bits. */
TEST(Ptx, RegistersAreCountedWhileTheyAreAlive) {
    std::string error;
    const auto module = standin::parse_ptx(".version 6.3\n.target sm_70\n.visible .entry k(\n.param .u64 a\n)\n{\n"
                                           "ld.param.u64 %rd1, [a];\nld.global.f32 %f1, [%rd1];\n"
                                           "ld.global.f32 %f2, [%rd1+4];\nadd.rn.f32 %f3, %f1, %f2;\n"
                                           "setp.lt.f32 %p1, %f3, %f1;\n@%p1 bra $end;\n"
                                           "ld.global.f64 %fd1, [%rd1+8];\nst.global.f64 [%rd1+16], %fd1;\n"
                                           "st.global.f32 [%rd1], %f3;\n$end:\nret;\n}\n",
                                           error);
    ASSERT_NE(module, nullptr) << error;
    EXPECT_EQ(standin::register_pressure(standin::parsed_kernel(*module, "k")), 5) << "%rd1, %f3 and %fd1";
}

/* A multiprocessor has 65,536 registers, and the kernels are compiled for two or three blocks of 256 threads at a time: for 128
 * or 80 registers a thread. What compiles PTX keeps in fewer of them what PTX spreads over many (addresses, loop counters); a
 * kernel that needs far more would wait for its own memory. */
TEST(Ptx, LeavesRegistersForSeveralBlocks) {
    std::string error;
    const auto module = standin::parse_ptx(read_ptx().c_str(), error);
    ASSERT_NE(module, nullptr) << error;
    ASSERT_GT(module->kernels.size(), 40u);
    for (const auto &named : module->kernels) {
        const std::string &name = named.first;
        const bool wide = name.substr(name.size() - 3) == "f64";
        const int most = name.rfind("nr_plain", 0) == 0    ? wide ? 128 : 110
                         : name.rfind("nr_staged", 0) == 0 ? wide ? 150 : 135
                                                           : 180;
        const int pressure = standin::register_pressure(standin::parsed_kernel(*module, name));
        EXPECT_GT(pressure, 4) << name;
        EXPECT_LE(pressure, most) << name;
    }
}

/* The PTX itself, an instruction at a time; every access is checked against the allocations. */
template <class T>
class PtxBits : public testing::Test {
protected:
    PtxBits() { device::standin_set("reset=1 multiprocessors=1 interpret=1"); }
    ~PtxBits() override {
        EXPECT_EQ(device::standin_violations(), 0);
        device::standin_set("interpret=0");
    }
};
using types = testing::Types<float, double>;
TYPED_TEST_SUITE(PtxBits, types, type_names);

TYPED_TEST(PtxBits, EqualTheProcessors) {
    random_bits random(11);
    fixture at;
    for (int round = 0; round < 150; ++round) {
        const int algorithm = algorithms[round % 5];
        options o = random_options(random, algorithm, type_of<TypeParam>);
        const bool plain = round % 3 == 0;
        if (plain) {
            o = options(algorithm, type_of<TypeParam>);
            o.how.weight_decay = round % 2 == 0 ? 0.01 : 0;
            o.followers = {{0.5, NR_FOLLOWER_LEADS, 0}};
        }
        std::vector<tensor<TypeParam>> all;
        std::vector<std::unique_ptr<device_tensor<TypeParam>>> there;
        std::vector<nr_tensor> views;
        for (int i = 0; i < 3; ++i) {
            const shape s = round % 10 == 9   ? row_major(2, 4'099)
                            : round % 10 == 7 ? column_major(300, 5)
                            : round % 10 == 3 ? row_major(3, 1'400)
                                              : random_shape(random, 12, algorithm == NR_SEED_RANGER);
            all.push_back(random_tensor<TypeParam>(random, o, s, round % 2 == 0));
            if (plain) {
                all.back().step = 7;
                all.back().flags = s.row_length() >= 2 && i != 0 && algorithm != NR_SEED_RANGER ? NR_CENTRALISE : 0;
            }
        }
        for (auto &t : all) {
            there.push_back(std::make_unique<device_tensor<TypeParam>>(at, t));
            views.push_back(there.back()->view());
        }
        const nr_options how = o.view();
        const nr_cuda_group group = {&how, views.data(), int64_t(views.size()), 0.0};
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
        for (size_t i = 0; i < all.size(); ++i) {
            tensor<TypeParam> got = all[i];
            there[i]->fetch(got);
            const nr_tensor t = all[i].view();
            ASSERT_EQ(nr_step(&how, 1, &t), NR_OK);
            ASSERT_EQ(difference(all[i], got), "")
                << describe(o, all[i].extents(), NR_ISA_SCALAR) << " round " << round;
        }
    }
}

/* More tensors than are added up at a time. */
TYPED_TEST(PtxBits, OfTheNormOfManyTensors) {
    random_bits random(13);
    fixture at;
    options o(NR_SGD, type_of<TypeParam>);
    o.how.beta1 = 0;
    nr_options how = o.view();
    std::vector<tensor<TypeParam>> all;
    std::vector<std::unique_ptr<device_tensor<TypeParam>>> there;
    std::vector<nr_tensor> views;
    double total = 0;
    for (int i = 0; i < 520; ++i) {
        all.emplace_back(random, o, flat(1), false);
        there.push_back(std::make_unique<device_tensor<TypeParam>>(at, all.back()));
        views.push_back(there.back()->view());
        total += double(all.back().g[0]) * double(all.back().g[0]);
    }
    const nr_cuda_group group = {&how, views.data(), int64_t(views.size()), 0.5};
    ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
    how.clip_factor = 0.5 / std::sqrt(total);
    for (size_t i = 0; i < all.size(); ++i) {
        tensor<TypeParam> got = all[i];
        there[i]->fetch(got);
        const nr_tensor t = all[i].view();
        ASSERT_EQ(nr_step(&how, 1, &t), NR_OK);
        ASSERT_EQ(difference(all[i], got), "") << i;
    }
}

/* Gradients that are clipped by their norm, or not finite, and micro-batches. */
TYPED_TEST(PtxBits, OfNormsAndAccumulation) {
    random_bits random(12);
    fixture at;
    for (int round = 0; round < 12; ++round) {
        const options o(NR_RADAM, type_of<TypeParam>);
        tensor<TypeParam> want(random, o, flat(round == 0 ? 9'000 : 40 + round), false, round % 2);
        want.step = 7;
        tensor<TypeParam> got = want;
        device_tensor<TypeParam> there(at, got);
        nr_options how = o.view();
        const nr_tensor view = there.view();
        ASSERT_EQ(nr_cuda_accumulate(at.queue, how.type, want.extents().elements(), view.gradient, view.state[3]),
                  NR_OK);
        const nr_cuda_group group = {&how, &view, 1, 0.5};
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, NR_CUDA_SKIP_NONFINITE), NR_OK);
        int32_t skipped = -1;
        ASSERT_EQ(nr_cuda_outcome(at.queue, &skipped), NR_OK);
        EXPECT_EQ(skipped, 0);
        there.fetch(got);

        const nr_tensor t = want.view();
        ASSERT_EQ(nr_accumulate(how.type, NR_ISA_AUTO, want.extents().elements(), t.gradient, t.state[3]), NR_OK);
        std::vector<double> sums(size_t(want.extents().elements() / 4'096 + 1));
        double *list = sums.data();
        double norm = 0;
        int32_t nonfinite = 0;
        ASSERT_EQ(nr_square_sums(&how, 1, &t, 1, &list, &nonfinite), NR_OK);
        ASSERT_EQ(nr_reduce((want.extents().elements() + 4'095) / 4'096, list, &norm), NR_OK);
        ASSERT_GT(std::sqrt(norm), 0.5);
        how.clip_factor = 0.5 / std::sqrt(norm);
        ASSERT_EQ(nr_step(&how, 1, &t), NR_OK);
        ASSERT_EQ(difference(want, got), "") << round;
    }
}

} // namespace
