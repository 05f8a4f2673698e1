/* nr_cuda_check: is the GPU of this machine right, and how fast is it? Needs no .NET.
 *
 *     nr_cuda_check [--device N] [--driver FILE] [--rounds N] [--bench] [--json FILE]
 *
 * Compares every kernel with the processor bit for bit, over random and hostile inputs. With --bench it then measures steps
 * against copies within the device's memory, which move as many bytes. Ends with a line that counts differences. */
#include "nativeranger_cuda.h"
#include "problem.h"

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
        const nr_status status = nr_cuda_open(s.driver, s.device, &device, why, sizeof why);
        if (status != NR_OK) {
            std::fprintf(stderr, "no GPU: %s\n", why);
            std::exit(3);
        }
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
};

/* A problem's tensor with all its arrays in one piece of device memory, as far from aligned addresses as on the host. */
template <class T>
class placed {
public:
    placed(const gpu &at, tensor<T> &from) : at_(at) {
        int64_t bytes = 0;
        for_arrays(from, [&](char *, void *, int64_t n) { bytes += room(n); });
        memory_ = static_cast<char *>(at.allocate(bytes));
        std::vector<char *> places;
        for_arrays(from, [&](char *to, void *host, int64_t n) {
            at.require(nr_cuda_copy(at.queue, to, host, n), "copy");
            places.push_back(to);
        });
        view = from.view();
        const auto skew = int64_t(from.skew() * sizeof(T));
        view.parameter = places[0] + skew;
        view.gradient = from.with_gradient ? places[1] + skew : nullptr;
        for (int j = 0; j < 4; ++j)
            view.state[j] = places[size_t(2 + j)] + skew;
        for (size_t i = 0; i < from.followers.size(); ++i)
            buffers_.push_back({places[6 + 2 * i] + skew, places[7 + 2 * i] + skew});
        view.followers = buffers_.data();
        view.scalars = reinterpret_cast<double *>(places.back());
    }
    ~placed() { nr_cuda_free(at_.device, memory_); }
    placed(const placed &) = delete;
    placed &operator=(const placed &) = delete;

    void fetch(tensor<T> &into) const {
        for_arrays(into, [&](char *from, void *host, int64_t n) {
            at_.require(nr_cuda_copy(at_.queue, host, from, n), "copy");
        });
        at_.wait();
    }

    nr_tensor view = {};

private:
    static int64_t room(int64_t bytes) { return (bytes + 255) / 256 * 256 + 256; }

    template <class Move>
    void for_arrays(tensor<T> &t, const Move &move) const {
        char *at = memory_;
        auto array = [&](void *values, size_t bytes) {
            move(at, values, int64_t(bytes));
            at += room(int64_t(bytes));
        };
        array(t.p.data(), t.p.size() * sizeof(T));
        array(t.g.data(), t.g.size() * sizeof(T));
        for (int j = 0; j < 4; ++j)
            array(t.state(j).data(), t.state(j).size() * sizeof(T));
        for (size_t i = 0; i < t.followers.size(); ++i) {
            array(t.followers[i].data(), t.followers[i].size() * sizeof(T));
            array(t.momenta[i].data(), t.momenta[i].size() * sizeof(T));
        }
        array(t.scalars, sizeof t.scalars);
    }

    const gpu &at_;
    char *memory_ = nullptr;
    std::vector<nr_follower_buffers> buffers_;
};

/* ---- bits ---------------------------------------------------------------------------------------------------------- */

struct tally {
    int64_t tensors = 0;
    int64_t differences = 0;
};

template <class T>
void step_on_both(const gpu &at, const options &o, std::vector<tensor<T>> &all, uint32_t flags, tally &count) {
    nr_options how = o.view();
    std::vector<std::unique_ptr<placed<T>>> there;
    std::vector<nr_tensor> views;
    for (tensor<T> &t : all) {
        there.push_back(std::make_unique<placed<T>>(at, t));
        views.push_back(there.back()->view);
    }
    const nr_cuda_group group = {&how, views.data(), int64_t(views.size()), 0.0};
    at.require(nr_cuda_step(at.queue, 1, &group, flags), "step");
    int32_t skipped = 0;
    at.require(nr_cuda_outcome(at.queue, &skipped), "outcome");
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
}

/* ---- speed --------------------------------------------------------------------------------------------------------- */

struct figure {
    std::string name;
    double bytes;
    double seconds;
    double fraction; /* of the copy's bandwidth */
};

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
        times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    std::sort(times.begin(), times.end());
    return times[runs / 2];
}

/* count tensors of rows x length, stepped together; bytes are those that a step has to move for an element. */
figure measure_steps(const gpu &at, const char *name, int32_t algorithm, int64_t count, shape s, uint32_t flags,
                     int period, double bytes_per_element, double copy_rate) {
    options o(algorithm, NR_FLOAT32);
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
        t.flags = flags;
    }
    int64_t step = 10;
    const int steps = period != 0 ? period : 4;
    const double seconds = median_seconds(at,
                                          [&] {
                                              for (int i = 0; i < steps; ++i, ++step) {
                                                  for (nr_tensor &t : tensors) {
                                                      t.step = step;
                                                      t.active = period != 0 && step % period == 0 ? 1 : 0;
                                                  }
                                                  const nr_cuda_group group = {&how, tensors.data(), count, 0.0};
                                                  at.require(nr_cuda_step(at.queue, 1, &group, 0), "step");
                                              }
                                          }) /
                           steps;
    nr_cuda_free(at.device, memory);
    const double bytes = bytes_per_element * double(count * s.elements());
    return {name, bytes, seconds, bytes / seconds / copy_rate};
}

std::vector<figure> bench(const gpu &at, const settings &s) {
    const int64_t bytes = s.elements * 4;
    void *from = at.allocate(bytes), *to = at.allocate(bytes);
    at.require(nr_cuda_clear(at.queue, from, bytes), "clear");
    const double seconds =
        median_seconds(at, [&] { at.require(nr_cuda_copy(at.queue, to, from, bytes), "device copy"); });
    nr_cuda_free(at.device, from);
    nr_cuda_free(at.device, to);
    const double rate = 2.0 * double(bytes) / seconds;
    std::vector<figure> all = {{"copy, read and write", 2.0 * double(bytes), seconds, 1.0}};
    const int64_t n = s.elements;
    all.push_back(measure_steps(at, "RAdam", NR_RADAM, 1, flat(n), 0, 0, 28, rate));
    all.push_back(measure_steps(at, "Adam", NR_ADAM, 1, flat(n), 0, 0, 28, rate));
    all.push_back(measure_steps(at, "AdaGrad", NR_ADAGRAD, 1, flat(n), 0, 0, 20, rate));
    all.push_back(measure_steps(at, "momentum", NR_SGD, 1, flat(n), 0, 0, 20, rate));
    all.push_back(measure_steps(at, "Ranger, rows of 4,096", NR_RADAM, 1, row_major(n / 4096, 4096), NR_CENTRALISE, 6,
                                28 + 8.0 / 6, rate));
    const int64_t tensors = std::min(n / 10'000, int64_t{1'000});
    all.push_back(measure_steps(at, ("RAdam, " + std::to_string(tensors) + " tensors of 10,000").c_str(), NR_RADAM,
                                tensors, flat(10'000), 0, 0, 28, rate));
    all.push_back(measure_steps(at, "RAdam, one tensor of 1,000", NR_RADAM, 1, flat(1'000), 0, 0, 28, rate));
    return all;
}

void write_json(const settings &s, const gpu &at, const tally &count, const std::vector<figure> &figures) {
    FILE *file = std::fopen(s.json, "w");
    if (file == nullptr) {
        std::perror(s.json);
        std::exit(2);
    }
    std::fprintf(file,
                 "{\n  \"device\": \"%s\",\n  \"capability\": %d,\n  \"driver\": %d,\n  \"library\": \"%s\",\n"
                 "  \"tensors\": %lld,\n  \"differences\": %lld,\n  \"figures\": [",
                 at.about.name, at.about.capability, at.about.driver_version, nr_version(), (long long)count.tensors,
                 (long long)count.differences);
    for (size_t i = 0; i < figures.size(); ++i)
        std::fprintf(
            file, "%s\n    {\"name\": \"%s\", \"bytes\": %.0f, \"seconds\": %.9f, \"of_copy_bandwidth\": %.4f}",
            i == 0 ? "" : ",", figures[i].name.c_str(), figures[i].bytes, figures[i].seconds, figures[i].fraction);
    std::fprintf(file, "%s]\n}\n", figures.empty() ? "" : "\n  ");
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

} // namespace

int main(int argument_count, char **arguments) {
    const settings s = read(argument_count, arguments);
    const gpu at(s);
    std::printf("%s, compute capability %d.%d, CUDA %d.%d\n", at.about.name, at.about.capability / 10,
                at.about.capability % 10, at.about.driver_version / 1000, at.about.driver_version % 1000 / 10);
    tally count;
    check_bits<float>(at, s, count);
    check_bits<double>(at, s, count);
    std::vector<figure> figures;
    if (s.bench) {
        figures = bench(at, s);
        std::printf("\n| what | us | GB/s | of copy |\n|---|---|---|---|\n");
        for (const figure &f : figures)
            std::printf("| %s | %.1f | %.0f | %.3f |\n", f.name.c_str(), f.seconds * 1e6, f.bytes / f.seconds * 1e-9,
                        f.fraction);
    }
    if (s.json != nullptr)
        write_json(s, at, count, figures);
    std::printf("\n%lld tensors compared, %lld differences\n", (long long)count.tensors, (long long)count.differences);
    return count.differences == 0 ? 0 : 1;
}
