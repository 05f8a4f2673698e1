/* Steps as a whole: groups, norms, skipping, launches, streams and pointers of others. */
#include "device_problem.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

using namespace problem;
using device::device_tensor;
using device::fixture;

namespace {

class Queue : public testing::Test {
protected:
    Queue() { device::standin_set("reset=1 devices=1 multiprocessors=2"); }
    ~Queue() override {
        EXPECT_EQ(device::standin_violations(), 0);
        device::standin_set("reset=1 devices=1");
    }
};

/* The norm over the gradients of all tensors; options_of[i] are those of the i-th. */
template <class T>
double norm_over(const std::vector<const nr_options *> &options_of, const std::vector<nr_tensor> &tensors) {
    for (double by : {1.0, 0x1p-600}) {
        double total = 0;
        for (size_t i = 0; i < tensors.size(); ++i) {
            if (tensors[i].gradient == nullptr)
                continue;
            const int64_t n = tensors[i].outer * tensors[i].rows * tensors[i].inner;
            std::vector<double> sums(size_t((n + 4'095) / 4'096));
            double *list = sums.data();
            int32_t nonfinite = 0;
            double sum = 0;
            EXPECT_EQ(nr_square_sums(options_of[i], 1, &tensors[i], by, &list, &nonfinite), NR_OK);
            EXPECT_EQ(nr_reduce(int64_t(sums.size()), list, &sum), NR_OK);
            total += sum;
        }
        if (by != 1.0 || !std::isinf(total) || sizeof(T) != 8)
            return std::sqrt(total) / by;
    }
    return 0;
}

template <class T>
void expect_clipped(double magnitude, double limit) {
    random_bits random(21);
    fixture at;
    options a(NR_ADAM, type_of<T>), b(NR_SGD, type_of<T>);
    a.how.clip_value = 1e300;
    b.how.gradient_scale = 0.5;
    std::vector<tensor<T>> all;
    for (int i = 0; i < 6; ++i) {
        const options &o = i < 3 ? a : b;
        all.emplace_back(random, o, i == 1 ? flat(20'000) : row_major(3, 5 + i), false, i % 2);
        all.back().step = 3;
        all.back().flags = i == 2 ? NR_CENTRALISE : 0;
        all.back().with_gradient = i != 4;
        for (T &x : all.back().g)
            x *= T(magnitude);
    }
    /* Each group's own options prepare its gradients. */
    const nr_options how[] = {a.view(), b.view()};
    std::vector<std::unique_ptr<device_tensor<T>>> there;
    std::vector<nr_tensor> views, host;
    for (auto &t : all) {
        there.push_back(std::make_unique<device_tensor<T>>(at, t));
        views.push_back(there.back()->view());
        host.push_back(t.view());
    }
    const nr_cuda_group groups[] = {{&how[0], views.data(), 3, limit}, {&how[1], views.data() + 3, 3, 0.0}};
    ASSERT_EQ(nr_cuda_step(at.queue, 2, groups, 0), NR_OK);
    std::vector<tensor<T>> got = all;
    for (size_t i = 0; i < all.size(); ++i)
        there[i]->fetch(got[i]);

    const double total = norm_over<T>({&how[0], &how[0], &how[0], &how[1], &how[1], &how[1]}, host);
    nr_options clipped = how[0];
    if (total > limit)
        clipped.clip_factor = limit / total;
    for (size_t i = 0; i < host.size(); ++i) {
        ASSERT_EQ(nr_step(i < 3 ? &clipped : &how[1], 1, &host[i]), NR_OK);
        ASSERT_EQ(difference(all[i], got[i]), "") << i << ", norm " << total;
    }
}

TEST_F(Queue, ClipsByTheNormOverAllGroups) {
    expect_clipped<float>(1, 0.25);
    expect_clipped<float>(1, 1e9);
    expect_clipped<double>(1, 0.25);
    expect_clipped<double>(1e200, 0.25);
}

/* More tensors than are added up at a time, in the order in which they are given. */
TEST_F(Queue, ClipsByTheNormOfManyTensors) {
    random_bits random(27);
    fixture at;
    const options o(NR_SGD, NR_FLOAT64);
    nr_options how = o.view();
    std::vector<tensor<double>> all;
    for (int i = 0; i < 1'300; ++i) {
        all.emplace_back(random, o, flat(1 + i % 7), false);
        all.back().with_gradient = i % 5 != 4;
        for (double &x : all.back().g)
            x = std::ldexp(x, pick(random, 40) - 20);
    }
    std::vector<std::unique_ptr<device_tensor<double>>> there;
    std::vector<nr_tensor> views, host;
    for (auto &t : all) {
        there.push_back(std::make_unique<device_tensor<double>>(at, t));
        views.push_back(there.back()->view());
        host.push_back(t.view());
    }
    const nr_cuda_group group = {&how, views.data(), int64_t(views.size()), 0.25};
    ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
    const double norm = norm_over<double>(std::vector<const nr_options *>(host.size(), &how), host);
    ASSERT_GT(norm, 0.25);
    how.clip_factor = 0.25 / norm;
    for (size_t i = 0; i < all.size(); ++i) {
        tensor<double> got = all[i];
        there[i]->fetch(got);
        ASSERT_EQ(nr_step(&how, 1, &host[i]), NR_OK);
        ASSERT_EQ(difference(all[i], got), "") << i;
    }
}

/* So large a tensor that the sums of its blocks are summed in blocks twice. */
TEST_F(Queue, ClipsByTheNormOfALargeTensor) {
    fixture at;
    constexpr int64_t n = int64_t{4'096} * 4'096 + 5'000;
    options o(NR_SGD, NR_FLOAT32);
    o.how.beta1 = 0;
    nr_options how = o.view();
    std::vector<float> want(size_t(n), 1.0f), gradient(size_t(n), 0.0f);
    for (int64_t i = 0; i < n; ++i)
        gradient[size_t(i)] = float(i % 1'013) * 0x1p-10f;
    void *p = nullptr, *g = nullptr;
    ASSERT_EQ(nr_cuda_allocate(at.device, n * 4, &p), NR_OK);
    ASSERT_EQ(nr_cuda_allocate(at.device, n * 4, &g), NR_OK);
    ASSERT_EQ(nr_cuda_copy(at.queue, p, want.data(), n * 4), NR_OK);
    ASSERT_EQ(nr_cuda_copy(at.queue, g, gradient.data(), n * 4), NR_OK);
    nr_tensor here = {};
    here.parameter = want.data();
    here.gradient = gradient.data();
    here.outer = here.rows = 1;
    here.inner = here.stride = n;
    here.step = 1;
    nr_tensor there = here;
    there.parameter = p;
    there.gradient = g;
    const nr_cuda_group group = {&how, &there, 1, 0.25};
    ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
    how.clip_factor = 0.25 / norm_over<float>({&how}, {here});
    ASSERT_EQ(nr_step(&how, 1, &here), NR_OK);
    std::vector<float> got(size_t(n), 0.0f);
    ASSERT_EQ(nr_cuda_copy(at.queue, got.data(), p, n * 4), NR_OK);
    EXPECT_EQ(std::memcmp(got.data(), want.data(), size_t(n) * 4), 0);
    EXPECT_EQ(nr_cuda_free(at.device, p), NR_OK);
    EXPECT_EQ(nr_cuda_free(at.device, g), NR_OK);
}

TEST_F(Queue, SkipsTheWholeStepAndSaysSo) {
    random_bits random(22);
    fixture at;
    for (int algorithm : algorithms) {
        options o(algorithm, NR_FLOAT32);
        o.followers = {{0.5, NR_FOLLOWER_LEADS, 0}};
        tensor<float> bad(random, o, row_major(4, 33), false), good(random, o, flat(20), false), silent = good;
        for (tensor<float> *t : {&bad, &good, &silent}) {
            t->step = 6;
            t->active = 1;
        }
        bad.flags = NR_CENTRALISE;
        bad.g[100] = std::numeric_limits<float>::quiet_NaN();
        silent.with_gradient = false;
        device_tensor<float> a(at, bad), b(at, good), c(at, silent);
        const nr_options how = o.view();
        const nr_tensor views[] = {a.view(), b.view(), c.view()};
        const nr_cuda_group group = {&how, views, 3, 0.0};
        int32_t skipped = 0;
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, NR_CUDA_SKIP_NONFINITE), NR_OK);
        ASSERT_EQ(nr_cuda_outcome(at.queue, &skipped), NR_OK);
        EXPECT_EQ(skipped, 1);
        for (auto pair : {std::make_pair(&a, &bad), std::make_pair(&b, &good), std::make_pair(&c, &silent)}) {
            tensor<float> got = *pair.second;
            pair.first->fetch(got);
            EXPECT_EQ(difference(*pair.second, got), "");
        }
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
        ASSERT_EQ(nr_cuda_outcome(at.queue, &skipped), NR_OK);
        EXPECT_EQ(skipped, 0);
    }
}

/* One launch, one more where some tensors are centralised and others not, however many there are. */
TEST_F(Queue, TakesFewLaunches) {
    random_bits random(23);
    fixture at;
    struct expectation {
        int algorithm;
        int count;
        bool mixed;
        shape s;
        int64_t launches;
    };
    for (const expectation &e :
         {expectation{NR_RADAM, 1, false, row_major(2, 3), 1}, expectation{NR_RADAM, 2'000, false, row_major(2, 3), 1},
          expectation{NR_RADAM, 2'000, true, row_major(2, 3), 2},
          expectation{NR_RADAM, 1, false, row_major(2, 4'096), 1},
          expectation{NR_RADAM, 1, false, row_major(2, 5'000), 3},
          expectation{NR_RADAM, 1, false, column_major(40, 50), 2},
          expectation{NR_SEED_RANGER, 1, false, flat(500), 8}}) {
        const options o(e.algorithm, NR_FLOAT32);
        const nr_options how = o.view();
        std::vector<tensor<float>> all;
        std::vector<std::unique_ptr<device_tensor<float>>> there;
        std::vector<nr_tensor> views;
        for (int i = 0; i < e.count; ++i) {
            tensor<float> t(random, o, e.s, false);
            t.step = 7;
            t.flags = (e.mixed && i % 2 == 0) || e.s.rows == 1 ? 0 : NR_CENTRALISE;
            there.push_back(std::make_unique<device_tensor<float>>(at, t));
            views.push_back(there.back()->view());
        }
        const nr_cuda_group group = {&how, views.data(), e.count, 0.0};
        /* Tables grow in the first step, and never again. */
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
        const int64_t before = device::standin_calls("cuLaunchKernel");
        const int64_t waits = device::standin_calls("cuStreamSynchronize");
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
        EXPECT_EQ(device::standin_calls("cuLaunchKernel") - before, e.launches) << e.count << " of " << e.s.inner;
        EXPECT_EQ(device::standin_calls("cuStreamSynchronize"), waits);
        ASSERT_EQ(nr_cuda_queue_wait(at.queue), NR_OK);
    }
}

/* Steps that the device has not begun are not written over by those that follow. */
TEST_F(Queue, ManyStepsBeforeTheFirstIsDone) {
    random_bits random(24);
    fixture at;
    options o(NR_SEED_RANGER, NR_FLOAT64);
    o.how.seed_period = 2;
    o.how.threshold = 4;
    tensor<double> want(random, o, flat(500), false);
    for (int j = 0; j < 4; ++j)
        std::fill(want.state(j).begin(), want.state(j).end(), 0.0);
    device_tensor<double> there(at, want);
    nr_options how = o.view();
    /* Gradients of 0 let the smoothed mean fall, so that every branch is met. */
    const auto change = [&how](int64_t t) {
        how.learning_rate = 0.1 / double(t);
        how.gradient_scale = t % 16 > 8 ? 0.0 : 1.0;
    };
    for (int64_t t = 1; t <= 40; ++t) {
        change(t);
        nr_tensor view = there.view();
        view.step = t;
        const nr_cuda_group group = {&how, &view, 1, 0.0};
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
    }
    tensor<double> got = want;
    there.fetch(got);
    for (int64_t t = 1; t <= 40; ++t) {
        change(t);
        want.step = t;
        const nr_tensor now = want.view();
        ASSERT_EQ(nr_step(&how, 1, &now), NR_OK);
    }
    EXPECT_EQ(difference(want, got), "");
    EXPECT_EQ(want.scalars[3], 1) << "the slow moments are to be in use";
}

/* A stream of somebody else's is used as it is, and outlives the queue. */
TEST_F(Queue, AdoptsAStream) {
    random_bits random(25);
    fixture at;
    nr_cuda_queue *own = nullptr, *adopted = nullptr;
    ASSERT_EQ(nr_cuda_queue_create(at.device, &own), NR_OK);
    nr_cuda_queue *foreign = nullptr;
    void *stream = nullptr;
    ASSERT_EQ(nr_cuda_queue_create(at.device, &foreign), NR_OK);
    ASSERT_EQ(nr_cuda_queue_stream(foreign, &stream), NR_OK);
    ASSERT_EQ(nr_cuda_queue_adopt(at.device, stream, &adopted), NR_OK);
    const options o(NR_SGD, NR_FLOAT32);
    tensor<float> want(random, o, flat(300), false);
    device_tensor<float> there(at, want);
    const nr_options how = o.view();
    const nr_tensor view = there.view();
    const nr_cuda_group group = {&how, &view, 1, 0.0};
    /* Each queue waits, on the device, for what the one before it has been given. */
    ASSERT_EQ(nr_cuda_queue_follow(adopted, at.queue), NR_OK);
    ASSERT_EQ(nr_cuda_step(adopted, 1, &group, 0), NR_OK);
    ASSERT_EQ(nr_cuda_queue_follow(own, adopted), NR_OK);
    ASSERT_EQ(nr_cuda_step(own, 1, &group, 0), NR_OK);
    ASSERT_EQ(nr_cuda_queue_follow(at.queue, own), NR_OK);
    tensor<float> got = want;
    there.fetch(got);
    for (int i = 0; i < 2; ++i) {
        const nr_tensor t = want.view();
        ASSERT_EQ(nr_step(&how, 1, &t), NR_OK);
    }
    EXPECT_EQ(difference(want, got), "");
    EXPECT_EQ(nr_cuda_queue_free(own), NR_OK);
    EXPECT_EQ(nr_cuda_queue_free(adopted), NR_OK);
    EXPECT_EQ(nr_cuda_queue_wait(foreign), NR_OK);
    EXPECT_EQ(nr_cuda_queue_free(foreign), NR_OK);
}

TEST_F(Queue, KnowsWhoseMemoryItIs) {
    device::standin_set("devices=2");
    fixture first(0), second(1);
    void *mine = nullptr, *pinned = nullptr;
    ASSERT_EQ(nr_cuda_allocate(first.device, 1'000, &mine), NR_OK);
    ASSERT_EQ(nr_cuda_allocate_host(first.device, 1'000, &pinned), NR_OK);
    char pageable[8];
    char *inside = static_cast<char *>(mine) + 600;
    EXPECT_EQ(nr_cuda_check_memory(first.device, mine, 1'000), NR_OK);
    EXPECT_EQ(nr_cuda_check_memory(first.device, inside, 400), NR_OK);
    EXPECT_EQ(nr_cuda_check_memory(first.device, inside, 401), NR_CUDA_E_POINTER);
    EXPECT_EQ(nr_cuda_check_memory(second.device, mine, 8), NR_CUDA_E_POINTER);
    EXPECT_EQ(nr_cuda_check_memory(first.device, pageable, 8), NR_CUDA_E_POINTER);
    EXPECT_EQ(nr_cuda_check_memory(first.device, pinned, 8), NR_CUDA_E_POINTER);
    EXPECT_EQ(nr_cuda_check_memory(first.device, nullptr, 0), NR_OK);
    for (const auto &[context, expected] : {std::make_pair(1, int(NR_CUDA_E_POINTER)), std::make_pair(2, int(NR_OK))}) {
        void *other = nullptr;
        device::standin_set(("context=" + std::to_string(context)).c_str());
        ASSERT_EQ(nr_cuda_allocate(first.device, 100, &other), NR_OK);
        device::standin_set("context=0");
        EXPECT_EQ(nr_cuda_check_memory(first.device, other, 100), expected);
        EXPECT_EQ(nr_cuda_free(first.device, other), NR_OK);
    }
    EXPECT_EQ(nr_cuda_free(first.device, mine), NR_OK);
    EXPECT_EQ(nr_cuda_free_host(first.device, pinned), NR_OK);
}

TEST_F(Queue, RefusesWhatTheProcessorRefuses) {
    random_bits random(26);
    fixture at;
    options o(NR_SGD, NR_FLOAT32);
    tensor<float> start(random, o, flat(10), false);
    device_tensor<float> there(at, start);
    nr_options how = o.view();
    nr_tensor t = there.view();
    nr_cuda_group group = {&how, &t, 1, 0.0};
    const auto step = [&](uint32_t flags = 0) { return nr_cuda_step(at.queue, 1, &group, flags); };
    EXPECT_EQ(nr_cuda_step(nullptr, 1, &group, 0), NR_E_NULL);
    EXPECT_EQ(nr_cuda_step(at.queue, 1, nullptr, 0), NR_E_NULL);
    EXPECT_EQ(nr_cuda_step(at.queue, -1, &group, 0), NR_E_LENGTH);
    EXPECT_EQ(step(2), NR_E_ABI);
    group.clip_norm = -1;
    EXPECT_EQ(step(), NR_E_OPTION);
    group.clip_norm = 1;
    how.clip_factor = 0.5;
    EXPECT_EQ(step(), NR_E_OPTION);
    how.clip_factor = 1;
    t.outer = 2, t.inner = 2, t.stride = 4;
    EXPECT_EQ(step(), NR_E_LENGTH);
    t = there.view();
    t.gradient = t.parameter;
    EXPECT_EQ(step(), NR_E_OVERLAP);
    t = there.view();
    options other(NR_SGD, NR_FLOAT64);
    const nr_options wide = other.view();
    const nr_cuda_group two[] = {group, {&wide, nullptr, 0, 0.0}};
    EXPECT_EQ(nr_cuda_step(at.queue, 2, two, 0), NR_E_TYPE);
    how.learning_rate = -1;
    EXPECT_EQ(step(), NR_E_OPTION);
    tensor<float> got = start;
    there.fetch(got);
    EXPECT_EQ(difference(start, got), "");
}

/* Elements beyond 2^31, without allocating them: runs of rows of 3 elements, or of rows side by side, 2^31 apart, in address
 * space that is only reserved. */
TEST_F(Queue, IndicesBeyondTwoToThe31) {
    device::standin_set("multiprocessors=1");
    fixture at;
    constexpr int64_t stride = int64_t{1} << 31;
    constexpr int64_t runs = 3;
    for (const auto &[rows, inner] :
         {std::make_pair(int64_t{1}, int64_t{3}), std::make_pair(int64_t{40}, int64_t{1})}) {
        options o(NR_SGD, NR_FLOAT32);
        o.how.beta1 = 0;
        void *p = nullptr, *g = nullptr;
        const int64_t bytes = ((runs - 1) * stride + rows * inner) * 4;
        ASSERT_EQ(nr_cuda_allocate(at.device, bytes, &p), NR_OK);
        ASSERT_EQ(nr_cuda_allocate(at.device, bytes, &g), NR_OK);
        nr_tensor t = {};
        t.parameter = p;
        t.gradient = g;
        t.outer = runs, t.rows = rows, t.inner = inner, t.stride = stride;
        t.step = 1;
        t.flags = NR_CENTRALISE;
        const auto gradient = [n = inner](int64_t run, int64_t row, int64_t i) { return float(n * run + i + 7 * row); };
        const auto for_all = [&, r = rows, n = inner](const auto &what) {
            for (int64_t run = 0; run < runs; ++run)
                for (int64_t row = 0; row < r; ++row)
                    for (int64_t i = 0; i < n; ++i)
                        what(run * stride + row * n + i, run, gradient(run, row, i), row);
        };
        for_all([&](int64_t e, int64_t run, float value, int64_t) {
            static_cast<float *>(p)[e] = float(run);
            static_cast<float *>(g)[e] = value;
        });
        const nr_options how = o.view();
        const nr_cuda_group group = {&how, &t, 1, 0.0};
        ASSERT_EQ(nr_cuda_step(at.queue, 1, &group, 0), NR_OK);
        ASSERT_EQ(nr_cuda_queue_wait(at.queue), NR_OK);
        /* The mean of inner * runs consecutive numbers. */
        for_all([&, n = inner](int64_t e, int64_t run, float value, int64_t row) {
            const float mean = float(7 * row) + float(n * runs - 1) / 2;
            EXPECT_EQ(static_cast<float *>(p)[e], float(run) - 1e-2f * (value - mean)) << run << ' ' << row;
        });
        EXPECT_EQ(nr_cuda_free(at.device, p), NR_OK);
        EXPECT_EQ(nr_cuda_free(at.device, g), NR_OK);
    }
}

} // namespace

TEST_F(Queue, AContextIsCurrentBetweenEnterAndLeave) {
    const fixture at;
    const auto synchronize = reinterpret_cast<int (*)(void *)>(dlsym(dlopen(STANDIN, RTLD_NOW), "cuStreamSynchronize"));
    constexpr int invalid_context = 201;
    EXPECT_EQ(synchronize(nullptr), invalid_context);
    ASSERT_EQ(nr_cuda_enter(at.device), NR_OK);
    EXPECT_EQ(synchronize(nullptr), 0);
    ASSERT_EQ(nr_cuda_leave(at.device), NR_OK);
    EXPECT_EQ(synchronize(nullptr), invalid_context);
    EXPECT_EQ(nr_cuda_enter(nullptr), NR_E_NULL);
    EXPECT_EQ(nr_cuda_leave(nullptr), NR_E_NULL);
}
