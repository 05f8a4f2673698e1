using System.CommandLine;
using System.Globalization;
using NativeRanger.Cli.Bench;
using Spectre.Console;

namespace NativeRanger.Cli.Commands;

/// <summary>Measures how close steps get to the speed of this machine's memory.</summary>
internal sealed class BenchCommand : Command
{
    private const string DefaultOutput = "artifacts/bench";
    private const string FigureFile = "ratio.svg";
    private const double SecondsPerMeasurement = 0.3;
    private const long Kibibyte = 1024;
    private const long Mebibyte = 1024 * Kibibyte;

    private static readonly long[] DefaultSizes =
    [
        16 * Kibibyte,
        64 * Kibibyte,
        256 * Kibibyte,
        Mebibyte,
        4 * Mebibyte,
        16 * Mebibyte,
        64 * Mebibyte,
        512 * Mebibyte,
    ];

    private static readonly string Summary = $"""
        Measures steps against limit kernels: passes over the same arrays with next to no arithmetic. 1.00 is as fast as
        memory allows. Prints a table and advice, and draws {DefaultOutput}/{FigureFile}. On a GPU steps are measured against
        copies within its memory, and beside what they take where parameters and gradients are arrays of the host.

        Examples:
          nativeranger bench
          nativeranger bench --algorithm radam ranger --threads 1 --bytes 1MiB 512MiB
          nativeranger bench --isa avx2 avx512 --json figures.json
          nativeranger bench --backend cuda --bytes 1GiB
        """;

    private readonly Option<string[]> algorithmsOption = new("--algorithm")
    {
        Description =
            $"One or several of {string.Join(", ", BenchAlgorithm.All.Select(a => a.Name))} "
            + $"[default: {string.Join(' ', BenchAlgorithm.Default.Select(a => a.Name))}]",
        HelpName = "name",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string> backendOption = new("--backend")
    {
        Description = "native, or cuda for the first GPU",
        DefaultValueFactory = _ => BackendChoice.Native,
    };

    private readonly Option<string[]> typesOption = new("--type")
    {
        Description = $"{BenchCase.Float32}, {BenchCase.Float64} or both",
        HelpName = "name",
        DefaultValueFactory = _ => [BenchCase.Float32],
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> isasOption = new("--isa")
    {
        Description = "Instruction sets by name [default: the one that steps use]",
        HelpName = "name",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<int[]> threadsOption = new("--threads")
    {
        Description = "Numbers of threads [default: 1, and as many as there are processors]",
        HelpName = "count",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> sizesOption = new("--bytes")
    {
        Description =
            "Working sets (gradient, parameter and states), as in 65536, 64KiB, 16MiB, 1GiB "
            + $"[default: {string.Join(' ', DefaultSizes.Select(b => BenchTable.Bytes(b).Replace(" ", "")))}]",
        HelpName = "size",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> jsonOption = new("--json")
    {
        Description = "Also write the measurements to a file",
        HelpName = "file",
    };

    private readonly Option<string> outputOption = new("--output")
    {
        Description = "Where the figure is written",
        HelpName = "folder",
        DefaultValueFactory = _ => DefaultOutput,
    };

    public BenchCommand()
        : base("bench", Summary)
    {
        backendOption.AcceptOnlyFromAmong(BackendChoice.Native, BackendChoice.Cuda);
        Option[] options =
        [
            backendOption,
            algorithmsOption,
            typesOption,
            isasOption,
            threadsOption,
            sizesOption,
            jsonOption,
            outputOption,
        ];
        foreach (var option in options)
        {
            Add(option);
        }

        // On a thread of its own, so that an interrupt from the keyboard is seen while it runs.
        SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
    }

    private void Run(ParseResult parsed, CancellationToken cancellation)
    {
        var console = Terminal.For(parsed.InvocationConfiguration.Output);
        if (parsed.GetRequiredValue(backendOption) is BackendChoice.Cuda)
        {
            RunOnDevice(parsed, console, cancellation);
        }
        else
        {
            RunOnProcessor(parsed, console, cancellation);
        }
    }

    private void RunOnDevice(ParseResult parsed, IAnsiConsole console, CancellationToken cancellation)
    {
        var gpu = (CudaBackend)BackendChoice.CudaBackend().Backend;
        if (parsed.GetValue(isasOption) is { Length: > 0 } || parsed.GetValue(threadsOption) is { Length: > 0 })
        {
            throw new UserErrorException(
                "--isa and --threads are about the processor: leave them out with --backend cuda."
            );
        }

        // One case per type, algorithm and size; threads do not matter there.
        var cases = Cases(parsed, [1], gpu.MemoryBytes / 2);
        var measurements = Measure(
            console,
            cases.Length,
            cases.Select(what => DeviceProblem.Measure(gpu, what, SecondsPerMeasurement)),
            m =>
                $"{BenchTable.Name(m)}, {m.Type}, {m.Device}, {BenchTable.Bytes(m.WorkingSetBytes)}: {m.NsPerElement:0.0000} "
                + $"ns/element, {m.RatioToCopy:0.00} of a copy; from arrays of the host {m.HostNsPerElement:0.0000} ns/element",
            cancellation
        );
        console.WriteLine();
        console.Write(BenchTable.Of(measurements));
        console.WriteLine(
            "Of a copy: the bytes that a step moves over its time, over those of a copy within the device's memory. Host arrays: "
                + "ns/element where parameters and gradients are arrays of the host, which every step copies there and back."
        );
        if (parsed.GetValue(jsonOption) is { } file)
        {
            DeviceMeasurement.Write(file, measurements);
        }
    }

    private void RunOnProcessor(ParseResult parsed, IAnsiConsole console, CancellationToken cancellation)
    {
        LimitLibrary.Require();
        var machine = Machine.Here();
        var threads = parsed.GetValue(threadsOption) is { Length: > 0 } asked
            ? asked.Select(t => Selection.AtLeastOne(t, "--threads")).Distinct().ToArray()
            : [.. new[] { 1, Environment.ProcessorCount }.Distinct()];
        var cases = Cases(parsed, threads, long.MaxValue);
        var folder = OutputFolder.Create(parsed.GetRequiredValue(outputOption));
        var measurements = Measure(console, cases.Length, OnProcessor(cases), Line, cancellation);

        console.WriteLine();
        console.Write(BenchTable.Of(measurements));
        console.WriteLine(
            "Of the limit: the time of a pass over the same arrays with next to no arithmetic, on as many threads, over the "
                + "time of the step; 1.00 is as fast as memory allows."
        );
        foreach (
            var advice in BenchAdvice.For(
                machine,
                NativeBackend.Instance.InstructionSet,
                NativeBackend.Available,
                measurements
            )
        )
        {
            console.WriteLine($"Advice: {advice}");
        }

        BenchFigure.Of(measurements, machine.Processor).Save(Path.Combine(folder, FigureFile));
        if (parsed.GetValue(jsonOption) is { } file)
        {
            Measurement.Write(file, measurements);
        }

        console.WriteLine($"Wrote {FigureFile} to {folder}");
    }

    private static IEnumerable<Measurement> OnProcessor(BenchCase[] cases)
    {
        foreach (var group in cases.GroupBy(c => c.Threads))
        {
            using var team = new LimitTeam(group.Key);
            foreach (var what in group)
            {
                yield return BenchRunner.Measure(what, team, SecondsPerMeasurement);
            }
        }
    }

    /// <summary>Takes the measurements, each of which is made when it is asked for, and shows how far this is.</summary>
    private static List<TMeasurement> Measure<TMeasurement>(
        IAnsiConsole console,
        int count,
        IEnumerable<TMeasurement> all,
        Func<TMeasurement, string> line,
        CancellationToken cancellation
    )
    {
        var measurements = new List<TMeasurement>();
        if (!console.Profile.Capabilities.Interactive)
        {
            MeasureAll(m => console.WriteLine(line(m)));
            return measurements;
        }

        console
            .Progress()
            .Columns(
                new ProgressBarColumn(),
                new PercentageColumn(),
                new RemainingTimeColumn(),
                new TaskDescriptionColumn { Alignment = Justify.Left }
            )
            .Start(context =>
            {
                var task = context.AddTask("measuring", maxValue: count);
                MeasureAll(m =>
                {
                    task.Description = Markup.Escape(line(m));
                    task.Increment(1);
                });
            });
        return measurements;

        void MeasureAll(Action<TMeasurement> report)
        {
            foreach (var measurement in all)
            {
                measurements.Add(measurement);
                report(measurement);
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    private static string Line(Measurement m) =>
        $"{BenchTable.Name(m)}, {m.Type}, {m.Isa}, {BenchTable.Threads(m.Threads)}, {BenchTable.Bytes(m.WorkingSetBytes)}: "
        + $"{m.NsPerElement:0.0000} ns/element, {m.RatioToLimit:0.00} of the limit";

    private BenchCase[] Cases(ParseResult parsed, int[] threads, long mostBytes)
    {
        var algorithms =
            Selection.Given(
                parsed.GetValue(algorithmsOption),
                BenchAlgorithm.Find,
                "algorithm",
                BenchAlgorithm.All.Select(a => a.Name)
            ) ?? BenchAlgorithm.Default;
        string[] known = [BenchCase.Float32, BenchCase.Float64];
        var types = Selection.Given(
            parsed.GetValue(typesOption),
            name => known.FirstOrDefault(name.Equals),
            "type",
            known
        )!;
        var sizes = parsed.GetValue(sizesOption) is { Length: > 0 } given
            ? Selection.Words(given).Select(ParseBytes).Distinct().ToArray()
            : DefaultSizes;
        var largest = Math.Min(mostBytes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2);
        var tooLarge = sizes.FirstOrDefault(bytes => bytes > largest);
        if (tooLarge != 0)
        {
            throw new UserErrorException(
                $"--bytes {BenchTable.Bytes(tooLarge)} is more than half of the memory, {BenchTable.Bytes(largest)}."
            );
        }

        return
        [
            .. from count in threads
            from type in types
            from isa in InstructionSets(parsed.GetValue(isasOption))
            from algorithm in algorithms
            from bytes in sizes.Order()
            select new BenchCase(algorithm, type, isa, count, bytes),
        ];
    }

    private static IReadOnlyList<InstructionSet> InstructionSets(string[]? names)
    {
        if (names is not { Length: > 0 })
        {
            return [NativeBackend.Instance.InstructionSet];
        }

        var available = NativeBackend.Available;
        return
        [
            .. Selection
                .Words(names)
                .Select(name =>
                    available
                        .Cast<InstructionSet?>()
                        .FirstOrDefault(isa =>
                            string.Equals(BackendChoice.Spelling(isa!.Value), name, StringComparison.Ordinal)
                        )
                    ?? throw new UserErrorException(
                        $"The instruction set '{name}' cannot run here; there are {string.Join(", ", available.Select(BackendChoice.Spelling))}."
                    )
                )
                .Distinct(),
        ];
    }

    /// <summary>A number of bytes, with or without a binary unit.</summary>
    private static long ParseBytes(string text)
    {
        var digits = text.TrimEnd("KMGiB".ToCharArray());
        long? unit = text[digits.Length..] switch
        {
            "" or "B" => 1,
            "K" or "KiB" => Kibibyte,
            "M" or "MiB" => Mebibyte,
            "G" or "GiB" => 1024 * Mebibyte,
            _ => null,
        };
        return
            unit is { } factor
            && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count >= 1
            && count <= long.MaxValue / factor
            ? count * factor
            : throw new UserErrorException($"--bytes takes sizes as in 65536, 64KiB, 16MiB or 1GiB, not '{text}'.");
    }
}
