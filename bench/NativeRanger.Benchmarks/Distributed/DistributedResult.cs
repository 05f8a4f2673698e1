namespace NativeRanger.Benchmarks.Distributed;

/// <summary>What was measured with some number of ranks; times are those of the slowest rank, each the least of several.</summary>
internal sealed record DistributedResult
{
    public required int Ranks { get; init; }

    public required long Bytes { get; init; }

    /// <summary>A barrier of all ranks.</summary>
    public required double Barrier { get; init; }

    /// <summary>The messages of a reproducible step, without the additions.</summary>
    public required double Messages { get; init; }

    /// <summary>A step of one shard by a stepper of one process, on all ranks at once.</summary>
    public required double ShardStep { get; init; }

    /// <summary>Adding gradients to their sums, all of them, on all ranks at once.</summary>
    public required double Add { get; init; }

    /// <summary>The processors of the machine, and how many of them other programs kept busy meanwhile.</summary>
    public required int Processors { get; init; }

    /// <inheritdoc cref="Processors"/>
    public required double Others { get; init; }

    public required ModeTimes Reproducible { get; init; }

    public required ModeTimes Fast { get; init; }

    /// <summary>All-reduce of the gradients by the MPI library, and a step of everything on every rank.</summary>
    public required double Replicated { get; init; }

    public required long StateBytes { get; init; }

    public required long GradientBytes { get; init; }

    public required long MessageBufferBytes { get; init; }

    /// <summary>The reproducible step with buckets of other sizes.</summary>
    public required IReadOnlyList<SliceTime> Slices { get; init; }

    /// <summary>Against the collectives alone and 1.1 steps of a shard: at most 1 is what is promised for two ranks.</summary>
    public double Ratio(ModeTimes mode) => mode.Step / (mode.ReduceScatter + mode.AllGather + (1.1 * ShardStep));
}

/// <summary>The time of a whole step, and of its two collectives alone.</summary>
internal sealed record ModeTimes(double Step, double ReduceScatter, double AllGather);

/// <summary>The time of a step with buckets of which every rank steps so many bytes.</summary>
internal sealed record SliceTime(long Bytes, double Seconds);
