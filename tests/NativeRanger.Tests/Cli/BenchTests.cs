using System.Text.Json;
using NativeRanger.Cli.Bench;

namespace NativeRanger.Tests.Cli;

public sealed class BenchTests
{
    private static readonly Machine Quiet = new()
    {
        Processor = "a processor",
        Processors = 2,
        UsableProcessors = 2,
        HugePages = "madvise",
        Load = 0,
        Caches = [],
    };

    [Fact]
    public void Bench_writes_a_row_per_measurement_of_what_was_selected()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "rows.json");

        string[] selection =
        [
            "--algorithm",
            "momentum",
            "ranger",
            "--type",
            "float64",
            "--isa",
            "scalar",
            "--threads",
            "1",
        ];
        string[] where = ["--bytes", "4096,8KiB", "--json", file, "--output", folder.Path];
        var shell = Shell.Run(["bench", .. selection, .. where]);

        Assert.Equal(0, shell.ExitCode);
        Assert.Contains("Of the limit", shell.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(folder.Path, "ratio.svg")));
        var rows = JsonDocument.Parse(File.ReadAllText(file)).RootElement.EnumerateArray().ToArray();
        string[] keys =
        [
            "algorithm",
            "centralised",
            "type",
            "isa",
            "threads",
            "rows",
            "elements",
            "workingSetBytes",
            "nsPerElement",
            "gigabytesPerSecond",
            "ratioToLimit",
        ];
        Assert.Equal(4, rows.Length);
        Assert.All(rows, row => Assert.Equal(keys, row.EnumerateObject().Select(p => p.Name), StringComparer.Ordinal));
        Assert.All(rows, row => Assert.Equal("float64", row.GetProperty("type").GetString()));
        Assert.All(rows, row => Assert.Equal("scalar", row.GetProperty("isa").GetString()));
        Assert.All(rows, row => Assert.Equal(1, row.GetProperty("threads").GetInt32()));
        Assert.All(rows, row => Assert.True(row.GetProperty("ratioToLimit").GetDouble() > 0));

        // Momentum has a gradient, a parameter and a buffer of 8 bytes per element, and moves 5 of them.
        Assert.Equal("momentum", rows[0].GetProperty("algorithm").GetString());
        Assert.Equal(4096 / 24, rows[0].GetProperty("elements").GetInt64());
        Assert.Equal(4096 / 24 * 24, rows[0].GetProperty("workingSetBytes").GetInt64());
        Assert.Equal(
            40,
            rows[0].GetProperty("gigabytesPerSecond").GetDouble() * rows[0].GetProperty("nsPerElement").GetDouble(),
            precision: 9
        );
        Assert.Equal("ranger", rows[2].GetProperty("algorithm").GetString());
        Assert.True(rows[2].GetProperty("centralised").GetBoolean());
    }

    [Theory]
    [InlineData("--algorithm", "adem", "There is no algorithm 'adem'")]
    [InlineData("--type", "float16", "There is no type 'float16'")]
    [InlineData("--isa", "mmx", "The instruction set 'mmx' cannot run here")]
    [InlineData("--threads", "0", "--threads must be at least 1")]
    [InlineData("--bytes", "12Q", "--bytes takes sizes")]
    [InlineData("--bytes", "-5", "--bytes takes sizes")]
    [InlineData("--bytes", "-5M", "--bytes takes sizes")]
    [InlineData("--bytes", "5BK", "--bytes takes sizes")]
    [InlineData("--bytes", "99999999GiB", "--bytes")]
    public void What_cannot_be_measured_is_refused_by_name(string option, string value, string message)
    {
        var shell = Shell.Run("bench", option, value);

        Assert.Equal(2, shell.ExitCode);
        Assert.Contains(message, shell.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sgd", 12)]
    [InlineData("momentum", 20)]
    [InlineData("adagrad", 20)]
    [InlineData("adam", 28)]
    [InlineData("adamw", 28)]
    [InlineData("radam", 28)]
    [InlineData("radam-gc", 28)]
    // The slow weights are read and written once in 6 steps.
    [InlineData("ranger", 28 + (8 / 6.0))]
    public void Every_array_that_a_step_reads_or_writes_counts(string algorithm, double bytes)
    {
        Assert.Equal(bytes, BenchAlgorithm.Find(algorithm)!.BytesPerElement(sizeof(float)), precision: 12);
        Assert.Equal(2 * bytes, BenchAlgorithm.Find(algorithm)!.BytesPerElement(sizeof(double)), precision: 12);
    }

    [Fact]
    public void Centralised_steps_have_whole_rows_of_4096_elements_where_there_are_as_many()
    {
        BenchCase Case(long bytes) =>
            new(BenchAlgorithm.Find("radam-gc")!, BenchCase.Float32, InstructionSet.Auto, 1, bytes);

        Assert.Equal((16, 4096), Case(1 << 20).Shape);
        Assert.Equal((1, 1024), Case(1 << 14).Shape);
        // A row of one element has no mean to take away.
        Assert.Equal((1, 2), Case(1).Shape);
    }

    [Fact]
    public void A_quiet_machine_that_does_what_it_can_gets_no_advice() =>
        Assert.Empty(Advice(Quiet, InstructionSet.Avx512));

    [Fact]
    public void What_is_off_is_named()
    {
        Assert.Contains("huge pages", Advice(Quiet with { HugePages = "never" }), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("busy", Advice(Quiet with { Load = 2 }), StringComparison.Ordinal);
        Assert.Contains("1 processor of 2", Advice(Quiet with { UsableProcessors = 1 }), StringComparison.Ordinal);
        Assert.Contains(
            "There is one processor",
            Advice(Quiet with { Processors = 1, UsableProcessors = 1 }),
            StringComparison.Ordinal
        );
        Assert.Contains("NATIVERANGER_ISA", Advice(Quiet, InstructionSet.Avx2), StringComparison.Ordinal);
        Assert.Contains(
            "neither AVX2 nor AVX-512",
            Advice(Quiet, InstructionSet.Scalar, InstructionSet.Scalar),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "0.50 of its limit",
            Advice(Quiet, InstructionSet.Avx512, InstructionSet.Avx512, ratioInMemory: 0.5),
            StringComparison.Ordinal
        );
    }

    private static string Advice(
        Machine machine,
        InstructionSet chosen = InstructionSet.Avx512,
        InstructionSet best = InstructionSet.Avx512,
        double ratioInMemory = 0.99
    )
    {
        var inMemory = new Measurement(
            "radam",
            Centralised: false,
            "float32",
            "avx512",
            Threads: 1,
            Rows: 1,
            Elements: 1 << 26,
            WorkingSetBytes: 1 << 30,
            NsPerElement: 1,
            GigabytesPerSecond: 28,
            ratioInMemory
        );
        InstructionSet[] available = best == InstructionSet.Scalar ? [best] : [InstructionSet.Scalar, best];
        return string.Join('\n', BenchAdvice.For(machine, chosen, available, [inMemory]));
    }
}

public sealed class InterleavedTests
{
    [Fact]
    public void Every_variant_is_timed_in_every_round_in_whole_cycles_after_untimed_ones()
    {
        var calls = new List<(int Variant, long Untimed, long Timed)>();
        Variant Recorded(int number, int cycle, bool warm) =>
            new(
                (untimed, timed) =>
                {
                    calls.Add((number, untimed, timed));
                    return 1e-6 * timed;
                },
                cycle,
                warm
            );

        var times = Interleaved.Compare([Recorded(0, 6, warm: true), Recorded(1, 1, warm: false)], seconds: 0);

        Assert.Equal(times[0].Length, times[1].Length);
        Assert.True(times[0].Length >= 7);
        Assert.All(times.SelectMany(t => t), t => Assert.Equal(1e-6, t, precision: 12));
        Assert.All(calls.Where(c => c.Variant == 0), c => Assert.Equal((0, 0), (c.Untimed % 6, c.Timed % 6)));
        var rounds = calls.TakeLast(2 * times[0].Length).ToArray();
        Assert.All(rounds, c => Assert.Equal(c.Variant == 0, c.Untimed > 0));
    }

    [Fact]
    public void A_first_call_that_waits_for_the_compiler_does_not_make_the_batches_short()
    {
        var calls = 0;
        var batches = new List<long>();
        var variant = new Variant(
            (_, timed) =>
            {
                batches.Add(timed);
                return (++calls is 1 or 4 ? 1e-2 : 0) + (1e-6 * timed);
            }
        );

        Interleaved.Compare([variant], seconds: 0);

        // 150 µs at 1 µs each.
        Assert.Equal(150, batches[^1]);
    }

    [Fact]
    public void Ratios_are_taken_within_a_round()
    {
        // The ratio of the medians would be 30 / 10.
        Assert.Equal(2, Interleaved.MedianRatio([2, 30, 40], [1, 15, 10]));
        Assert.Equal(3, Interleaved.Median([5, 1, 3]));
    }
}
