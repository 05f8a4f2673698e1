using System.Diagnostics;
using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>What a sharded engine tells about itself.</summary>
internal interface ISharded<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    Communicator Communicator { get; }

    ShardingOptions Options { get; }

    /// <summary>This rank's range of each parameter.</summary>
    IReadOnlyList<Shard<T>> Shards { get; }

    /// <summary>The bytes of the state arrays.</summary>
    long StateBytes { get; }

    /// <summary>The bytes of the gradient sums of all buckets.</summary>
    long GradientBytes { get; }

    /// <summary>The bytes of messages on their way, and of what else a bucket needs.</summary>
    long BucketBytes { get; }

    /// <summary>The ticks of <see cref="Stopwatch"/> that steps have spent in kernels, and altogether.</summary>
    long KernelTicks { get; }

    /// <inheritdoc cref="KernelTicks"/>
    long StepTicks { get; }
}
