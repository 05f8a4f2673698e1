using System.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Mpi.Tests.Support;

/// <summary>How one parameter of a problem looks.</summary>
internal sealed record Form(string Name, long[] Shape)
{
    public StorageOrder Storage { get; init; }

    public int OutputDimension { get; init; }

    public int Length => (int)Shape.Aggregate(1L, (a, b) => a * b);
}

/// <summary>Parameters and the gradients of M micro-batches in each of several steps, repeatable from a seed.</summary>
internal sealed class Problem<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Every way in which a parameter can lie across ranks, rows and canonical blocks.</summary>
    public static readonly Form[] AllForms =
    [
        new("rows", [70, 90]),
        new("vector", [9001]),
        new("long rows", [3, 4500]),
        new("columns", [60, 110]) { Storage = StorageOrder.ColumnMajor },
        new("input-major", [50, 100]) { OutputDimension = 1 },
        new("filters", [8, 3, 5, 5]),
        new("bias", [13]),
        new("empty", [0]),
        new("no rows", [0, 5]),
        new("one", [1]),
    ];

    private readonly Form[] forms;
    private readonly T[][] initial;
    private readonly T[]?[][][] gradients;

    /// <summary>A problem.</summary>
    /// <param name="forms">The parameters.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="microBatches">M.</param>
    /// <param name="absent">One gradient in so many is null; 0 for none.</param>
    public Problem(Form[] forms, int steps, int microBatches, int absent = 0)
    {
        this.forms = forms;
        MicroBatches = microBatches;
        var random = new Random(7);
        initial = [.. forms.Select(f => Values(random, f.Length, 1))];
        gradients =
        [
            .. Enumerable
                .Range(0, steps)
                .Select(t =>
                    Enumerable
                        .Range(0, microBatches)
                        .Select(j =>
                            forms
                                .Select(f =>
                                    absent > 0 && random.Next(absent) == 0
                                        ? null
                                        : Values(random, f.Length, Math.Pow(10, random.Next(-3, 2)))
                                )
                                .ToArray()
                        )
                        .ToArray()
                ),
        ];
    }

    public int Steps => gradients.Length;

    public int MicroBatches { get; }

    /// <summary>The gradients of micro-batch j of step t; an entry may be replaced.</summary>
    public T[]?[] Gradients(int step, int microBatch) => gradients[step][microBatch];

    /// <summary>Fresh parameters, in one group or two.</summary>
    public ParameterGroup<T>[] Groups(Optimizer? second = null)
    {
        var parameters = forms.Select(
            (f, i) =>
                new Parameter<T>(f.Name, initial[i].ToArray(), f.Shape)
                {
                    StorageOrder = f.Storage,
                    OutputDimension = f.OutputDimension,
                }
        );
        return second is null
            ? [new(parameters)]
            : [new(parameters.Take(forms.Length / 2)), new(parameters.Skip(forms.Length / 2)) { Optimizer = second }];
    }

    /// <summary>The run of one process that accumulates the micro-batches in order.</summary>
    public Result<T> RunAlone(
        Optimizer recipe,
        Action<Stepper<T>>? prepare = null,
        Action<Stepper<T>, int>? after = null
    )
    {
        using var stepper = recipe.Bind(Groups());
        prepare?.Invoke(stepper);
        return StepAlone(stepper, .., after);
    }

    /// <summary>The rest of such a run, from a checkpoint.</summary>
    public Result<T> ResumeAlone(Optimizer recipe, string path, Range steps, Action<Stepper<T>, int>? after = null)
    {
        using var stepper = recipe.Resume(Emptied(), path);
        return StepAlone(stepper, steps, after);
    }

    /// <summary>One rank's part of the same run.</summary>
    public Result<T> RunSharded(
        Optimizer recipe,
        Communicator communicator,
        ShardingOptions? options = null,
        Action<Stepper<T>>? prepare = null,
        Action<Stepper<T>, int>? after = null,
        Range? steps = null
    )
    {
        using var stepper = recipe.BindSharded(Groups(), communicator, options ?? Options);
        prepare?.Invoke(stepper);
        return StepSharded(stepper, communicator, steps ?? .., after);
    }

    /// <summary>One rank's part of the rest of such a run, from a checkpoint.</summary>
    public Result<T> ResumeSharded(
        Optimizer recipe,
        Communicator communicator,
        string path,
        Range steps,
        Action<Stepper<T>, int>? after = null
    )
    {
        using var stepper = recipe.ResumeSharded(Emptied(), communicator, path, Options);
        return StepSharded(stepper, communicator, steps, after);
    }

    private ShardingOptions Options => new() { MicroBatches = MicroBatches, BucketBytes = 32 * 1024 };

    /// <summary>The parameters, whose values a checkpoint will bring.</summary>
    private ParameterGroup<T>[] Emptied()
    {
        var groups = Groups();
        foreach (var parameter in groups.SelectMany(g => g.Parameters))
        {
            parameter.Slice(0, (int)parameter.Length).Clear();
        }

        return groups;
    }

    private Result<T> StepAlone(Stepper<T> stepper, Range steps, Action<Stepper<T>, int>? after)
    {
        var (first, count) = steps.GetOffsetAndLength(Steps);
        for (var t = first; t < first + count; t++)
        {
            for (var j = 0; j < MicroBatches; j++)
            {
                stepper.Accumulate(Gradients(t, j));
            }

            stepper.StepAccumulated();
            after?.Invoke(stepper, t);
        }

        return Result<T>.Of(stepper);
    }

    private Result<T> StepSharded(
        Stepper<T> stepper,
        Communicator communicator,
        Range steps,
        Action<Stepper<T>, int>? after
    )
    {
        var (first, count) = steps.GetOffsetAndLength(Steps);
        for (var t = first; t < first + count; t++)
        {
            Step(stepper, communicator, t);
            after?.Invoke(stepper, t);
        }

        return Result<T>.Of(stepper);
    }

    /// <summary>One sharded step.</summary>
    public bool Step(Stepper<T> stepper, Communicator communicator, int step)
    {
        var none = new T[]?[forms.Length];
        if (MicroBatches <= communicator.Size)
        {
            return stepper.Step(communicator.Rank < MicroBatches ? Gradients(step, communicator.Rank) : none);
        }

        for (var first = 0; first < MicroBatches; first += communicator.Size)
        {
            var j = first + communicator.Rank;
            stepper.Accumulate(j < MicroBatches ? Gradients(step, j) : none);
        }

        return stepper.StepAccumulated();
    }

    private static T[] Values(Random random, int length, double magnitude) =>
        [.. Enumerable.Range(0, length).Select(_ => T.CreateTruncating(magnitude * ((random.NextDouble() * 2) - 1)))];
}

/// <summary>What a run leads to: parameters, counters, and state arrays, whole or a rank's range of them.</summary>
internal sealed record Result<T>(
    IReadOnlyList<T[]> Parameters,
    IReadOnlyList<(string Name, long Value)> Counters,
    IReadOnlyList<(int Parameter, string Name, T[] Values)> Arrays,
    IReadOnlyList<(long Start, long Length, bool ByRows)> Ranges
)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private IReadOnlyList<RowLayout> Layouts { get; init; } = [];

    public static Result<T> Of(Stepper<T> stepper)
    {
        var engine = stepper.Engine as ShardedEngine<T>;
        return new(
            [.. stepper.Parameters.Select(p => p.Slice(0, (int)p.Length).ToArray())],
            [
                ("steps", stepper.StepCount),
                ("skipped", stepper.SkippedSteps),
                .. stepper.StateCounters.Select(c => ($"{c.Owner}/{c.Name}", c.Value)),
            ],
            [.. stepper.StateArrays.Select(a => (a.Parameter, a.Name, a.Slice(0, (int)a.Length).ToArray()))],
            [
                .. stepper.Parameters.Select(
                    (p, i) =>
                        engine is null
                            ? (0, p.Length, false)
                            : (engine.Shards[i].Range.Start, engine.Shards[i].Range.Length, engine.Shards[i].Cut.ByRows)
                ),
            ]
        )
        {
            Layouts = [.. stepper.Parameters.Select(p => p.Rows)],
        };
    }

    /// <summary>The first difference between this, the whole, and what a rank has, as a sentence; or null.</summary>
    public string? DifferenceTo(Result<T> rank)
    {
        var parameters = Parameters
            .Select((p, i) => Bits.Difference<T>($"parameter {i}", p, rank.Parameters[i]))
            .FirstOrDefault(d => d is not null);
        if (parameters is not null)
        {
            return parameters;
        }

        if (!Counters.SequenceEqual(rank.Counters))
        {
            return $"counters {string.Join(", ", rank.Counters)} instead of {string.Join(", ", Counters)}";
        }

        if (Arrays.Count != rank.Arrays.Count)
        {
            return $"{rank.Arrays.Count} state arrays instead of {Arrays.Count}";
        }

        return Arrays
            .Zip(rank.Arrays, (whole, part) => Difference(whole, part, rank))
            .FirstOrDefault(d => d is not null);
    }

    private string? Difference(
        (int Parameter, string Name, T[] Values) whole,
        (int Parameter, string Name, T[] Values) part,
        Result<T> rank
    )
    {
        var (start, length, byRows) = rank.Ranges[whole.Parameter];
        var layout = Layouts[whole.Parameter];
        var expected = Enumerable
            .Range((int)start, (int)length)
            .Select(i => whole.Values[byRows ? (int)layout.StorageIndex(i) : i])
            .ToArray();
        return Bits.Difference<T>($"p{part.Parameter}/{part.Name} from {start}", expected, part.Values);
    }
}
