#include "step_input.h"

namespace fuzz {
namespace {

arrays memory;

const char *name_of(int32_t isa) { return nr_isa_name(isa) != nullptr ? nr_isa_name(isa) : "on no instruction set"; }

/* One call of libnativeranger, on every instruction set of this processor. */
class cpu_call : step_input {
public:
    explicit cpu_call(bytes in) : step_input(in, memory) {}

    void run() {
        switch (in_.below(16)) {
        case 0:
            return reduce();
        case 1:
            return accumulate();
        case 2:
            return describe();
        case 3:
            return row_statistics();
        case 4:
            return square_sums();
        case 5:
            return gradient_sums();
        default:
            return step();
        }
    }

private:
    void step() {
        options();
        int64_t count = 0;
        if (nr_tensor *t = tensors(count))
            on_every_isa([=] { return nr_step(options_, count, t); });
    }

    void row_statistics() {
        options();
        int64_t count = 0;
        nr_tensor *t = tensors(count);
        if (t == nullptr)
            return;
        nr_row *rows[3] = {};
        for (int64_t i = 0; i < count; ++i)
            rows[i] =
                in_.wrong_in(16)
                    ? nullptr
                    : static_cast<nr_row *>(memory.allocate(size_t(t[i].rows < 0 ? 0 : t[i].rows) * sizeof(nr_row),
                                                            arrays::content::float64, fill_));
        nr_row *const *list = guarded_copy(rows, count < 0 ? 0 : size_t(count));
        on_every_isa([=] { return nr_row_statistics(options_, count, t, list); });
    }

    /* Room for the sums of every block of every gradient; null where it may be, or where something is to be wrong. */
    double *const *block_sums(const nr_tensor *t, int64_t count) {
        double *sums[3] = {};
        for (int64_t i = 0; i < count; ++i)
            sums[i] =
                in_.wrong_in(16) ? nullptr : static_cast<double *>(numbers((span(t[i]) + 4095) / 4096, NR_FLOAT64));
        return guarded_copy(sums, count < 0 ? 0 : size_t(count));
    }

    void square_sums() {
        options();
        int64_t count = 0;
        nr_tensor *t = tensors(count);
        if (t == nullptr)
            return;
        double *const *sums = in_.one_in(8) ? nullptr : block_sums(t, count);
        int32_t *nonfinite =
            in_.wrong_in(16) ? nullptr : static_cast<int32_t *>(memory.allocate(4, arrays::content::exact, fill_));
        const double scale = in_.likely({1.0, 0x1p-600, 0.0, -1.0});
        on_every_isa([=] { return nr_square_sums(options_, count, t, scale, sums, nonfinite); });
    }

    void gradient_sums() {
        options();
        int64_t count = 0;
        nr_tensor *t = tensors(count);
        if (t == nullptr)
            return;
        if (in_.sound) {
            options_->adaptive_clip = 0;
            for (int64_t i = 0; i < count; ++i) {
                t[i].inner *= t[i].outer * t[i].rows;
                t[i].outer = t[i].rows = 1;
            }
        }
        double *const *sums = block_sums(t, count);
        on_every_isa([=] { return nr_gradient_sums(options_, count, t, sums); });
    }

    void reduce() {
        const int64_t n = times(extent(100), in_.one_in(8) ? 60 : 1);
        if (n > int64_t(guarded::room / 8)) {
            ++counts.left_out;
            return;
        }
        double *sums = in_.wrong_in(16) ? nullptr : static_cast<double *>(numbers(n < 0 ? 0 : n, NR_FLOAT64));
        double *result = in_.wrong_in(16) ? nullptr : static_cast<double *>(numbers(1, NR_FLOAT64));
        on_every_isa([=] { return nr_reduce(n, sums, result); });
    }

    void accumulate() {
        const int32_t type = in_.likely({int32_t(NR_FLOAT32), int32_t(NR_FLOAT64)});
        isa_ = in_.wrong_in(16) ? in_.raw<int32_t>() : int32_t(NR_ISA_AUTO);
        const int64_t n = extent(200);
        if (n > int64_t(guarded::room / 8)) {
            ++counts.left_out;
            return;
        }
        void *gradient = array(n < 0 ? 0 : n, type);
        void *sum = array(n < 0 ? 0 : n, type);
        on_every_isa([=] { return nr_accumulate(type, accumulate_isa_, n, gradient, sum); });
    }

    /* What only answers: never null where the contract says so, whatever is asked. */
    void describe() {
        const int32_t a = in_.likely({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1});
        const int32_t b = in_.likely({-1, 0, 1, 5, 20, 30});
        if (nr_status_name(a) == nullptr || nr_status_text(a) == nullptr)
            fail("a status has no name or text");
        if (nr_layout(a, b) < -1 || nr_layout(a, b) > int64_t(sizeof(nr_options)))
            fail("a layout that cannot be");
        if (nr_isa_available(a) != 0 && nr_isa_name(a) == nullptr)
            fail("an instruction set without a name");
        if (nr_abi_version() != NR_ABI_VERSION || nr_version() == nullptr || nr_build_info() == nullptr)
            fail("the library does not say what it is");
        if (nr_isa() != NR_ISA_AUTO ? !nr_isa_available(nr_isa()) : nr_isa_forced() == nullptr)
            fail("an instruction set was chosen that is not there");
    }

    template <class F>
    void on_every_isa(F f) {
        const std::vector<uint8_t> before = memory.snapshot();
        if (isa_ != NR_ISA_AUTO) {
            check(f, isa_, before);
            return;
        }
        nr_status first = NR_OK;
        std::vector<uint8_t> wanted;
        for (int32_t isa = NR_ISA_SCALAR; isa < NR_ISA_COUNT; ++isa) {
            if (!nr_isa_available(isa))
                continue;
            const nr_status status = check(f, isa, before);
            const std::vector<uint8_t> got = without_isa(memory.snapshot());
            if (isa == NR_ISA_SCALAR) {
                first = status;
                wanted = got;
                ++(status == NR_OK ? counts.succeeded : counts.refused);
            } else if (status != first)
                fail("another status than scalar", name_of(isa));
            else if (!memory.same(wanted, got))
                fail("other bits than scalar", name_of(isa));
        }
    }

    template <class F>
    nr_status check(F f, int32_t isa, const std::vector<uint8_t> &before) {
        memory.restore(before);
        accumulate_isa_ = isa;
        if (options_ != nullptr)
            options_->isa = isa;
        const std::vector<uint8_t> start = memory.snapshot();
        const nr_status status = f();
        if (!memory.are_intact())
            fail("bytes before an array have changed", name_of(isa));
        if (nr_status_name(status) == nullptr || status < NR_OK || status > NR_E_TYPE)
            fail("a status that does not exist", name_of(isa));
        if (status != NR_OK && memory.snapshot() != start)
            fail("a refused call has written", name_of(isa));
        if (status == NR_OK && isa != NR_ISA_AUTO && !nr_isa_available(isa))
            fail("an instruction set that is not there has run", name_of(isa));
        return status;
    }

    /* Snapshots of different instruction sets, but for the option that names them. */
    std::vector<uint8_t> without_isa(std::vector<uint8_t> all) {
        if (options_ != nullptr) {
            const int32_t isa = options_->isa;
            options_->isa = NR_ISA_AUTO;
            all = memory.snapshot();
            options_->isa = isa;
        }
        return all;
    }

    int32_t accumulate_isa_ = NR_ISA_AUTO;
};

} // namespace

void call(const uint8_t *data, size_t size) {
    ++counts.inputs;
    cpu_call(bytes(data, size)).run();
}

} // namespace fuzz
