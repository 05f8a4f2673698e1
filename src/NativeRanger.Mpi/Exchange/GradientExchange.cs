using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>
/// Brings the gradients of a bucket to the ranks that own them, where they can be added to the sums. Two buckets can be under way.
/// </summary>
internal abstract class GradientExchange<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Buckets that can be under way.</summary>
    protected const int Ways = 2;

    /// <summary>The memory that messages are gathered in.</summary>
    public abstract long Bytes { get; }

    /// <summary>Begins a bucket, of which the one before the last must be finished.</summary>
    public abstract void Begin(int bucket, Round<T> round);

    /// <summary>Waits for a bucket.</summary>
    public abstract void Arrive(int bucket, Round<T> round);

    /// <summary>Adds elements of the bucket that has arrived last to the sums; several threads may, for different ones.</summary>
    /// <param name="segment">The number of the segment in this rank's slice of the bucket.</param>
    /// <param name="offset">The first element, counted from the segment's first.</param>
    /// <param name="count">The number of elements.</param>
    /// <param name="round">The round.</param>
    /// <returns>A status of the native library.</returns>
    public abstract int Add(int segment, long offset, long count, Round<T> round);

    /// <summary>Lets MPI work on what is under way.</summary>
    public abstract void Progress();

    public abstract void Free();
}

/// <summary>Brings the parameters of a bucket from the ranks that have stepped them to all others.</summary>
internal abstract unsafe class ParameterExchange<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Buckets that can be under way.</summary>
    protected const int Ways = 2;

    /// <summary>The memory that messages are gathered in.</summary>
    public abstract long Bytes { get; }

    /// <summary>Begins a bucket; it waits for the one before the last.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="parameters">Where the caller's parameters are, by number.</param>
    /// <param name="own">Where this rank's range of each parameter is.</param>
    public abstract void Begin(int bucket, T** parameters, T** own);

    /// <summary>Waits for all buckets.</summary>
    public abstract void FinishAll(T** parameters);

    /// <summary>Lets MPI work on what is under way.</summary>
    public abstract void Progress();

    public abstract void Free();
}
