using System.Globalization;
using System.Numerics;
using NativeRanger.Checkpoints;

namespace NativeRanger.Mpi;

/// <summary>
/// What the ranks of one sharded stepper have to agree on before anything changes: the parameters and options, the counters and
/// rates, the rounds of micro-batches. It keeps what an engine tells it.
/// </summary>
internal sealed class ShardConsensus<T>(Communicator communicator, ShardingOptions options, int number) : IVoter
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private ulong configuration;

    public Communicator Communicator => communicator;

    public ShardingOptions Options => options;

    /// <summary>This rank's range of each parameter, in bind order.</summary>
    public List<Shard<T>> Shards { get; } = [];

    /// <summary>The options of each group.</summary>
    public List<Optimizer> Optimizers { get; } = [];

    public List<Average> Averages { get; } = [];

    public List<StateCounter> Counters { get; set; } = [];

    /// <summary>What carries gradients and parameters of devices; null where they are in the memory of the host.</summary>
    public string? Carrier { get; set; }

    /// <summary>The learning rate of each group in the step under way.</summary>
    public double[] Rates { get; set; } = [];

    /// <summary>The completed steps.</summary>
    public long StepCount { get; set; }

    /// <summary>The rounds of micro-batches since the last step.</summary>
    public int Rounds { get; set; }

    /// <summary>The rounds of one step; as many as there have been, where M follows from them.</summary>
    public int RoundsPerStep => options.MicroBatches is { } m ? ((m - 1) / communicator.Size) + 1 : Math.Max(1, Rounds);

    /// <summary>How many micro-batches a step has.</summary>
    public int MicroBatches => options.MicroBatches ?? communicator.Size * RoundsPerStep;

    /// <summary>What the sum of a step's micro-batches is divided by.</summary>
    public int Divisor => options.Combination == GradientCombination.Mean ? MicroBatches : 1;

    /// <summary>Which elements of a parameter this rank's state arrays hold.</summary>
    public ArrayRange RangeOf(int parameter) =>
        new(Shards[parameter].Range.Start, Shards[parameter].Range.Length, Shards[parameter].Cut.ByRows);

    /// <summary>Hears that parameters, options or averages have changed.</summary>
    public void Changed() => configuration = Fingerprint.Of(string.Join('\n', DescribeConfiguration()));

    /// <summary>Tells the other ranks that this one fails; throws what they throw.</summary>
    public void Refuse(Exception reason) => communicator.Refuse(Operation.Step, number, reason);

    /// <summary>Compares with the other ranks what this one is about to do.</summary>
    /// <returns>Whether gradients are present alike on all ranks.</returns>
    public bool Agree(Operation operation, ulong call, Exception? refusal = null, ulong presence = 0) =>
        communicator.Agree(
            new()
            {
                Operation = (long)operation,
                Stepper = number,
                Step = StepCount,
                Round = Rounds,
                Configuration = configuration,
                Call = call,
                Presence = presence,
            },
            this,
            refusal
        );

    public IEnumerable<string> Describe(Ballot ballot) =>
        [
            .. DescribeConfiguration(),
            Line($"completed steps: {ballot.Step}"),
            Line($"rounds of micro-batches since the last step: {ballot.Round}"),
            .. Rates.Select((rate, g) => Line($"learning rate of group {g}: {rate:R}")),
            .. Counters.Select(c => Line($"{c.Name} of {Owner(c.Owner)}: {c.Value}")),
            Line($"hash of the arguments: {ballot.Call:x16}"),
        ];

    /// <summary>A hash of what must be the same on all ranks in this step only.</summary>
    public ulong FingerprintOf(in StepRequest<T> request)
    {
        var fingerprint = new Fingerprint();
        foreach (var rate in Rates)
        {
            fingerprint.Add(rate);
        }

        foreach (var counter in Counters)
        {
            fingerprint.Add(counter.Value);
        }

        fingerprint.Add(request.Accumulated ? 1L : 0);
        return fingerprint.Value;
    }

    /// <summary>Why a round of micro-batches cannot be accumulated, or null.</summary>
    public InvalidOperationException? RefuseRound(ReadOnlySpan<Gradient<T>> gradients)
    {
        if (options.MicroBatches is not { } m)
        {
            return null;
        }

        if (Rounds == RoundsPerStep)
        {
            return new($"All {m} micro-batches of the step have been accumulated; step with them first.");
        }

        return RefuseSurplus(gradients, m);
    }

    /// <summary>Why the gradients cannot be all of a step, or null.</summary>
    public InvalidOperationException? RefuseDirect(ReadOnlySpan<Gradient<T>> gradients)
    {
        if (Rounds > 0)
        {
            return new(
                $"{Rounds} rounds of micro-batches have been accumulated; step with them by {nameof(Stepper<>.StepAccumulated)}."
            );
        }

        return options.MicroBatches is not { } m ? null
            : RoundsPerStep > 1
                ? new(
                    $"A step has {m} micro-batches, which {communicator.Size} ranks bring in {RoundsPerStep} rounds: call "
                        + $"{nameof(Stepper<>.Accumulate)} for each and then {nameof(Stepper<>.StepAccumulated)}."
                )
            : RefuseSurplus(gradients, m);
    }

    /// <summary>Why there cannot be a step with what has been accumulated, or null.</summary>
    public InvalidOperationException? RefuseAccumulated() =>
        options.MicroBatches is { } m && Rounds != RoundsPerStep
            ? new(
                $"A step has {m} micro-batches, which {communicator.Size} ranks bring in {RoundsPerStep} rounds; there have been "
                    + $"{Rounds}."
            )
            : null;

    /// <summary>Micro-batch j is rank j mod W's: in the last round some ranks may have none, and must not pass gradients.</summary>
    public InvalidOperationException? RefuseSurplus(ReadOnlySpan<Gradient<T>> gradients, int m)
    {
        if (((long)Rounds * communicator.Size) + communicator.Rank < m)
        {
            return null;
        }

        foreach (ref readonly var gradient in gradients)
        {
            if (!gradient.IsNone)
            {
                return new(
                    $"A step has {m} micro-batches, and rank {communicator.Rank} of {communicator.Size} has none in round {Rounds}: "
                        + "pass null gradients there."
                );
            }
        }

        return null;
    }

    public InvalidOperationException? RefuseWhileAccumulating() =>
        Rounds > 0 ? new($"{Rounds} rounds of micro-batches have been accumulated; step with them first.") : null;

    private IEnumerable<string> DescribeConfiguration()
    {
        yield return Line($"element type: {typeof(T).Name}");
        yield return Line($"reduction: {options.Reduction}");
        if (Carrier is not null)
        {
            yield return Line($"devices, over: {Carrier}");
        }

        yield return Line($"micro-batches: {(options.MicroBatches is { } m ? m : "one for each rank and round")}");
        yield return Line($"combination: {options.Combination}");
        yield return Line($"accumulate in double: {options.AccumulateInDouble}");
        yield return Line($"bucket bytes: {options.BucketBytesFor(communicator.Size)}");
        for (var g = 0; g < Optimizers.Count; g++)
        {
            foreach (var option in RecipeText.Of(Optimizers[g]).Lines)
            {
                yield return Line($"group {g}: {option}");
            }
        }

        foreach (var average in Averages)
        {
            yield return Line($"average: {Describe(average)}");
        }

        foreach (var p in Shards.Select(s => s.Caller))
        {
            yield return Line(
                $"parameter '{p.Name}': [{string.Join(", ", p.Shape)}], {p.StorageOrder}, output dimension {p.OutputDimension}"
            );
        }
    }

    public static string Describe(Average average) =>
        average switch
        {
            ExponentialAverage e => Line($"exponential, decay {e.Decay:R}"),
            StochasticAverage s => Line($"stochastic, start {s.Start}, every {s.Every}"),
            _ => average.GetType().Name,
        };

    private string Owner(int owner) => owner >= 0 ? $"parameter '{Shards[owner].Caller.Name}'" : $"group {-1 - owner}";

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
