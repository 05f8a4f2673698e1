using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>What brings gradients to their owners and parameters back, for the parameters that are bound: the plan and its buffers.</summary>
internal sealed unsafe class ShardTransport<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Communicator communicator;
    private readonly ArrivedSums<T> arrived;

    /// <summary>A transport.</summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="options">How steps are shared.</param>
    /// <param name="shards">All parameters, in bind order.</param>
    /// <param name="runner">The groups.</param>
    /// <param name="instructionSet">What adds.</param>
    public ShardTransport(
        Communicator communicator,
        ShardingOptions options,
        IReadOnlyList<Shard<T>> shards,
        NativeRunner<T> runner,
        InstructionSet instructionSet
    )
    {
        this.communicator = communicator;
        HasNorms = NeedsNorms(runner);
        ShardedParameter[] cuts = [.. shards.Select(s => s.Cut)];
        Plan = new(cuts, communicator.Size, options.BucketBytesFor(communicator.Size) / sizeof(T), HasNorms);
        Sums = new(Plan.Positions(communicator.Rank), LongestBucket(), options.AccumulateInDouble, instructionSet);
        if (options.Reduction == ReductionMode.Reproducible)
        {
            Gradients = new OrderedExchange<T>(communicator, Plan, cuts, Sums);
            Parameters = new DirectParameterExchange<T>(communicator, Plan, cuts);
        }
        else
        {
            Gradients = new CollectiveExchange<T>(communicator, Plan, cuts, Sums);
            Parameters = new CollectiveParameterExchange<T>(communicator, Plan, cuts);
        }

        Norm = new(communicator, Plan, runner, Sums, cuts.Length);
        arrived = new(runner, Gradients);
    }

    public ShardPlan Plan { get; }

    public GradientSums<T> Sums { get; }

    public GradientExchange<T> Gradients { get; }

    public ParameterExchange<T> Parameters { get; }

    public ShardedNorm<T> Norm { get; }

    /// <summary>Whether the plan brings whole blocks together, for norms.</summary>
    public bool HasNorms { get; }

    public long GradientBytes => Sums.Bytes;

    public long BucketBytes => Sums.BucketBytes + Gradients.Bytes + Parameters.Bytes + Norm.Bytes;

    public static bool NeedsNorms(NativeRunner<T> runner) => runner.Groups.Exists(static g => g.ClipNorm is not null);

    /// <summary>What this rank receives in a bucket.</summary>
    public Segment[] OwnSegments(int bucket) => Plan.Segments(communicator.Rank, bucket);

    /// <summary>The position of a bucket's first sum.</summary>
    public long FirstPosition(int bucket) => OwnSegments(bucket) is [var first, ..] ? first.Position : 0;

    /// <summary>Waits for the gradients of a bucket and adds them to the sums.</summary>
    public void Receive(int bucket, Round<T> round)
    {
        Gradients.Arrive(bucket, round);
        NativeStatus.Check(arrived.Add(OwnSegments(bucket), round));
    }

    /// <summary>The elements of this rank's range of a parameter that are stepped in a bucket, counted from the range's first.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="parameter">The number of the parameter.</param>
    /// <param name="range">This rank's range of it.</param>
    public (long Start, long Length) Part(int bucket, int parameter, ElementRange range)
    {
        foreach (ref readonly var segment in OwnSegments(bucket).AsSpan())
        {
            if (segment.Owned && segment.Parameter == parameter)
            {
                return (segment.Range.Start - range.Start, segment.Length);
            }
        }

        return (0, 0);
    }

    /// <summary>Finishes the sums of a bucket: those in double are rounded, multiplied by a factor first.</summary>
    public void Round(int bucket, Round<T> round, double factor)
    {
        foreach (ref readonly var segment in OwnSegments(bucket).AsSpan())
        {
            if (round.IsPresent(segment.Parameter))
            {
                Sums.Round(segment.Position, segment.Length, factor);
            }
        }
    }

    private long LongestBucket()
    {
        var longest = 0L;
        for (var bucket = 0; bucket < Plan.Buckets; bucket++)
        {
            if (OwnSegments(bucket) is [var first, ..] segments)
            {
                longest = Math.Max(longest, segments[^1].Position + segments[^1].Length - first.Position);
            }
        }

        return longest;
    }

    public void Free()
    {
        Gradients.Free();
        Parameters.Free();
        Norm.Free();
        Sums.Free();
    }
}
