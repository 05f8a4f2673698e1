/* Calls of libnativeranger_mpi, over a stand-in for MPI whose ranks are in one process. Only what makes communicators waits for
 * other ranks: all else is called by one thread in the name of each. */
#include "input.h"
#include "nativeranger_mpi.h"

#include "standin.h"

#include <dlfcn.h>
#include <string>
#include <thread>

namespace fuzz {
namespace {

constexpr int64_t patient = 60 * int64_t(1000000000);
constexpr int64_t most_bytes = std::numeric_limits<int32_t>::max();
constexpr int64_t smallest = std::numeric_limits<int64_t>::min(), largest = std::numeric_limits<int64_t>::max();
constexpr int most_ranks = 3;

arrays memory;

template <class Function>
Function standin(Function *, const char *name) {
    static void *file = dlopen(STANDIN, RTLD_NOW | RTLD_GLOBAL);
    return reinterpret_cast<Function>(dlsym(file, name));
}
#define FROM_STANDIN(name) standin(static_cast<decltype(&name) *>(nullptr), #name)

void require(bool holds, const char *what, const char *detail = "") {
    if (!holds)
        fail(what, detail);
}

nr_mpi_status known(nr_mpi_status status) {
    if (status < NR_MPI_OK || status > NR_MPI_E_NOT_OPEN)
        fail("a status that does not exist");
    ++(status == NR_MPI_OK ? counts.succeeded : counts.refused);
    return status;
}

/* A call whose status is known beforehand. */
bool expect(nr_mpi_status expected, nr_mpi_status status, const char *what) {
    if (known(status) != expected)
        fail(what, nr_mpi_status_name(status));
    return status == NR_MPI_OK;
}

/* A call that deserves one of two refusals, and must have written nothing. */
template <class Call>
void expect_refusal(bool lacks_pointer, bool is_out_of_range, const Call &call, const char *what) {
    const std::vector<uint8_t> before = memory.snapshot();
    const nr_mpi_status status = known(call());
    require((lacks_pointer && status == NR_MPI_E_NULL) || (is_out_of_range && status == NR_MPI_E_ARGUMENT), what,
            nr_mpi_status_name(status));
    require(memory.snapshot() == before, "a refused call has written:", what);
}

/* All ranks do something that waits for the others. */
template <class Body>
void on_threads(int size, const Body &body) {
    std::vector<std::thread> threads;
    for (int rank = 1; rank < size; ++rank)
        threads.emplace_back([&, rank] { body(rank); });
    body(0);
    for (std::thread &thread : threads)
        thread.join();
}

/* Ranks that know each other, each with a communicator and a batch. */
struct world {
    int size;
    int64_t largest_message;
    nr_mpi_communicator *ranks[most_ranks] = {};
    nr_mpi_batch *batches[most_ranks] = {};
    bool spoiled = false; /* something failed or is under way for ever */

    world(int count, int64_t piece) : size(count), largest_message(piece) {
        int64_t handles[most_ranks] = {};
        FROM_STANDIN(standin_world)(size, handles);
        on_threads(size, [&](int rank) {
            require(nr_mpi_adopt(handles[rank], patient, piece, &ranks[rank]) == NR_MPI_OK, "no communicator");
            require(nr_mpi_batch_create(ranks[rank], &batches[rank]) == NR_MPI_OK, "no batch");
        });
    }
    ~world() {
        for (int rank = 0; rank < size; ++rank) {
            require(nr_mpi_free(ranks[rank]) == NR_MPI_E_ARGUMENT, "a communicator that has batches is freed");
            require(nr_mpi_batch_free(batches[rank]) == NR_MPI_OK, "a batch is not freed");
            require(nr_mpi_free(ranks[rank]) == NR_MPI_OK, "a communicator is not freed");
        }
    }
    world(const world &) = delete;
    world &operator=(const world &) = delete;
};

/* One of the worlds, made when it is first asked for. */
std::unique_ptr<world> &world_of(int size, unsigned piece) {
    constexpr int64_t pieces[] = {0, 1, 7, 1000};
    static std::unique_ptr<world> all[most_ranks + 1][4];
    std::unique_ptr<world> &chosen = all[size][piece];
    if (chosen == nullptr)
        chosen = std::make_unique<world>(size, pieces[piece]);
    return chosen;
}

class mpi_calls {
public:
    explicit mpi_calls(bytes in) : in_(in), fill_(in_.raw<uint64_t>()) {
        memory.clear();
        in_.sound = !in_.one_in(4);
        open();
    }

    void run() {
        if (!in_.sound && in_.one_in(8))
            close();
        const int size = 1 + int(in_.below(most_ranks));
        std::unique_ptr<world> &chosen = world_of(size, in_.below(4));
        w_ = chosen.get();
        if (!in_.sound && in_.one_in(3))
            break_something();
        for (unsigned calls = 1 + in_.below(6); calls > 0 && !has_failed_; --calls)
            one_call();
        end();
        if (w_->spoiled) {
            FROM_STANDIN(standin_reset)();
            chosen.reset();
        }
    }

private:
    /* A second time it finds MPI open and changes nothing. */
    static void open() {
        static bool is_open = false;
        nr_mpi_communicator *none = nullptr;
        if (!is_open) {
            expect(NR_MPI_E_NOT_OPEN, nr_mpi_close(0), "closing what is not open ends in");
            expect(NR_MPI_E_NOT_OPEN, nr_mpi_world(0, 0, &none), "the world of nothing");
        }
        is_open = true;
        nr_mpi_about about = {};
        char message[256];
        require(nr_mpi_open(STANDIN, &about, message, sizeof message) == NR_MPI_OK, message);
        require(about.world_size == 1 && about.any_thread == 1, "another world was opened");
    }

    /* Finalises MPI, unless the barrier before that fails or never ends; the stand-in forgets it again. */
    void close() {
        const unsigned how = in_.below(3);
        if (how == 1)
            FROM_STANDIN(standin_fail)("Ibarrier", 0);
        if (how == 2)
            FROM_STANDIN(standin_stall)("Ibarrier", 0);
        expect(how == 0 ? NR_MPI_OK : how == 1 ? NR_MPI_E_CALL : NR_MPI_E_TIMEOUT, nr_mpi_close(0), "closing ends in");
        if (how == 0)
            expect(NR_MPI_OK, nr_mpi_close(number()), "closing again ends in");
        FROM_STANDIN(standin_reset)();
    }

    void break_something() {
        const char *const functions[] = {"Isend",  "Irecv",           "Iallgather", "Iallgatherv",
                                         "Ibcast", "Ireduce_scatter", "Test"};
        const char *function = functions[in_.below(7)];
        const int64_t after = in_.below(4);
        if (in_.one_in(2))
            FROM_STANDIN(standin_fail)(function, after);
        else
            FROM_STANDIN(standin_stall)(function, after);
        w_->spoiled = true;
    }

    void one_call() {
        if (in_.wrong_in(2))
            return refused_call();
        switch (in_.below(8)) {
        case 0:
            return gather();
        case 1:
            return gather_ranges();
        case 2:
            return broadcast();
        case 3:
            return in_.one_in(2) ? reduce<float>(NR_MPI_FLOAT32) : reduce<double>(NR_MPI_FLOAT64);
        case 4:
            return in_.one_in(4) && !w_->spoiled ? split() : describe();
        default:
            return message();
        }
    }

    /* ---- sound calls, of all ranks ------------------------------------------------------------------------------- */

    uint8_t *array(size_t size) {
        auto *made = static_cast<uint8_t *>(memory.allocate(size, arrays::content::exact, fill_));
        for (size_t i = 0; i < size; ++i)
            made[i] = uint8_t(fill_.bits());
        return made;
    }

    /* Once everything has arrived, to holds what from does now. */
    void will_hold(const void *to, const void *from, size_t size) {
        const auto *begin = static_cast<const uint8_t *>(from);
        wanted_.push_back({static_cast<const uint8_t *>(to), {begin, begin + size}});
    }

    void began(nr_mpi_status status) {
        known(status);
        require(status == NR_MPI_OK || (w_->spoiled && status == NR_MPI_E_CALL), "a sound call ends in",
                nr_mpi_status_name(status));
        /* From now on the ranks disagree on which call is whose partner. */
        has_failed_ = has_failed_ || status != NR_MPI_OK;
    }

    void message() {
        const int source = int(in_.below(unsigned(w_->size))), target = int(in_.below(unsigned(w_->size)));
        const int32_t tag = in_.sound ? 5 : in_.likely({0, 5, 32766}, {0});
        if (tag < 0 || tag > 32766)
            return;
        const size_t size = in_.below(250);
        uint8_t *from = array(size), *to = array(size);
        will_hold(to, from, size);
        const bool receives_first = in_.one_in(2);
        if (receives_first)
            began(nr_mpi_receive(w_->batches[target], to, int64_t(size), source, tag));
        began(nr_mpi_send(w_->batches[source], from, int64_t(size), target, tag));
        if (!receives_first)
            began(nr_mpi_receive(w_->batches[target], to, int64_t(size), source, tag));
    }

    void gather() {
        const size_t size = in_.below(60), count = size_t(w_->size);
        uint8_t *own[most_ranks] = {}, *everything[most_ranks] = {};
        for (int rank = 0; rank < w_->size; ++rank) {
            own[rank] = array(size);
            everything[rank] = array(size * count);
        }
        for (int rank = 0; rank < w_->size; ++rank)
            for (size_t peer = 0; peer < count; ++peer)
                will_hold(everything[rank] + peer * size, own[peer], size);
        for (int rank = 0; rank < w_->size; ++rank)
            began(nr_mpi_all_gather(w_->batches[rank], own[rank], int64_t(size), everything[rank]));
    }

    void gather_ranges() {
        int64_t sizes[most_ranks] = {}, offsets[most_ranks] = {}, end = 0;
        for (int rank = 0; rank < w_->size; ++rank) {
            offsets[rank] = end + in_.below(9);
            sizes[rank] = in_.below(60);
            end = offsets[rank] + sizes[rank];
        }
        uint8_t *everything[most_ranks] = {};
        for (int rank = 0; rank < w_->size; ++rank)
            everything[rank] = array(size_t(std::max<int64_t>(end, 1)));
        for (int rank = 0; rank < w_->size; ++rank)
            for (int peer = 0; peer < w_->size; ++peer)
                will_hold(everything[rank] + offsets[peer], everything[peer] + offsets[peer], size_t(sizes[peer]));
        for (int rank = 0; rank < w_->size; ++rank)
            began(nr_mpi_all_gather_ranges(w_->batches[rank], everything[rank], sizes, offsets));
    }

    void broadcast() {
        const int root = int(in_.below(unsigned(w_->size)));
        const size_t size = in_.below(200);
        uint8_t *data[most_ranks] = {};
        for (int rank = 0; rank < w_->size; ++rank)
            data[rank] = array(size);
        for (int rank = 0; rank < w_->size; ++rank) {
            will_hold(data[rank], data[root], size);
            began(nr_mpi_broadcast(w_->batches[rank], data[rank], int64_t(size), root));
        }
    }

    /* Of small integers, whose sums are the same in any order. */
    template <class T>
    void reduce(int32_t type) {
        int64_t shares[most_ranks] = {};
        size_t total = 0;
        for (int rank = 0; rank < w_->size; ++rank)
            total += size_t(shares[rank] = in_.below(20));
        T *data[most_ranks] = {}, *sums[most_ranks] = {};
        std::vector<T> wanted(total);
        for (int rank = 0; rank < w_->size; ++rank) {
            data[rank] = reinterpret_cast<T *>(array(total * sizeof(T)));
            sums[rank] = reinterpret_cast<T *>(array(size_t(shares[rank]) * sizeof(T)));
            for (size_t i = 0; i < total; ++i)
                wanted[i] += data[rank][i] = T(in_.below(16));
        }
        const T *first = wanted.data();
        for (int rank = 0; rank < w_->size; ++rank) {
            will_hold(sums[rank], first, size_t(shares[rank]) * sizeof(T));
            first += shares[rank];
            began(nr_mpi_reduce_scatter(w_->batches[rank], type, data[rank], shares, sums[rank]));
        }
    }

    void split() {
        int32_t colours[most_ranks], keys[most_ranks];
        for (int rank = 0; rank < w_->size; ++rank) {
            colours[rank] = in_.likely({0, 1, -1});
            keys[rank] = in_.raw<int32_t>();
        }
        for (int32_t &colour : colours)
            colour = std::max(colour, -1);
        on_threads(w_->size, [&](int rank) {
            nr_mpi_communicator *part = nullptr;
            require(nr_mpi_split(w_->ranks[rank], colours[rank], keys[rank], patient, &part) == NR_MPI_OK, "no part");
            require((part != nullptr) == (colours[rank] >= 0), "a part for no colour, or none for one");
            if (part == nullptr)
                return;
            int32_t place = -1, size = -1, before = 0, all = 0;
            require(nr_mpi_rank(part, &place, &size) == NR_MPI_OK, "a part without ranks");
            for (int peer = 0; peer < w_->size; ++peer)
                if (colours[peer] == colours[rank]) {
                    ++all;
                    before += keys[peer] < keys[rank] || (keys[peer] == keys[rank] && peer < rank) ? 1 : 0;
                }
            require(place == before && size == all, "a part in another order");
            require(nr_mpi_free(part) == NR_MPI_OK, "a part is not freed");
        });
    }

    /* ---- calls that must be refused, of one rank ----------------------------------------------------------------- */

    int64_t number() {
        return in_.likely(
            {int64_t(0), int64_t(1), int64_t(100), int64_t(-1), most_bytes, most_bytes + 1, smallest, largest});
    }

    void refused_call() {
        const int rank = int(in_.below(unsigned(w_->size)));
        nr_mpi_communicator *c = in_.one_in(3) ? nullptr : w_->ranks[rank];
        nr_mpi_batch *batch = in_.one_in(3) ? nullptr : w_->batches[rank];
        switch (in_.below(8)) {
        case 0:
            return refused_message(batch);
        case 1:
            return refused_gather(batch);
        case 2:
            return refused_ranges(batch);
        case 3:
            return refused_broadcast(batch);
        case 4:
            return refused_reduction(batch);
        case 5:
            return refused_communicator(c);
        case 6:
            return refused_waiting(batch, c);
        default:
            return refused_roll_call(c);
        }
    }

    uint8_t *array_or_null() { return in_.one_in(2) ? nullptr : array(100); }

    void refused_message(nr_mpi_batch *batch) {
        const int64_t size = number();
        const auto peer = in_.likely({0, 0, -1, 3, std::numeric_limits<int32_t>::max()});
        const auto tag = in_.likely({0, 0, -1, 32767, std::numeric_limits<int32_t>::min()});
        uint8_t *data = array_or_null();
        const bool is_out = size < 0 || peer < 0 || peer >= w_->size || tag < 0 || tag > 32766;
        const bool lacks = batch == nullptr || (data == nullptr && size > 0);
        if (!is_out && !lacks)
            return;
        if (in_.one_in(2))
            expect_refusal(
                lacks, is_out, [&] { return nr_mpi_send(batch, data, size, peer, tag); }, "sending");
        else
            expect_refusal(
                lacks, is_out, [&] { return nr_mpi_receive(batch, data, size, peer, tag); }, "receiving");
    }

    void refused_gather(nr_mpi_batch *batch) {
        const int64_t size = number();
        uint8_t *own = array_or_null(), *everything = array_or_null();
        const bool is_out = size < 0 || size > most_bytes / w_->size;
        const bool lacks = batch == nullptr || (size > 0 && (own == nullptr || everything == nullptr));
        if (is_out || lacks)
            expect_refusal(
                lacks, is_out, [&] { return nr_mpi_all_gather(batch, own, size, everything); }, "gathering");
    }

    void refused_ranges(nr_mpi_batch *batch) {
        int64_t *sizes = numbers(), *offsets = numbers();
        uint8_t *everything = array_or_null();
        const bool lacks = batch == nullptr || sizes == nullptr || offsets == nullptr || everything == nullptr;
        bool is_out = sizes != nullptr && !fits(sizes, 1);
        for (int peer = 0; peer < w_->size && offsets != nullptr; ++peer)
            is_out = is_out || offsets[peer] < 0 || offsets[peer] > most_bytes;
        if (is_out || lacks)
            expect_refusal(
                lacks, is_out, [&] { return nr_mpi_all_gather_ranges(batch, everything, sizes, offsets); },
                "gathering ranges");
    }

    void refused_broadcast(nr_mpi_batch *batch) {
        const int64_t size = number();
        const auto root = in_.likely({0, 0, -1, 3, std::numeric_limits<int32_t>::max()});
        uint8_t *data = array_or_null();
        const bool is_out = size < 0 || size > most_bytes || root < 0 || root >= w_->size;
        const bool lacks = batch == nullptr || (data == nullptr && size > 0);
        if (is_out || lacks)
            expect_refusal(
                lacks, is_out, [&] { return nr_mpi_broadcast(batch, data, size, root); }, "broadcasting");
    }

    void refused_reduction(nr_mpi_batch *batch) {
        const auto type = in_.likely({int32_t(NR_MPI_FLOAT32), int32_t(NR_MPI_FLOAT64), int32_t(NR_MPI_BYTE), 0, -1});
        int64_t *shares = numbers();
        uint8_t *data = array_or_null(), *sums = array_or_null();
        const int64_t element = type == NR_MPI_FLOAT32 ? 4 : type == NR_MPI_FLOAT64 ? 8 : 0;
        const bool is_out = element == 0 || (shares != nullptr && !fits(shares, element));
        bool any = false;
        for (int peer = 0; peer < w_->size && shares != nullptr; ++peer)
            any = any || shares[peer] > 0;
        const bool lacks = batch == nullptr || shares == nullptr || (any && data == nullptr) || sums == nullptr;
        if (is_out || batch == nullptr || shares == nullptr || (any && data == nullptr))
            expect_refusal(
                lacks, is_out, [&] { return nr_mpi_reduce_scatter(batch, type, data, shares, sums); }, "reducing");
    }

    void refused_communicator(nr_mpi_communicator *c) {
        nr_mpi_communicator *made = nullptr;
        nr_mpi_communicator **place = in_.one_in(2) ? nullptr : &made;
        const int64_t piece = number();
        const bool is_out = piece < 0 || piece > most_bytes;
        if (is_out || place == nullptr) {
            const int64_t handle = in_.raw<int64_t>();
            expect_refusal(
                place == nullptr, is_out, [&] { return nr_mpi_world(0, piece, place); }, "duplicating the world");
            expect_refusal(
                place == nullptr, is_out, [&] { return nr_mpi_adopt(handle, 0, piece, place); }, "adopting");
        }
        const auto colour = in_.likely({-2, std::numeric_limits<int32_t>::min()});
        const bool no_colour = colour < -1;
        if (no_colour || c == nullptr || place == nullptr)
            expect_refusal(
                c == nullptr || place == nullptr, no_colour, [&] { return nr_mpi_split(c, colour, 0, 0, place); },
                "splitting");
        require(made == nullptr, "a communicator that was refused");
        nr_mpi_batch *batch = nullptr;
        if (c == nullptr)
            expect_refusal(
                true, false, [&] { return nr_mpi_batch_create(c, &batch); }, "a batch of nobody");
        expect_refusal(
            true, false, [&] { return nr_mpi_batch_create(c, nullptr); }, "a batch to nowhere");
        expect(NR_MPI_OK, nr_mpi_batch_free(nullptr), "freeing no batch ends in");
        expect(NR_MPI_OK, nr_mpi_free(nullptr), "freeing no communicator ends in");
        expect(NR_MPI_E_NULL, nr_mpi_open(STANDIN, nullptr, nullptr, 0), "opening to nowhere ends in");
    }

    void refused_waiting(nr_mpi_batch *batch, nr_mpi_communicator *c) {
        if (batch == nullptr) {
            int32_t done = -1;
            expect(NR_MPI_E_NULL, nr_mpi_test(batch, &done), "testing nothing ends in");
            expect(NR_MPI_E_NULL, nr_mpi_wait(batch, number()), "waiting for nothing ends in");
            require(done == -1, "testing nothing has written");
        }
        expect(NR_MPI_E_NULL, nr_mpi_test(batch, nullptr), "testing to nowhere ends in");
        int32_t rank = -1, size = -1;
        expect(NR_MPI_E_NULL, nr_mpi_rank(c, &rank, nullptr), "a rank of no size");
        expect(NR_MPI_E_NULL, nr_mpi_rank(c, nullptr, &size), "a size of no rank");
        expect(NR_MPI_E_NULL, nr_mpi_rank(nullptr, &rank, &size), "a rank of nobody");
        require(rank == -1 && size == -1, "a refused call has written a rank");
    }

    void refused_roll_call(nr_mpi_communicator *c) {
        const auto own = in_.likely({int32_t(NR_MPI_ABSENT), int32_t(NR_MPI_FAILED), 3, -1});
        uint8_t *presence = in_.one_in(2) ? nullptr : array(most_ranks);
        const bool is_out = own != NR_MPI_FAILED && own != NR_MPI_WAITED_IN_VAIN;
        const bool lacks = c == nullptr || presence == nullptr;
        if (is_out || lacks)
            expect_refusal(
                lacks, is_out, [&] { return nr_mpi_roll_call(c, own, 0, presence); }, "a roll call");
        expect(NR_MPI_E_NULL, nr_mpi_roll_called(c, nullptr), "asking for a roll call to nowhere ends in");
    }

    int64_t *numbers() {
        if (in_.one_in(8))
            return nullptr;
        auto *list = static_cast<int64_t *>(memory.allocate(size_t(w_->size) * 8, arrays::content::exact, fill_));
        for (int rank = 0; rank < w_->size; ++rank)
            list[rank] = number();
        return list;
    }

    bool fits(const int64_t *list, int64_t element) const {
        int64_t sum = 0;
        for (int rank = 0; rank < w_->size; ++rank) {
            if (list[rank] < 0 || list[rank] > most_bytes)
                return false;
            sum += list[rank] * element;
        }
        return sum <= most_bytes;
    }

    /* ---- what only answers, and the end -------------------------------------------------------------------------- */

    void describe() {
        const int32_t status = in_.likely({0, 1, 10, 11, -1});
        require(nr_mpi_status_name(status) != nullptr && nr_mpi_status_text(status) != nullptr,
                "a status has no name or text");
        require(nr_mpi_abi_version() == NR_MPI_ABI_VERSION, "another contract");
        const int asked = int(in_.below(unsigned(w_->size)));
        int32_t rank = -1, size = -1, called = -1;
        expect(NR_MPI_OK, nr_mpi_rank(w_->ranks[asked], &rank, &size), "asking for the rank ends in");
        require(rank == asked && size == w_->size, "another rank");
        expect(NR_MPI_OK, nr_mpi_roll_called(w_->ranks[asked], &called), "asking for a roll call ends in");
        require(called == 0, "a roll call that nobody has begun");
        ask_for_failure(in_.one_in(2) ? nullptr : w_->ranks[asked]);
    }

    void ask_for_failure(nr_mpi_communicator *c) {
        const int64_t capacity = in_.likely({int64_t(64), int64_t(0), int64_t(1)}, {int64_t(-1), smallest});
        const int64_t size = std::max<int64_t>(0, std::min<int64_t>(capacity, 64));
        auto *text = capacity > 64 ? nullptr : reinterpret_cast<char *>(array(size_t(size)));
        expect(NR_MPI_OK, nr_mpi_failure(c, text, capacity), "asking for the failure ends in");
        require(size == 0 || text == nullptr || std::memchr(text, 0, size_t(size)) != nullptr,
                "a message without an end");
    }

    /* Everything has arrived, unless something was broken on purpose. */
    void end() {
        bool all_arrived = true;
        for (int rank = 0; rank < w_->size; ++rank) {
            const nr_mpi_status status = known(nr_mpi_wait(w_->batches[rank], 0));
            all_arrived = all_arrived && status == NR_MPI_OK;
            require(w_->spoiled || status == NR_MPI_OK, "waiting ends in", nr_mpi_status_name(status));
            require(status == NR_MPI_OK || status == NR_MPI_E_TIMEOUT || status == NR_MPI_E_CALL, "waiting ends in",
                    nr_mpi_status_name(status));
        }
        for (const arrival &a : wanted_)
            if (!w_->spoiled)
                require(std::equal(a.wanted.begin(), a.wanted.end(), a.at), "other bytes have arrived");
        require(memory.are_intact(), "bytes before an array have changed");
        if (!w_->spoiled || all_arrived)
            return;
        ask_for_failure(w_->ranks[0]);
        for (int rank = 0; rank < w_->size; ++rank) {
            uint8_t *presence = array(size_t(w_->size));
            const int32_t own = NR_MPI_WAITED_IN_VAIN;
            const nr_mpi_status status = known(nr_mpi_roll_call(w_->ranks[rank], own, 0, presence));
            require(status == NR_MPI_OK || status == NR_MPI_E_CALL, "a roll call ends in", nr_mpi_status_name(status));
            for (int peer = 0; peer < w_->size && status == NR_MPI_OK; ++peer)
                require(presence[peer] == NR_MPI_ABSENT || presence[peer] == NR_MPI_WAITED_IN_VAIN,
                        "a rank says what it did not");
        }
        require(memory.are_intact(), "bytes before an array have changed");
    }

    struct arrival {
        const uint8_t *at;
        std::vector<uint8_t> wanted;
    };

    bytes in_;
    elements fill_;
    world *w_ = nullptr;
    bool has_failed_ = false;
    std::vector<arrival> wanted_;
};

} // namespace

void call(const uint8_t *data, size_t size) {
    ++counts.inputs;
    mpi_calls(bytes(data, size)).run();
}

} // namespace fuzz
