/* libnativeranger_mpi over the stand-in MPI library that STANDIN names, whose ranks are threads of this process.
 * The tests that MPI cannot be opened come first: a process opens it once. */
#include "nativeranger_mpi.h"

#include "standin.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdlib>
#include <functional>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int64_t second = 1000000000;
constexpr int64_t patient = 60 * second;
constexpr int64_t hasty = second / 20;

template <class Function>
Function standin(Function *, const char *name) {
    static void *file = dlopen(STANDIN, RTLD_NOW | RTLD_GLOBAL);
    return reinterpret_cast<Function>(dlsym(file, name));
}
#define FROM_STANDIN(name) standin(static_cast<decltype(&name) *>(nullptr), #name)

struct opening {
    nr_mpi_status status;
    nr_mpi_about about;
    std::string message;
};

opening open_library(const char *library) {
    char message[1024] = "";
    opening result = {};
    result.status = nr_mpi_open(library, &result.about, message, sizeof message);
    result.message = message;
    return result;
}

bool contains(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

using rank_body = std::function<void(nr_mpi_communicator *, int rank, int size)>;

/* Runs body on so many ranks; each has a duplicate of one world of the stand-in. */
void on_ranks(int size, const rank_body &body, int64_t largest_message = 0) {
    ASSERT_EQ(open_library(STANDIN).status, NR_MPI_OK);
    std::vector<int64_t> handles(static_cast<size_t>(size));
    FROM_STANDIN(standin_world)(size, handles.data());
    std::vector<std::thread> threads;
    for (int rank = 0; rank < size; ++rank)
        threads.emplace_back([&, rank] {
            nr_mpi_communicator *communicator = nullptr;
            ASSERT_EQ(nr_mpi_adopt(handles[static_cast<size_t>(rank)], patient, largest_message, &communicator),
                      NR_MPI_OK);
            int32_t own = -1, count = -1;
            ASSERT_EQ(nr_mpi_rank(communicator, &own, &count), NR_MPI_OK);
            ASSERT_EQ(own, rank);
            ASSERT_EQ(count, size);
            body(communicator, rank, size);
            EXPECT_EQ(nr_mpi_free(communicator), NR_MPI_OK);
        });
    for (std::thread &thread : threads)
        thread.join();
}

struct batch {
    nr_mpi_batch *handle = nullptr;
    explicit batch(nr_mpi_communicator *communicator) {
        EXPECT_EQ(nr_mpi_batch_create(communicator, &handle), NR_MPI_OK);
    }
    ~batch() { EXPECT_EQ(nr_mpi_batch_free(handle), NR_MPI_OK); }
    nr_mpi_status wait(int64_t timeout = patient) const { return nr_mpi_wait(handle, timeout); }
};

std::vector<uint8_t> pattern(int rank, size_t length) {
    std::vector<uint8_t> bytes(length);
    for (size_t i = 0; i < length; ++i)
        bytes[i] = static_cast<uint8_t>(static_cast<size_t>(rank) * 31 + i * 7);
    return bytes;
}

} // namespace

TEST(MpiShim, EveryCallBeforeOpenSaysSo) {
    nr_mpi_communicator *communicator = nullptr;
    EXPECT_EQ(nr_mpi_world(patient, 0, &communicator), NR_MPI_E_NOT_OPEN);
    EXPECT_EQ(nr_mpi_close(patient), NR_MPI_E_NOT_OPEN);
    nr_mpi_batch *made = nullptr;
    EXPECT_EQ(nr_mpi_batch_create(communicator, &made), NR_MPI_E_NOT_OPEN);
    EXPECT_EQ(nr_mpi_test(made, nullptr), NR_MPI_E_NOT_OPEN);
    EXPECT_EQ(nr_mpi_adopt(0, patient, 0, &communicator), NR_MPI_E_NOT_OPEN);
    EXPECT_EQ(nr_mpi_split(communicator, 0, 0, patient, &communicator), NR_MPI_E_NOT_OPEN);
    EXPECT_EQ(nr_mpi_failure(communicator, nullptr, 0), NR_MPI_E_NOT_OPEN);
    int32_t called = 0;
    uint8_t presence = 0;
    EXPECT_EQ(nr_mpi_roll_called(communicator, &called), NR_MPI_E_NOT_OPEN);
    EXPECT_EQ(nr_mpi_roll_call(communicator, NR_MPI_FAILED, patient, &presence), NR_MPI_E_NOT_OPEN);
    EXPECT_EQ(nr_mpi_free(nullptr), NR_MPI_OK);
    EXPECT_EQ(nr_mpi_batch_free(nullptr), NR_MPI_OK);
    EXPECT_EQ(nr_mpi_open(STANDIN, nullptr, nullptr, 0), NR_MPI_E_NULL);
}

TEST(MpiShim, AMissingLibraryIsNamed) {
    const opening result = open_library("/nowhere/libmpi.so.40");
    EXPECT_EQ(result.status, NR_MPI_E_LIBRARY);
    EXPECT_TRUE(contains(result.message, "/nowhere/libmpi.so.40")) << result.message;
}

TEST(MpiShim, ALibraryThatIsNoMpiIsRefusedNamingWhatItLacks) {
    const opening result = open_library("libm.so.6");
    EXPECT_EQ(result.status, NR_MPI_E_LIBRARY);
    EXPECT_TRUE(contains(result.message, "it has no MPI_Initialized")) << result.message;
}

TEST(MpiShim, AMessageIsCutToItsCapacity) {
    char message[8] = "-------";
    nr_mpi_about about = {};
    EXPECT_EQ(nr_mpi_open("/nowhere/libmpi.so.40", &about, message, 4), NR_MPI_E_LIBRARY);
    EXPECT_STREQ(message, "/no");
    EXPECT_EQ(nr_mpi_open("/nowhere/libmpi.so.40", &about, nullptr, 0), NR_MPI_E_LIBRARY);
}

TEST(MpiShim, AFailingInitialisationIsReported) {
    FROM_STANDIN(standin_reset)();
    FROM_STANDIN(standin_fail)("Init_thread", 0);
    const opening result = open_library(STANDIN);
    EXPECT_EQ(result.status, NR_MPI_E_CALL);
    EXPECT_EQ(result.message, "MPI_Init_thread: MPI_ERR_OTHER: injected");
}

TEST(MpiShim, TooLowAThreadLevelIsRefused) {
    FROM_STANDIN(standin_reset)();
    FROM_STANDIN(standin_thread_level)(1);
    const opening result = open_library(STANDIN);
    EXPECT_EQ(result.status, NR_MPI_E_THREADS);
    EXPECT_TRUE(contains(result.message, "thread level 1")) << result.message;
    FROM_STANDIN(standin_reset)();
}

TEST(MpiShim, TheWrongLauncherIsDetected) {
    for (const char *variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
        FROM_STANDIN(standin_reset)();
        setenv(variable, "4", 1);
        const opening result = open_library(STANDIN);
        unsetenv(variable);
        EXPECT_EQ(result.status, NR_MPI_E_LAUNCHER);
        EXPECT_TRUE(contains(result.message, "started 4 processes")) << result.message;
    }
    FROM_STANDIN(standin_reset)();
}

TEST(MpiShim, AFinalisedLibraryIsRefused) {
    FROM_STANDIN(standin_reset)();
    reinterpret_cast<int (*)()>(dlsym(dlopen(STANDIN, RTLD_NOW), "MPI_Finalize"))();
    EXPECT_EQ(open_library(STANDIN).status, NR_MPI_E_FINALISED);
    FROM_STANDIN(standin_reset)();
}

TEST(MpiShim, OpensTheFlavourAndQuietsUcx) {
    FROM_STANDIN(standin_reset)();
    unsetenv("UCX_ERROR_SIGNALS");
    const opening result = open_library(STANDIN);
    ASSERT_EQ(result.status, NR_MPI_OK) << result.message;
    EXPECT_EQ(result.about.flavour, FLAVOUR);
    EXPECT_EQ(result.about.any_thread, 1);
    EXPECT_EQ(result.about.initialised_here, 1);
    EXPECT_EQ(result.about.world_rank, 0);
    EXPECT_EQ(result.about.world_size, 1);
    EXPECT_EQ(result.message, "Stand-in for MPI 3.1");
    EXPECT_STREQ(getenv("UCX_ERROR_SIGNALS"), "");
    EXPECT_EQ(open_library(nullptr).status, NR_MPI_OK) << "a second call finds MPI open";
}

TEST(MpiShim, TheWorldIsDuplicated) {
    ASSERT_EQ(open_library(STANDIN).status, NR_MPI_OK);
    nr_mpi_communicator *world = nullptr;
    ASSERT_EQ(nr_mpi_world(patient, 0, &world), NR_MPI_OK);
    int32_t rank = -1, size = -1;
    EXPECT_EQ(nr_mpi_rank(world, &rank, &size), NR_MPI_OK);
    EXPECT_EQ(rank, 0);
    EXPECT_EQ(size, 1);
    EXPECT_EQ(nr_mpi_free(world), NR_MPI_OK);
}

TEST(MpiShim, AWorldThatNeverComesTogetherEndsInATimeout) {
    ASSERT_EQ(open_library(STANDIN).status, NR_MPI_OK);
    FROM_STANDIN(standin_world_size)(3);
    nr_mpi_communicator *world = nullptr;
    EXPECT_EQ(nr_mpi_world(hasty, 0, &world), NR_MPI_E_TIMEOUT);
    EXPECT_EQ(world, nullptr);
    EXPECT_EQ(nr_mpi_close(hasty), NR_MPI_E_TIMEOUT);
    FROM_STANDIN(standin_world_size)(1);
}

TEST(MpiShim, MessagesArriveInPiecesBetweenAllRanks) {
    constexpr size_t longest = 10007;
    constexpr int64_t piece = 1000;
    FROM_STANDIN(standin_reset)();
    for (int size : {1, 2, 3, 7})
        on_ranks(
            size,
            [](nr_mpi_communicator *c, int rank, int ranks) {
                const batch b(c);
                std::vector<std::vector<uint8_t>> sent, received(static_cast<size_t>(ranks));
                for (int peer = 0; peer < ranks; ++peer)
                    sent.push_back(pattern(rank * 10 + peer, longest - static_cast<size_t>(rank + peer)));
                for (int round = 0; round < 3; ++round) {
                    for (int peer = 0; peer < ranks; ++peer) {
                        const auto p = static_cast<size_t>(peer);
                        received[p].assign(longest - static_cast<size_t>(rank + peer), 0);
                        ASSERT_EQ(nr_mpi_send(b.handle, sent[p].data(), static_cast<int64_t>(sent[p].size()), peer, 5),
                                  NR_MPI_OK);
                        ASSERT_EQ(nr_mpi_receive(b.handle, received[p].data(), static_cast<int64_t>(received[p].size()),
                                                 peer, 5),
                                  NR_MPI_OK);
                    }
                    ASSERT_EQ(b.wait(), NR_MPI_OK);
                    for (int peer = 0; peer < ranks; ++peer)
                        EXPECT_EQ(received[static_cast<size_t>(peer)],
                                  pattern(peer * 10 + rank, longest - static_cast<size_t>(rank + peer)));
                }
            },
            piece);
    EXPECT_EQ(FROM_STANDIN(standin_largest_count)(), piece);
}

TEST(MpiShim, MessagesBeyondWhatAnIntCountsTravelInPiecesOfAGibibyte) {
    constexpr int64_t gibibyte = int64_t(1) << 30, length = 5 * gibibyte + 7;
    /* Addresses without memory: nothing is delivered, as long as no message meets its partner. */
    char *memory =
        static_cast<char *>(mmap(nullptr, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    ASSERT_NE(memory, MAP_FAILED);
    FROM_STANDIN(standin_reset)();
    on_ranks(2, [&](nr_mpi_communicator *c, int rank, int) {
        if (rank != 0)
            return;
        nr_mpi_batch *b = nullptr;
        ASSERT_EQ(nr_mpi_batch_create(c, &b), NR_MPI_OK);
        for (const bool sends : {true, false}) {
            const char *function = sends ? "Isend" : "Irecv";
            const int64_t before = FROM_STANDIN(standin_calls)(function);
            ASSERT_EQ(sends ? nr_mpi_send(b, memory, length, 1, 0) : nr_mpi_receive(b, memory, length, 1, 0),
                      NR_MPI_OK);
            EXPECT_EQ(FROM_STANDIN(standin_calls)(function) - before, 6);
            EXPECT_EQ(FROM_STANDIN(standin_largest_count)(), gibibyte);
            EXPECT_EQ(FROM_STANDIN(standin_last_message)(), reinterpret_cast<int64_t>(memory) + 5 * gibibyte);
        }
        EXPECT_EQ(nr_mpi_batch_free(b), NR_MPI_OK);
    });
    munmap(memory, length);
}

TEST(MpiShim, GathersRecordsRangesAndBroadcasts) {
    for (int size : {1, 2, 3, 7})
        on_ranks(size, [](nr_mpi_communicator *c, int rank, int ranks) {
            const batch b(c);
            const auto count = static_cast<size_t>(ranks);
            std::vector<int64_t> records(count), bytes(count), offsets(count);
            const int64_t own = rank * 1000 + 1;
            int64_t total = 0;
            for (size_t r = 0; r < count; ++r) {
                bytes[r] = static_cast<int64_t>(r) * 5; /* rank 0 has nothing */
                offsets[r] = total;
                total += bytes[r];
            }
            std::vector<uint8_t> ranges(static_cast<size_t>(total) + 1, 0), expected;
            const auto mine = pattern(rank, static_cast<size_t>(rank) * 5);
            std::copy(mine.begin(), mine.end(), ranges.begin() + offsets[static_cast<size_t>(rank)]);
            int64_t told = rank == ranks - 1 ? 42 : 0;

            ASSERT_EQ(nr_mpi_all_gather(b.handle, &own, sizeof own, records.data()), NR_MPI_OK);
            ASSERT_EQ(nr_mpi_all_gather_ranges(b.handle, ranges.data(), bytes.data(), offsets.data()), NR_MPI_OK);
            ASSERT_EQ(nr_mpi_broadcast(b.handle, &told, sizeof told, ranks - 1), NR_MPI_OK);
            std::fill(bytes.begin(), bytes.end(), -1); /* they are read in the call only */
            ASSERT_EQ(b.wait(), NR_MPI_OK);

            for (int r = 0; r < ranks; ++r) {
                EXPECT_EQ(records[static_cast<size_t>(r)], r * 1000 + 1);
                const auto part = pattern(r, static_cast<size_t>(r) * 5);
                expected.insert(expected.end(), part.begin(), part.end());
            }
            expected.push_back(0);
            EXPECT_EQ(ranges, expected);
            EXPECT_EQ(told, 42);
        });
}

template <class T>
void sums_reach_their_ranks(int32_t type) {
    for (int size : {1, 2, 3, 7})
        on_ranks(size, [type](nr_mpi_communicator *c, int rank, int ranks) {
            const batch b(c);
            std::vector<int64_t> counts;
            for (int r = 0; r < ranks; ++r)
                counts.push_back(r % 3); /* some ranks have nothing */
            const auto total = std::accumulate(counts.begin(), counts.end(), int64_t(0));
            const auto first = std::accumulate(counts.begin(), counts.begin() + rank, int64_t(0));
            std::vector<T> data(static_cast<size_t>(total)), sums(static_cast<size_t>(rank % 3));
            for (size_t i = 0; i < data.size(); ++i)
                data[i] = static_cast<T>(rank + static_cast<int>(i));
            ASSERT_EQ(nr_mpi_reduce_scatter(b.handle, type, data.data(), counts.data(), sums.data()), NR_MPI_OK);
            ASSERT_EQ(b.wait(), NR_MPI_OK);
            for (size_t i = 0; i < sums.size(); ++i)
                EXPECT_EQ(sums[i], static_cast<T>(ranks * (ranks - 1) / 2 +
                                                  ranks * static_cast<int>(first + static_cast<int>(i))));
        });
}

TEST(MpiShim, ReduceScatterGivesEachRankItsSums) {
    sums_reach_their_ranks<float>(NR_MPI_FLOAT32);
    sums_reach_their_ranks<double>(NR_MPI_FLOAT64);
}

TEST(MpiShim, SplitsByColourInTheOrderOfTheKey) {
    on_ranks(5, [](nr_mpi_communicator *c, int rank, int) {
        nr_mpi_communicator *part = nullptr;
        ASSERT_EQ(nr_mpi_split(c, rank == 4 ? -1 : rank % 2, -rank, patient, &part), NR_MPI_OK);
        if (rank == 4) {
            EXPECT_EQ(part, nullptr);
            return;
        }
        int32_t own = -1, size = -1;
        ASSERT_EQ(nr_mpi_rank(part, &own, &size), NR_MPI_OK);
        EXPECT_EQ(size, 2);
        EXPECT_EQ(own, rank < 2 ? 1 : 0);
        EXPECT_EQ(nr_mpi_free(part), NR_MPI_OK);
    });
}

TEST(MpiShim, ASplitThatOneRankFailsEndsOnTheOthersOnceTheyAreTold) {
    FROM_STANDIN(standin_reset)();
    on_ranks(3, [](nr_mpi_communicator *c, int rank, int) {
        /* Rank 1 leaves: what it would have called fails in it, and MPI tells nobody. */
        nr_mpi_communicator *part = nullptr;
        uint8_t presence[3] = {};
        if (rank != 1) {
            EXPECT_EQ(nr_mpi_split(c, 0, 0, patient, &part), NR_MPI_E_TIMEOUT);
        }
        EXPECT_EQ(part, nullptr);
        EXPECT_EQ(nr_mpi_roll_call(c, rank == 1 ? NR_MPI_FAILED : NR_MPI_WAITED_IN_VAIN, patient, presence), NR_MPI_OK);
        EXPECT_EQ(presence[1], NR_MPI_FAILED);
    });
    FROM_STANDIN(standin_reset)();
}

TEST(MpiShim, ASplitThatARankNeverComesToEndsInATimeout) {
    FROM_STANDIN(standin_reset)();
    on_ranks(2, [](nr_mpi_communicator *c, int rank, int) {
        nr_mpi_communicator *part = nullptr;
        if (rank == 0) {
            EXPECT_EQ(nr_mpi_split(c, 0, 0, hasty, &part), NR_MPI_E_TIMEOUT);
        }
        EXPECT_EQ(part, nullptr);
    });
    FROM_STANDIN(standin_reset)();
}

/* A thread that was left to its call may make it after the next test has begun to count. */
TEST(MpiShim, ASplitThatComesTooLateIsNotCounted) {
    FROM_STANDIN(standin_reset)();
    on_ranks(1, [](nr_mpi_communicator *c, int, int) {
        FROM_STANDIN(standin_reset)();
        nr_mpi_communicator *part = nullptr;
        EXPECT_EQ(nr_mpi_split(c, 0, 0, patient, &part), NR_MPI_OK);
        EXPECT_EQ(FROM_STANDIN(standin_calls)("Comm_split"), 0);
        EXPECT_EQ(nr_mpi_free(part), NR_MPI_OK);
    });
}

TEST(MpiShim, ACommunicatorWithBatchesIsNotFreed) {
    on_ranks(1, [](nr_mpi_communicator *c, int, int) {
        const batch b(c);
        EXPECT_EQ(nr_mpi_free(c), NR_MPI_E_ARGUMENT);
    });
}

TEST(MpiShim, WrongArgumentsAreRefused) {
    on_ranks(2, [](nr_mpi_communicator *c, int, int) {
        const batch b(c);
        uint8_t byte = 0;
        const int64_t negative[] = {1, -1}, huge[] = {int64_t(1) << 31, 0}, beyond[] = {1 << 30, 1 << 30};
        EXPECT_EQ(nr_mpi_send(b.handle, &byte, -1, 0, 0), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_send(b.handle, &byte, 1, 2, 0), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_send(b.handle, &byte, 1, -1, 0), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_send(b.handle, &byte, 1, 0, -1), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_send(b.handle, &byte, 1, 0, 32767), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_receive(b.handle, nullptr, 1, 0, 0), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_all_gather(b.handle, &byte, int64_t(1) << 31, &byte), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_all_gather_ranges(b.handle, &byte, negative, negative), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_all_gather_ranges(b.handle, &byte, huge, negative), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_reduce_scatter(b.handle, NR_MPI_BYTE, &byte, beyond, &byte), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_reduce_scatter(b.handle, NR_MPI_FLOAT32, &byte, beyond, &byte), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_broadcast(b.handle, &byte, 1, 2), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_split(c, -2, 0, patient, nullptr), NR_MPI_E_NULL);
        EXPECT_EQ(b.wait(0), NR_MPI_OK) << "nothing was begun";
    });
}

TEST(MpiShim, NullIsRefused) {
    on_ranks(1, [](nr_mpi_communicator *c, int, int) {
        const batch b(c);
        const int64_t one = 1, zero = 0, below = -1;
        int32_t number = 0;
        uint8_t byte = 0;
        nr_mpi_communicator *made = nullptr;
        EXPECT_EQ(nr_mpi_world(patient, 0, nullptr), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_world(patient, -1, &made), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_split(nullptr, 0, 0, patient, &made), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_split(c, -2, 0, patient, &made), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_rank(nullptr, &number, &number), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_batch_create(nullptr, nullptr), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_send(nullptr, &byte, 1, 0, 0), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_receive(nullptr, &byte, 1, 0, 0), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_all_gather(nullptr, &byte, 1, &byte), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_all_gather(b.handle, nullptr, 1, &byte), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_all_gather_ranges(nullptr, &byte, &one, &zero), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_all_gather_ranges(b.handle, &byte, nullptr, &zero), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_all_gather_ranges(b.handle, &byte, &zero, &below), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_broadcast(nullptr, &byte, 1, 0), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_broadcast(b.handle, nullptr, 1, 0), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_reduce_scatter(nullptr, NR_MPI_FLOAT32, &byte, &one, &byte), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_reduce_scatter(b.handle, NR_MPI_FLOAT32, &byte, nullptr, &byte), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_reduce_scatter(b.handle, NR_MPI_FLOAT32, nullptr, &one, &byte), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_test(nullptr, &number), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_test(b.handle, nullptr), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_roll_called(nullptr, &number), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_roll_call(nullptr, NR_MPI_FAILED, patient, &byte), NR_MPI_E_NULL);
        EXPECT_EQ(nr_mpi_roll_call(c, NR_MPI_ABSENT, patient, &byte), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(b.wait(0), NR_MPI_OK) << "nothing was begun";
    });
}

/* Making a communicator fails at whichever call; the next one is made. */
TEST(MpiShim, ACommunicatorThatCannotBeMadeIsReportedByName) {
    for (const std::string function : {"Comm_idup", "Comm_set_errhandler", "Comm_rank", "Comm_size"}) {
        FROM_STANDIN(standin_reset)();
        int64_t handle = 0;
        ASSERT_EQ(open_library(STANDIN).status, NR_MPI_OK);
        FROM_STANDIN(standin_world)(1, &handle);
        FROM_STANDIN(standin_fail)(function.c_str(), 0);
        nr_mpi_communicator *made = nullptr;
        EXPECT_EQ(nr_mpi_adopt(handle, patient, 0, &made), NR_MPI_E_CALL) << function;
        EXPECT_EQ(made, nullptr);
        FROM_STANDIN(standin_reset)();
        on_ranks(1, [](nr_mpi_communicator *, int, int) {});
    }
}

TEST(MpiShim, ARollCallThatCannotBeSentIsAFailure) {
    for (const std::string function : {"Irecv", "Isend"}) {
        FROM_STANDIN(standin_reset)();
        on_ranks(2, [&](nr_mpi_communicator *c, int rank, int) {
            uint8_t presence[2];
            if (rank != 0)
                return;
            FROM_STANDIN(standin_fail)(function.c_str(), 0);
            EXPECT_EQ(nr_mpi_roll_call(c, NR_MPI_FAILED, hasty, presence), NR_MPI_E_CALL) << function;
        });
    }
    FROM_STANDIN(standin_reset)();
}

TEST(MpiShim, EveryFailingCallIsReportedByName) {
    FROM_STANDIN(standin_reset)();
    const std::vector<std::string> functions = {"Isend",       "Irecv",           "Ibcast", "Iallgather",
                                                "Iallgatherv", "Ireduce_scatter", "Test"};
    for (const std::string &function : functions)
        on_ranks(1, [&](nr_mpi_communicator *c, int, int) {
            const batch b(c);
            const int64_t one = 1, zero = 0;
            float from = 1, to = 0;
            int32_t done = 0;
            FROM_STANDIN(standin_fail)(function.c_str(), 0);
            const std::vector<nr_mpi_status> statuses = {
                nr_mpi_send(b.handle, &from, 1, 0, 0),
                nr_mpi_receive(b.handle, &to, 1, 0, 0),
                nr_mpi_broadcast(b.handle, &from, 1, 0),
                nr_mpi_all_gather(b.handle, &from, 1, &to),
                nr_mpi_all_gather_ranges(b.handle, &to, &one, &zero),
                nr_mpi_reduce_scatter(b.handle, NR_MPI_FLOAT32, &from, &one, &to),
                nr_mpi_test(b.handle, &done),
            };
            char message[256];
            for (size_t i = 0; i < statuses.size(); ++i)
                EXPECT_EQ(statuses[i], function == functions[i] ? NR_MPI_E_CALL : NR_MPI_OK) << function << i;
            EXPECT_EQ(nr_mpi_failure(c, message, sizeof message), NR_MPI_OK);
            EXPECT_EQ(std::string(message), "MPI_" + function + ": MPI_ERR_OTHER: injected");
        });
}

TEST(MpiShim, ATruncatedMessageIsAFailureNotADamage) {
    on_ranks(1, [](nr_mpi_communicator *c, int, int) {
        const batch b(c);
        const uint8_t sent[2] = {1, 2};
        uint8_t received[2] = {7, 7};
        ASSERT_EQ(nr_mpi_receive(b.handle, received, 1, 0, 0), NR_MPI_OK);
        ASSERT_EQ(nr_mpi_send(b.handle, sent, 2, 0, 0), NR_MPI_OK);
        EXPECT_EQ(b.wait(), NR_MPI_E_CALL);
        EXPECT_EQ(received[1], 7);
    });
}

TEST(MpiShim, WhatNeverCompletesEndsInATimeoutAndARollCallNamesWhoIsMissing) {
    on_ranks(3, [](nr_mpi_communicator *c, int rank, int) {
        if (rank == 1)
            return; /* dead */
        const batch b(c);
        const uint8_t own = 1;
        uint8_t all[3] = {};
        ASSERT_EQ(nr_mpi_all_gather(b.handle, &own, 1, all), NR_MPI_OK);
        int32_t called = 0;
        if (rank == 0)
            EXPECT_EQ(b.wait(hasty), NR_MPI_E_TIMEOUT);
        else
            while (called == 0)
                ASSERT_EQ(nr_mpi_roll_called(c, &called), NR_MPI_OK);
        uint8_t presence[3] = {7, 7, 7};
        EXPECT_EQ(nr_mpi_roll_call(c, 0, second, presence), NR_MPI_E_ARGUMENT);
        EXPECT_EQ(nr_mpi_roll_call(c, rank == 0 ? NR_MPI_WAITED_IN_VAIN : NR_MPI_FAILED, second, presence), NR_MPI_OK);
        EXPECT_EQ(presence[0], NR_MPI_WAITED_IN_VAIN);
        EXPECT_EQ(presence[1], NR_MPI_ABSENT);
        EXPECT_EQ(presence[2], NR_MPI_FAILED);
    });
}

TEST(MpiShim, EveryStatusHasANameAndAText) {
    for (nr_mpi_status status = NR_MPI_OK; status <= NR_MPI_E_NOT_OPEN; ++status) {
        EXPECT_TRUE(contains(nr_mpi_status_name(status), "NR_MPI_")) << status;
        EXPECT_STRNE(nr_mpi_status_text(status), nr_mpi_status_text(-1)) << status;
    }
    EXPECT_STREQ(nr_mpi_status_name(NR_MPI_E_NOT_OPEN + 1), "unknown");
    EXPECT_EQ(nr_mpi_abi_version(), NR_MPI_ABI_VERSION);
}
