/* A tensor may be stepped in pieces, by whoever and in whatever order: the bits are the same. */
#include "problem.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace problem;

namespace {

/* The elements from begin on of every array of a tensor. */
template <class T>
nr_tensor from_element(nr_tensor t, int64_t begin, std::vector<nr_follower_buffers> &room, size_t n) {
    auto move = [&](void *p) { return p == nullptr ? p : static_cast<T *>(p) + begin; };
    t.parameter = move(t.parameter);
    t.gradient = move(t.gradient);
    for (void *&s : t.state)
        s = move(s);
    room.assign(t.followers, t.followers + n);
    for (nr_follower_buffers &f : room)
        f = {move(f.weights), move(f.momentum)};
    t.followers = room.data();
    return t;
}

template <class T>
class Splitting : public testing::Test {
protected:
    /* Steps whole as one piece and got in the given pieces, last piece first, some in a call of their own. */
    void expect_same(const options &o, const tensor<T> &start, std::vector<shape> pieces, std::vector<int64_t> begins,
                     std::vector<int64_t> first_rows, const std::vector<nr_row> &rows = {}) {
        nr_options how = o.view();
        for (int32_t isa : instruction_sets()) {
            how.isa = isa;
            tensor<T> want = start, got = start;
            const nr_tensor whole = want.view();
            ASSERT_EQ(nr_step(&how, 1, &whole), NR_OK);

            std::vector<std::vector<nr_follower_buffers>> rooms(pieces.size());
            std::vector<nr_tensor> calls;
            for (size_t i = pieces.size(); i-- > 0;) {
                nr_tensor t = from_element<T>(got.view(), begins[i], rooms[i], o.followers.size());
                t.outer = pieces[i].outer;
                t.rows = pieces[i].rows;
                t.inner = pieces[i].inner;
                t.stride = pieces[i].stride;
                if (!rows.empty())
                    t.row_values = rows.data() + first_rows[i];
                calls.push_back(t);
            }
            const int64_t half = int64_t(calls.size()) / 2;
            ASSERT_EQ(nr_step(&how, half, calls.data()), NR_OK);
            ASSERT_EQ(nr_step(&how, int64_t(calls.size()) - half, calls.data() + half), NR_OK);
            ASSERT_EQ(difference(want, got), "") << describe(o, start.extents(), isa);
        }
    }

    std::vector<int64_t> random_cuts(int64_t n) {
        std::vector<int64_t> cuts = {0, n};
        for (int i = pick(random, 6); i > 0; --i)
            cuts.push_back(pick(random, int(n) + 1));
        std::sort(cuts.begin(), cuts.end());
        return cuts;
    }

    random_bits random{11};
};

using types = testing::Types<float, double>;
TYPED_TEST_SUITE(Splitting, types, type_names);

constexpr int splittable[] = {NR_SGD, NR_ADAGRAD, NR_ADAM, NR_RADAM};

TYPED_TEST(Splitting, FlatTensorsAnywhere) {
    for (int round = 0; round < 400; ++round) {
        options o = random_options(this->random, splittable[round % 4], type_of<TypeParam>);
        o.how.adaptive_clip = 0;
        const int64_t n = 1 + pick(this->random, 700);
        tensor<TypeParam> start = random_tensor<TypeParam>(this->random, o, flat(n), true);
        start.flags = 0;
        const std::vector<int64_t> cuts = this->random_cuts(n);
        std::vector<shape> pieces;
        for (size_t i = 0; i + 1 < cuts.size(); ++i)
            pieces.push_back(flat(cuts[i + 1] - cuts[i]));
        this->expect_same(o, start, pieces, cuts, {});
    }
}

TYPED_TEST(Splitting, WholeRowsInEveryLayout) {
    for (int round = 0; round < 400; ++round) {
        const options o = random_options(this->random, splittable[round % 4], type_of<TypeParam>);
        const shape s = random_shape(this->random, 40, false);
        const tensor<TypeParam> start = random_tensor<TypeParam>(this->random, o, s, round % 2 == 0);
        const std::vector<int64_t> cuts = this->random_cuts(s.rows);
        std::vector<shape> pieces;
        std::vector<int64_t> begins;
        for (size_t i = 0; i + 1 < cuts.size(); ++i) {
            pieces.push_back({s.outer, cuts[i + 1] - cuts[i], s.inner, s.stride});
            begins.push_back(cuts[i] * s.inner);
        }
        this->expect_same(o, start, pieces, begins, {});
    }
}

/* Within rows only what the statistics of the whole row say may be used. */
TYPED_TEST(Splitting, WithinRowsWithGivenStatistics) {
    for (int round = 0; round < 400; ++round) {
        const options o = random_options(this->random, splittable[round % 4], type_of<TypeParam>);
        const bool across = round % 2 == 0;
        const int64_t rows = 1 + pick(this->random, 30), length = 2 + pick(this->random, 200);
        const shape s = across ? column_major(rows, length) : row_major(rows, length);
        tensor<TypeParam> start = random_tensor<TypeParam>(this->random, o, s, round % 3 == 0);
        start.with_gradient = true;
        nr_options how = o.view();
        const nr_tensor whole = start.view();
        std::vector<nr_row> statistics(size_t(rows), nr_row{1, 0, 1});
        nr_row *out = statistics.data();
        ASSERT_EQ(nr_row_statistics(&how, 1, &whole, &out), NR_OK);

        const std::vector<int64_t> cuts = this->random_cuts(length);
        std::vector<shape> pieces;
        std::vector<int64_t> begins, first_rows;
        for (size_t i = 0; i + 1 < cuts.size(); ++i)
            for (int64_t r = 0; r < (across ? 1 : rows); ++r) {
                const int64_t part = cuts[i + 1] - cuts[i];
                pieces.push_back(across ? column_major(rows, part) : row_major(1, part));
                begins.push_back(across ? cuts[i] * rows : r * length + cuts[i]);
                first_rows.push_back(r);
            }
        this->expect_same(o, start, pieces, begins, first_rows, statistics);
    }
}

/* The same matrix, stored by rows and by columns. */
TYPED_TEST(Splitting, ColumnMajorIsTheTransposedRowMajor) {
    for (int round = 0; round < 150; ++round) {
        const options o = random_options(this->random, splittable[round % 4], type_of<TypeParam>);
        const int64_t rows = 1 + pick(this->random, 200), columns = 2 + pick(this->random, 90);
        const tensor<TypeParam> start =
            random_tensor<TypeParam>(this->random, o, row_major(rows, columns), round % 2 == 0);
        tensor<TypeParam> turned(this->random, o, column_major(rows, columns), false, start.skew());
        turned.step = start.step;
        turned.active = start.active;
        turned.flags = start.flags;
        turned.with_gradient = start.with_gradient;
        auto turn = [&](const std::vector<TypeParam> &from, std::vector<TypeParam> &to) {
            for (int64_t r = 0; r < rows; ++r)
                for (int64_t c = 0; c < columns; ++c)
                    to[size_t(start.skew() + c * rows + r)] = from[size_t(start.skew() + r * columns + c)];
        };
        auto turn_all = [&](tensor<TypeParam> from, tensor<TypeParam> &to) {
            turn(from.p, to.p);
            turn(from.g, to.g);
            for (int j = 0; j < 4; ++j)
                turn(from.state(j), to.state(j));
            for (size_t i = 0; i < from.followers.size(); ++i) {
                turn(from.followers[i], to.followers[i]);
                turn(from.momenta[i], to.momenta[i]);
            }
        };
        turn_all(start, turned);
        nr_options how = o.view();
        for (int32_t isa : instruction_sets()) {
            how.isa = isa;
            tensor<TypeParam> by_rows = start, by_columns = turned, want = turned;
            const nr_tensor calls[] = {by_rows.view(), by_columns.view()};
            ASSERT_EQ(nr_step(&how, 2, calls), NR_OK);
            turn_all(by_rows, want);
            ASSERT_EQ(difference(want, by_columns), "") << describe(o, start.extents(), isa);
        }
    }
}

/* A lane of a sum starts at +0, so that no mean is ever -0. */
TYPED_TEST(Splitting, MeansOfNegativeZerosArePositive) {
    const options o(NR_SGD, type_of<TypeParam>);
    for (int64_t columns : {2, 10, 31, 32, 33, 70})
        for (const shape &s : {row_major(20, columns), column_major(20, columns)}) {
            tensor<TypeParam> t(this->random, o, s, false);
            t.flags = NR_CENTRALISE;
            std::fill(t.g.begin(), t.g.end(), TypeParam(-0.0));
            for (int32_t isa : instruction_sets()) {
                nr_options how = o.view();
                how.isa = isa;
                const nr_tensor call = t.view();
                std::vector<nr_row> rows(20);
                nr_row *out = rows.data();
                ASSERT_EQ(nr_row_statistics(&how, 1, &call, &out), NR_OK);
                for (const nr_row &row : rows)
                    ASSERT_TRUE(same(row.mean, 0.0)) << describe(o, s, isa);
            }
        }
}

/* One call for all of them leaves what a call for each does. */
template <class T>
void expect_as_alone(const options &o, const std::vector<tensor<T>> &start) {
    nr_options how = o.view();
    for (int32_t isa : instruction_sets()) {
        how.isa = isa;
        std::vector<tensor<T>> alone = start, together = start;
        std::vector<nr_tensor> calls;
        for (size_t i = 0; i < start.size(); ++i) {
            const nr_tensor one = alone[i].view();
            ASSERT_EQ(nr_step(&how, 1, &one), NR_OK);
            calls.push_back(together[i].view());
        }
        ASSERT_EQ(nr_step(&how, int64_t(calls.size()), calls.data()), NR_OK);
        for (size_t i = 0; i < start.size(); ++i)
            ASSERT_EQ(difference(alone[i], together[i]), "") << i << ", " << describe(o, alone[i].extents(), isa);
    }
}

/* Tensors with different steps share a call. */
TEST(Lists, EveryTensorHasItsOwnStep) {
    random_bits random(12);
    const options o(NR_RADAM, NR_FLOAT32);
    std::vector<tensor<float>> tensors;
    for (int64_t t = 1; t <= 100; ++t) {
        tensors.emplace_back(random, o, flat(1 + t % 40), false);
        tensors.back().step = 1 + (t * 37) % 50;
    }
    expect_as_alone(o, tensors);
}

/* Tensors that are alike but for their arrays are stepped together; those between them that are not, by themselves. */
TYPED_TEST(Splitting, RunsOfTensorsThatAreAlike) {
    const shape shapes[] = {flat(1), flat(100), flat(37), flat(600), flat(0), row_major(3, 21), {3, 4, 1, 9}};
    for (int round = 0; round < 60; ++round) {
        const int32_t algorithm = splittable[round % 4];
        const options o = round % 3 == 0 ? random_options(this->random, algorithm, type_of<TypeParam>)
                                         : options(algorithm, type_of<TypeParam>);
        std::vector<tensor<TypeParam>> tensors;
        for (int i = 0; i < 30; ++i) {
            const bool usual = pick(this->random, 4) != 0;
            tensors.push_back(random_tensor<TypeParam>(this->random, o, shapes[pick(this->random, 7)], false));
            tensors.back().step = usual ? 9 : 5 + pick(this->random, 5);
            tensors.back().with_gradient = usual || pick(this->random, 2) == 0;
            if (usual)
                tensors.back().flags = 0;
            if (usual || o.followers.empty())
                tensors.back().active = 0;
        }
        ASSERT_NO_FATAL_FAILURE(expect_as_alone(o, tensors));
    }
}

/* The last elements of several tensors share registers, however many tensors there are. */
TYPED_TEST(Splitting, TensorsOfTheSameLength) {
    for (int32_t algorithm : splittable)
        for (int64_t n = 1; n <= 70; ++n)
            for (int count : {3, 4, 9}) {
                const options o(algorithm, type_of<TypeParam>);
                std::vector<tensor<TypeParam>> tensors;
                for (int i = 0; i < count; ++i) {
                    tensors.emplace_back(this->random, o, flat(n), true, i % 3);
                    tensors.back().step = 9;
                }
                if (count == 9 && n % 3 == 0)
                    tensors[size_t(n) % 4].with_gradient = false;
                ASSERT_NO_FATAL_FAILURE(expect_as_alone(o, tensors));
            }
}

/* One row, whose mean comes from the sums of its pieces' blocks. */
TYPED_TEST(Splitting, ALongRowBetweenSeveral) {
    for (int round = 0; round < 40; ++round) {
        options o = random_options(this->random, splittable[round % 4], type_of<TypeParam>);
        o.how.adaptive_clip = 0;
        o.how.flags &= ~uint32_t{NR_CENTRALISE_UPDATE};
        const int64_t block = 4'096, n = 2 * block + pick(this->random, 5 * int(block));
        tensor<TypeParam> start = random_tensor<TypeParam>(this->random, o, flat(n), round % 4 == 3);
        start.flags = NR_CENTRALISE;
        start.with_gradient = true;

        const int64_t cut = block * (1 + pick(this->random, int(n / block - 1)));
        const std::vector<shape> pieces = {flat(cut), flat(n - cut)};
        const std::vector<int64_t> begins = {0, cut};
        nr_options how = o.view();
        for (int32_t isa : instruction_sets()) {
            how.isa = isa;
            std::vector<double> sums(size_t((n + block - 1) / block));
            double *places[] = {sums.data(), sums.data() + cut / block};
            std::vector<nr_follower_buffers> rooms[2];
            std::vector<nr_tensor> calls;
            for (size_t i = 0; i < 2; ++i) {
                calls.push_back(from_element<TypeParam>(start.view(), begins[i], rooms[i], o.followers.size()));
                calls[i].inner = calls[i].stride = pieces[i].inner;
            }
            ASSERT_EQ(nr_gradient_sums(&how, 2, calls.data(), places), NR_OK);
            double sum = 0;
            ASSERT_EQ(nr_reduce(int64_t(sums.size()), sums.data(), &sum), NR_OK);
            const std::vector<nr_row> rows = {{1, double(TypeParam(sum / double(n))), 1}};
            this->expect_same(o, start, pieces, begins, {0, 0}, rows);
        }
    }
}

} // namespace
