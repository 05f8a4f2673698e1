namespace NativeRanger.Mpi;

/// <summary>How the gradients of the ranks become one.</summary>
public enum ReductionMode
{
    /// <summary>
    /// The contributions to an element are added one by one in the order of the micro-batches, by the rank that owns it. The
    /// bits are those of one process that accumulates the same micro-batches, whatever the number of ranks.
    /// </summary>
    Reproducible,

    /// <summary>The MPI library's own collectives, which add in an order that may depend on the ranks and on the machine.</summary>
    Fast,
}

/// <summary>What is made of the sum of the micro-batches.</summary>
public enum GradientCombination
{
    /// <summary>The mean: the sum is multiplied once by 1/M.</summary>
    Mean,

    /// <summary>The sum as it is.</summary>
    Sum,
}

/// <summary>How a step is shared among ranks.</summary>
public sealed record ShardingOptions
{
    /// <summary>What a rank steps of a bucket by default, in bytes.</summary>
    internal const long DefaultSlice = 512 << 10;

    private const int LargestBucket = 1 << 30;

    /// <summary>How the gradients of the ranks become one; reproducible by default.</summary>
    public ReductionMode Reduction
    {
        get;
        init => field = Require.Defined(value);
    }

    /// <summary>
    /// M: the micro-batches of one step, at least 1, of which number j (from 0) belongs to rank j mod W. A step takes ⌈M/W⌉ rounds
    /// of <see cref="Stepper{T}.Accumulate(ReadOnlySpan{T[]})"/>; a rank without a micro-batch in the last round passes null gradients. Null
    /// (default): one micro-batch for each rank and round, so that M depends on the number of ranks.
    /// </summary>
    public int? MicroBatches
    {
        get;
        init => field = value is { } count ? Require.AtLeastOne(count) : null;
    }

    /// <summary>What is made of the sum of the micro-batches; the mean by default.</summary>
    public GradientCombination Combination
    {
        get;
        init => field = Require.Defined(value);
    }

    /// <summary>
    /// Accumulate float gradients in double, and round the mean or the sum once to float. Off by default: the sum is
    /// accumulated in the parameter's type, as one process does.
    /// </summary>
    public bool AccumulateInDouble { get; init; }

    /// <summary>
    /// The bytes of gradients that are exchanged at once, over all ranks, from 4,096 to 2^30. While a bucket is stepped, the
    /// gradients of the next one and the parameters of the one before are under way. Null (default): 512 KiB for each rank,
    /// which every rank steps while it is in a core's own cache; bench/distributed has the measurement.
    /// </summary>
    public int? BucketBytes
    {
        get;
        init =>
            field = value is null or (>= 4096 and <= LargestBucket)
                ? value
                : throw new ArgumentOutOfRangeException(
                    nameof(BucketBytes),
                    value,
                    $"{nameof(BucketBytes)} must be from 4,096 to {LargestBucket}; it is {value}."
                );
    }

    /// <summary>The bytes of a bucket for so many ranks.</summary>
    internal long BucketBytesFor(int ranks) => BucketBytes ?? Math.Min(DefaultSlice * ranks, LargestBucket);
}
