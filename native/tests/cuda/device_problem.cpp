#include "device_problem.h"

#include <dlfcn.h>
#include <stdexcept>

namespace device {
namespace {

template <class Function>
Function find(const char *name) {
    static void *file = dlopen(STANDIN, RTLD_NOW);
    void *symbol = file != nullptr ? dlsym(file, name) : nullptr;
    if (symbol == nullptr)
        throw std::runtime_error(std::string("the stand-in has no ") + name);
    return reinterpret_cast<Function>(symbol);
}

void require(nr_status status, const char *what) {
    if (status != NR_OK)
        throw std::runtime_error(std::string(what) + ": " + nr_cuda_status_name(status));
}

constexpr int64_t line = 256;

} // namespace

int standin_set(const char *settings) { return find<int (*)(const char *)>("standin_set")(settings); }
int64_t standin_calls(const char *function) { return find<int64_t (*)(const char *)>("standin_calls")(function); }
int64_t standin_allocations() { return find<int64_t (*)()>("standin_allocations")(); }
int64_t standin_violations() { return find<int64_t (*)()>("standin_violations")(); }

fixture::fixture(int ordinal) {
    char message[512];
    const nr_status status = nr_cuda_open(STANDIN, ordinal, &device, message, sizeof message);
    if (status != NR_OK)
        throw std::runtime_error(message);
    require(nr_cuda_queue_create(device, &queue), "queue");
}

fixture::~fixture() {
    nr_cuda_queue_free(queue);
    nr_cuda_close(device);
}

/* The arrays one after the other, each as far from an aligned address as on the host. */
template <class T>
template <class Move>
void device_tensor<T>::for_arrays(tensor<T> &t, const Move &move) const {
    char *at = memory_;
    auto array = [&](std::vector<T> &values) {
        move(at, values.data(), int64_t(values.size() * sizeof(T)));
        at += (int64_t(values.size() * sizeof(T)) + line - 1) / line * line + line;
    };
    array(t.p);
    array(t.g);
    for (int j = 0; j < 4; ++j)
        array(t.state(j));
    for (size_t i = 0; i < t.followers.size(); ++i) {
        array(t.followers[i]);
        array(t.momenta[i]);
    }
    move(at, t.scalars, int64_t(sizeof t.scalars));
    at += line;
    move(at, t.row_values.data(), int64_t(t.row_values.size() * sizeof(nr_row)));
}

template <class T>
device_tensor<T>::device_tensor(fixture &at, tensor<T> &from) : at_(at) {
    int64_t bytes = 0;
    for_arrays(from, [&](char *, void *, int64_t n) { bytes += (n + line - 1) / line * line + line; });
    void *memory = nullptr;
    require(nr_cuda_allocate(at_.device, bytes, &memory), "allocate");
    memory_ = static_cast<char *>(memory);

    view_ = from.view();
    const auto skew = int64_t(from.skew() * sizeof(T));
    std::vector<char *> places;
    for_arrays(from, [&](char *to, void *host, int64_t n) {
        require(nr_cuda_copy(at_.queue, to, host, n), "copy");
        places.push_back(to);
    });
    view_.parameter = places[0] + skew;
    view_.gradient = from.with_gradient ? places[1] + skew : nullptr;
    for (int j = 0; j < 4; ++j)
        view_.state[j] = places[size_t(2 + j)] + skew;
    for (size_t i = 0; i < from.followers.size(); ++i)
        buffers_.push_back({places[6 + 2 * i] + skew, places[7 + 2 * i] + skew});
    view_.followers = buffers_.data();
    view_.scalars = reinterpret_cast<double *>(places[6 + 2 * from.followers.size()]);
    if (view_.row_values != nullptr)
        view_.row_values = reinterpret_cast<nr_row *>(places.back());
}

template <class T>
device_tensor<T>::~device_tensor() {
    nr_cuda_free(at_.device, memory_);
}

template <class T>
nr_tensor device_tensor<T>::view() const {
    return view_;
}

template <class T>
void device_tensor<T>::fetch(tensor<T> &into) {
    for_arrays(into,
               [&](char *from, void *host, int64_t n) { require(nr_cuda_copy(at_.queue, host, from, n), "copy"); });
    require(nr_cuda_queue_wait(at_.queue), "wait");
}

template class device_tensor<float>;
template class device_tensor<double>;

} // namespace device
