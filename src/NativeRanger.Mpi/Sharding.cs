using System.Diagnostics;
using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>What of a sharded stepper is on this rank: ranges, memory and time.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class Sharding<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly ISharded<T> engine;

    internal Sharding(ISharded<T> engine) => this.engine = engine;

    /// <summary>The ranks.</summary>
    public Communicator Communicator => engine.Communicator;

    /// <summary>How the steps are shared.</summary>
    public ShardingOptions Options => engine.Options;

    /// <summary>The bytes of this rank's state arrays: moments, slow weights, averages.</summary>
    public long StateBytes => engine.StateBytes;

    /// <summary>
    /// The bytes in which this rank keeps sums of gradients, those of its range: from the first step on that has several rounds
    /// of micro-batches or clips by the norm, skips or throws; 0 before.
    /// </summary>
    public long GradientBytes => engine.GradientBytes;

    /// <summary>
    /// The bytes of buckets under way, of the sums of one bucket, and of copies of rows that do not lie in one piece; 0 before the
    /// first step.
    /// </summary>
    public long BucketBytes => engine.BucketBytes;

    /// <summary>The time that steps have taken altogether, waiting for other ranks included.</summary>
    public TimeSpan StepTime => Stopwatch.GetElapsedTime(0, engine.StepTicks);

    /// <summary>The time that steps have spent in the optimizer's kernels; zero on devices, which work on after a call.</summary>
    public TimeSpan KernelTime => Stopwatch.GetElapsedTime(0, engine.KernelTicks);

    /// <summary>
    /// This rank's range of a parameter: where it begins, and how many elements it has, which are those of its state arrays. Where
    /// transforms take rows together that do not lie in one piece (a column-major matrix), elements are counted row by row, and
    /// otherwise as they are stored.
    /// </summary>
    /// <param name="parameter">The number of the parameter, in bind order.</param>
    public (long Start, long Length) Range(int parameter) =>
        (engine.Shards[parameter].Range.Start, engine.Shards[parameter].Range.Length);
}
