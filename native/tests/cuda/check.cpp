/* nr_cuda_check: is the GPU of this machine right, and how fast is it? Needs no .NET.
 *
 *     nr_cuda_check [--device N] [--driver FILE] [--rounds N] [--bench] [--elements N] [--json FILE]
 *
 * Compares every kernel with the processor bit for bit, over random and hostile inputs. With --bench it then says what the
 * driver's compiler made of each kernel, and measures steps against copies within the device's memory, which move as many
 * bytes. Ends with a line that counts differences. */
#include "device_tensor.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

using namespace problem;

namespace {

struct settings {
    int device = 0;
    const char *driver = nullptr;
    int rounds = 400;
    bool bench = false;
    const char *json = nullptr;
    int64_t elements = int64_t{1} << 28;
};

[[noreturn]] void stop(const char *what, nr_status status, nr_cuda_device *device = nullptr) {
    char why[1024] = "";
    if (device != nullptr)
        nr_cuda_failure(device, why, sizeof why);
    std::fprintf(stderr, "%s: %s (%s) %s\n", what, nr_cuda_status_text(status), nr_cuda_status_name(status), why);
    std::exit(2);
}

class gpu {
public:
    explicit gpu(const settings &s) {
        char why[1024] = "";
        const auto begin = std::chrono::steady_clock::now();
        const nr_status status = nr_cuda_open(s.driver, s.device, &device, why, sizeof why);
        if (status != NR_OK) {
            std::fprintf(stderr, "no GPU: %s\n", why);
            std::exit(3);
        }
        opened_in = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        require(nr_cuda_queue_create(device, &queue), "queue");
        nr_cuda_describe(device, &about);
    }
    ~gpu() {
        nr_cuda_queue_free(queue);
        nr_cuda_close(device);
    }
    gpu(const gpu &) = delete;
    gpu &operator=(const gpu &) = delete;

    void require(nr_status status, const char *what) const {
        if (status != NR_OK)
            stop(what, status, device);
    }
    void *allocate(int64_t bytes) const {
        void *memory = nullptr;
        require(nr_cuda_allocate(device, bytes, &memory), "allocate");
        return memory;
    }
    void wait() const { require(nr_cuda_queue_wait(queue), "wait"); }

    nr_cuda_device *device = nullptr;
    nr_cuda_queue *queue = nullptr;
    nr_cuda_about about = {};
    double opened_in = 0; /* seconds, most of them the driver's compiler's, or its cache's */
};

/* ---- bits ---------------------------------------------------------------------------------------------------------- */

struct tally {
    int64_t tensors = 0;
    int64_t differences = 0;
};

/* The norm over the gradients of all tensors. */
template <class T>
double norm_over(const nr_options &how, std::vector<tensor<T>> &all) {
    double total = 0;
    for (tensor<T> &t : all) {
        std::vector<double> sums(size_t((t.extents().elements() + 4'095) / 4'096));
        if (sums.empty())
            continue;
        const nr_tensor view = t.view();
        double *list = sums.data();
        double sum = 0;
        int32_t nonfinite = 0;
        if (nr_square_sums(&how, 1, &view, 1.0, &list, &nonfinite) != NR_OK ||
            nr_reduce(int64_t(sums.size()), list, &sum) != NR_OK)
            stop("the processor's norm", NR_E_OPTION);
        total += sum;
    }
    return std::sqrt(total);
}

/* clip_norm: 0, or what the norm over all gradients is clipped to. */
template <class T>
void step_on_both(const gpu &at, const options &o, std::vector<tensor<T>> &all, uint32_t flags, tally &count,
                  double clip_norm = 0) {
    nr_options how = o.view();
    std::vector<std::unique_ptr<device::device_tensor<T>>> there;
    std::vector<nr_tensor> views;
    for (tensor<T> &t : all) {
        there.push_back(std::make_unique<device::device_tensor<T>>(at, t));
        views.push_back(there.back()->view());
    }
    const nr_cuda_group group = {&how, views.data(), int64_t(views.size()), clip_norm};
    at.require(nr_cuda_step(at.queue, 1, &group, flags), "step");
    int32_t skipped = 0;
    at.require(nr_cuda_outcome(at.queue, &skipped), "outcome");
    if (clip_norm != 0) {
        const double norm = norm_over(how, all);
        how.clip_factor = norm > clip_norm ? clip_norm / norm : 1.0;
    }
    for (size_t i = 0; i < all.size(); ++i) {
        tensor<T> got = all[i];
        there[i]->fetch(got);
        const nr_tensor t = all[i].view();
        if (skipped == 0 && nr_step(&how, 1, &t) != NR_OK)
            stop("the processor's step", NR_E_OPTION);
        const std::string found = difference(all[i], got);
        ++count.tensors;
        if (!found.empty() && ++count.differences <= 20)
            std::printf("DIFFERS %s: %s\n", describe(o, all[i].extents(), NR_ISA_SCALAR).c_str(), found.c_str());
    }
}

/* Centralised rows: in shared memory, too long for it, and side by side. */
template <class T>
void check_rows(const gpu &at, random_bits &random, bool large, tally &count) {
    std::vector<shape> shapes = {row_major(1, 4'096),   row_major(2, 1'366),  row_major(1, 4'097), row_major(40, 100),
                                 column_major(40, 100), column_major(70, 20), shape{5, 40, 3, 125}};
    if (large)
        shapes.insert(shapes.end(), {row_major(900, 4'096), row_major(600, 4'100), row_major(20'000, 100),
                                     column_major(4'096, 600), column_major(33, 20'000)});
    for (int algorithm : {NR_SGD, NR_ADAGRAD, NR_ADAM, NR_RADAM})
        for (uint32_t flags : {uint32_t{NR_CENTRALISE}, uint32_t{NR_STANDARDISE}}) {
            options o(algorithm, type_of<T>);
            o.followers = {{0.5, NR_FOLLOWER_LEADS, 0}};
            std::vector<tensor<T>> all;
            for (const shape &s : shapes) {
                all.emplace_back(random, o, s, false, int(all.size() % 2));
                all.back().step = 6;
                all.back().active = 1;
                all.back().flags = flags;
            }
            step_on_both(at, o, all, 0, count);
        }
}

/* Many tensors, one of which is summed in several rounds. */
template <class T>
void check_norms(const gpu &at, random_bits &random, bool large, tally &count) {
    const options o(NR_SGD, type_of<T>);
    std::vector<tensor<T>> all;
    for (int i = 0; i < 520; ++i)
        all.emplace_back(random, o, flat(i == 100 ? large ? 17'000'000 : 9'000 : 1 + i % 50), false);
    step_on_both(at, o, all, 0, count, 0.25);
}

template <class T>
void check_bits(const gpu &at, const settings &s, tally &count) {
    random_bits random(sizeof(T));
    for (int round = 0; round < s.rounds; ++round) {
        const int algorithm = algorithms[round % 5];
        const options o = random_options(random, algorithm, type_of<T>);
        std::vector<tensor<T>> all;
        for (int i = 0; i < 8; ++i) {
            const bool large = round % 20 == 19 && i == 0;
            const shape any = large ? row_major(3, 30'011) : random_shape(random, 40, algorithm == NR_SEED_RANGER);
            all.push_back(random_tensor<T>(random, o, any, round % 2 == 0));
        }
        step_on_both(at, o, all, 0, count);
    }
    for (int algorithm : algorithms) {
        const options o(algorithm, type_of<T>);
        std::vector<tensor<T>> all;
        for (int64_t n = 0; n <= 257; ++n) {
            all.emplace_back(random, o, flat(n), false, int(n % 5));
            all.back().step = 7;
        }
        step_on_both(at, o, all, NR_CUDA_SKIP_NONFINITE, count);
    }
    const bool large = s.rounds >= 100;
    check_rows<T>(at, random, large, count);
    check_norms<T>(at, random, large, count);
}

/* ---- speed --------------------------------------------------------------------------------------------------------- */

struct figure {
    std::string name;
    double bytes;
    double seconds;
    double fraction; /* of the copy's bandwidth */
    double required; /* of it; 0: nothing is */
    double host;     /* seconds that the call itself takes */
};

double median(std::vector<double> &times) {
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/* The median time of many runs, between which nothing else is in the queue. */
template <class Work>
double median_seconds(const gpu &at, const Work &work) {
    constexpr int runs = 15;
    work();
    at.wait();
    std::vector<double> times;
    for (int i = 0; i < runs; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        work();
        at.wait();
        times.push_back(seconds_since(begin));
    }
    return median(times);
}

/* What is stepped together: count tensors of a shape. */
struct workload {
    std::string name;
    int32_t algorithm;
    int64_t count;
    shape s;
    uint32_t flags;
    int period; /* of slow weights; 0: none */
    double clip_norm;
    double bytes_per_element; /* that a step has to move */
    double required;
};

figure measure_steps(const gpu &at, const workload &w, double copy_rate) {
    options o(w.algorithm, NR_FLOAT32);
    const int64_t count = w.count;
    const int period = w.period;
    const shape &s = w.s;
    if (period != 0)
        o.followers = {{0.5, NR_FOLLOWER_LEADS, 0}};
    const nr_options how = o.view();
    const int64_t arrays = period != 0 ? 5 : 4;
    const int64_t pitch = (s.elements() * 4 + 255) / 256 * 256;
    auto *memory = static_cast<char *>(at.allocate(count * arrays * pitch));
    at.require(nr_cuda_clear(at.queue, memory, count * arrays * pitch), "clear");
    std::vector<nr_tensor> tensors(static_cast<size_t>(count));
    std::vector<nr_follower_buffers> buffers(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
        char *at_array = memory + i * arrays * pitch;
        nr_tensor &t = tensors[size_t(i)];
        t = {};
        t.parameter = at_array;
        t.gradient = at_array + pitch;
        t.state[0] = at_array + 2 * pitch;
        t.state[1] = at_array + 3 * pitch;
        buffers[size_t(i)] = {at_array + 4 * pitch, nullptr};
        t.followers = &buffers[size_t(i)];
        t.outer = s.outer, t.rows = s.rows, t.inner = s.inner, t.stride = s.stride;
        t.flags = w.flags;
    }
    int64_t step = 10;
    const int steps = period != 0 ? period : 4;
    std::vector<double> calls;
    const double seconds =
        median_seconds(at,
                       [&] {
                           for (int i = 0; i < steps; ++i, ++step) {
                               for (nr_tensor &t : tensors) {
                                   t.step = step;
                                   t.active = period != 0 && step % period == 0 ? 1 : 0;
                               }
                               const nr_cuda_group group = {&how, tensors.data(), count, w.clip_norm};
                               const auto begin = std::chrono::steady_clock::now();
                               at.require(nr_cuda_step(at.queue, 1, &group, 0), "step");
                               calls.push_back(seconds_since(begin));
                           }
                       }) /
        steps;
    nr_cuda_free(at.device, memory);
    const double bytes = w.bytes_per_element * double(count * s.elements());
    return {w.name, bytes, seconds, bytes / seconds / copy_rate, w.required, median(calls)};
}

std::vector<figure> bench(const gpu &at, const settings &s) {
    constexpr int copies = 4;
    const int64_t bytes = s.elements * 4;
    void *from = at.allocate(bytes), *to = at.allocate(bytes);
    at.require(nr_cuda_clear(at.queue, from, bytes), "clear");
    const double seconds = median_seconds(at,
                                          [&] {
                                              for (int i = 0; i < copies; ++i)
                                                  at.require(nr_cuda_copy(at.queue, to, from, bytes), "device copy");
                                          }) /
                           copies;
    nr_cuda_free(at.device, from);
    nr_cuda_free(at.device, to);
    const double rate = 2.0 * double(bytes) / seconds;

    const int64_t n = s.elements;
    const int64_t tensors = std::min(n / 10'000, int64_t{1'000});
    const auto rows = [n](int64_t length) { return row_major(std::max(n / length, int64_t{1}), length); };
    const std::string many = ", " + std::to_string(tensors) + " tensors of 10,000";
    const double ranger = 28 + 8.0 / 6;
    const workload all[] = {
        {"RAdam", NR_RADAM, 1, flat(n), 0, 0, 0, 28, 0.93},
        {"Adam", NR_ADAM, 1, flat(n), 0, 0, 0, 28, 0},
        {"AdaGrad", NR_ADAGRAD, 1, flat(n), 0, 0, 0, 20, 0},
        {"momentum", NR_SGD, 1, flat(n), 0, 0, 0, 20, 0},
        {"Ranger, rows of 4,096", NR_RADAM, 1, rows(4'096), NR_CENTRALISE, 6, 0, ranger, 0.93},
        {"Ranger, rows of 256", NR_RADAM, 1, rows(256), NR_CENTRALISE, 6, 0, ranger, 0},
        {"Ranger, rows of 16,384", NR_RADAM, 1, rows(16'384), NR_CENTRALISE, 6, 0, ranger, 0},
        {"Ranger, columns of 4,096", NR_RADAM, 1, column_major(4'096, std::max(n / 4'096, int64_t{2})), NR_CENTRALISE,
         6, 0, ranger, 0},
        {"RAdam, clipped by its norm", NR_RADAM, 1, flat(n), 0, 0, 1, 32, 0},
        {"RAdam" + many, NR_RADAM, tensors, flat(10'000), 0, 0, 0, 28, 0.6},
        {"Adam" + many, NR_ADAM, tensors, flat(10'000), 0, 0, 0, 28, 0},
        {"RAdam, clipped by its norm" + many, NR_RADAM, tensors, flat(10'000), 0, 0, 1, 32, 0},
        {"RAdam, one tensor of 1,000", NR_RADAM, 1, flat(1'000), 0, 0, 0, 28, 0},
        {"Ranger, one tensor of 10 x 100", NR_RADAM, 1, row_major(10, 100), NR_CENTRALISE, 6, 0, ranger, 0},
    };
    std::vector<figure> figures = {{"copy, read and write", 2.0 * double(bytes), seconds, 1.0, 0, 0}};
    for (const workload &w : all)
        figures.push_back(measure_steps(at, w, rate));
    return figures;
}

std::vector<nr_cuda_kernel_about> describe_kernels(const gpu &at) {
    std::vector<nr_cuda_kernel_about> all;
    nr_cuda_kernel_about about = {};
    while (nr_cuda_describe_kernel(at.device, int32_t(all.size()), &about) == NR_OK)
        all.push_back(about);
    return all;
}

void print(const std::vector<nr_cuda_kernel_about> &kernels) {
    std::printf("\n| kernel | registers | local bytes | shared bytes | blocks at a time |\n|---|---|---|---|---|\n");
    for (const nr_cuda_kernel_about &k : kernels)
        std::printf("| %s | %d | %d | %d | %d |\n", k.name, k.registers, k.local_bytes, k.shared_bytes, k.blocks);
}

void print(const std::vector<figure> &figures) {
    std::printf("\n| what | us | us of the call | GB/s | of copy | asked for |\n|---|---|---|---|---|---|\n");
    for (const figure &f : figures) {
        std::printf("| %s | %.1f | %.1f | %.0f | %.3f |", f.name.c_str(), f.seconds * 1e6, f.host * 1e6,
                    f.bytes / f.seconds * 1e-9, f.fraction);
        if (f.required == 0)
            std::printf(" |\n");
        else
            std::printf(" %.2f: %s |\n", f.required, f.fraction >= f.required ? "reached" : "missed");
    }
}

/* The objects of a list, one a line. */
template <class X, class Write>
void write_list(FILE *file, const char *name, const std::vector<X> &list, const Write &write) {
    std::fprintf(file, ",\n  \"%s\": [", name);
    for (size_t i = 0; i < list.size(); ++i) {
        std::fprintf(file, "%s\n    {", i == 0 ? "" : ",");
        write(list[i]);
        std::fprintf(file, "}");
    }
    std::fprintf(file, "%s]", list.empty() ? "" : "\n  ");
}

void write_json(const settings &s, const gpu &at, const tally &count, const std::vector<nr_cuda_kernel_about> &kernels,
                const std::vector<figure> &figures) {
    FILE *file = std::fopen(s.json, "w");
    if (file == nullptr) {
        std::perror(s.json);
        std::exit(2);
    }
    std::fprintf(file,
                 "{\n  \"device\": \"%s\",\n  \"capability\": %d,\n  \"driver\": %d,\n  \"library\": \"%s\",\n"
                 "  \"openedInSeconds\": %.3f,\n  \"tensors\": %lld,\n  \"differences\": %lld",
                 at.about.name, at.about.capability, at.about.driver_version, nr_version(), at.opened_in,
                 (long long)count.tensors, (long long)count.differences);
    write_list(file, "kernels", kernels, [file](const nr_cuda_kernel_about &k) {
        std::fprintf(file,
                     "\"name\": \"%s\", \"registers\": %d, \"localBytes\": %d, \"sharedBytes\": %d, \"blocks\": %d",
                     k.name, k.registers, k.local_bytes, k.shared_bytes, k.blocks);
    });
    write_list(file, "figures", figures, [file](const figure &f) {
        std::fprintf(file,
                     "\"name\": \"%s\", \"bytes\": %.0f, \"seconds\": %.9f, \"hostSeconds\": %.9f, "
                     "\"ofCopyBandwidth\": %.4f, \"required\": %.2f",
                     f.name.c_str(), f.bytes, f.seconds, f.host, f.fraction, f.required);
    });
    std::fprintf(file, "\n}\n");
    std::fclose(file);
}

settings read(int count, char **arguments) {
    settings s;
    for (int i = 1; i < count; ++i) {
        const std::string name = arguments[i];
        const char *value = i + 1 < count ? arguments[i + 1] : nullptr;
        if (name == "--bench") {
            s.bench = true;
            continue;
        }
        if (value == nullptr) {
            std::fprintf(stderr, "nr_cuda_check [--device N] [--driver FILE] [--rounds N] [--bench] [--elements N] "
                                 "[--json FILE]\n");
            std::exit(2);
        }
        ++i;
        if (name == "--device")
            s.device = std::atoi(value);
        else if (name == "--driver")
            s.driver = value;
        else if (name == "--rounds")
            s.rounds = std::atoi(value);
        else if (name == "--elements")
            s.elements = std::atoll(value);
        else if (name == "--json")
            s.json = value;
        else {
            std::fprintf(stderr, "unknown option %s\n", name.c_str());
            std::exit(2);
        }
    }
    return s;
}

int run(int argument_count, char **arguments) {
    const settings s = read(argument_count, arguments);
    const gpu at(s);
    std::printf("%s, compute capability %d.%d, CUDA %d.%d, opened in %.2f s\n", at.about.name, at.about.capability / 10,
                at.about.capability % 10, at.about.driver_version / 1000, at.about.driver_version % 1000 / 10,
                at.opened_in);
    tally count;
    check_bits<float>(at, s, count);
    check_bits<double>(at, s, count);
    std::vector<nr_cuda_kernel_about> kernels;
    std::vector<figure> figures;
    if (s.bench) {
        kernels = describe_kernels(at);
        print(kernels);
        figures = bench(at, s);
        print(figures);
    }
    if (s.json != nullptr)
        write_json(s, at, count, kernels, figures);
    std::printf("\n%lld tensors compared, %lld differences\n", (long long)count.tensors, (long long)count.differences);
    return count.differences == 0 ? 0 : 1;
}

} // namespace

int main(int argument_count, char **arguments) {
    try {
        return run(argument_count, arguments);
    } catch (const std::exception &e) {
        std::fprintf(stderr, "nr_cuda_check: %s\n", e.what());
        return 2;
    }
}
