using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>
/// The sums over micro-batches of those gradients that this rank receives: in their type, or in double. They are held for all
/// buckets at once, or for one bucket after the other.
/// </summary>
/// <remarks>Different positions may be written by different threads, which get statuses of the native library and no exception.</remarks>
internal sealed unsafe class GradientSums<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>What begins at a cache line among all sums does so among those of a bucket.</summary>
    private const long Alignment = 16;

    private readonly int type = (int)(typeof(T) == typeof(float) ? nr_type.NR_FLOAT32 : nr_type.NR_FLOAT64);
    private readonly int instructionSet;
    private readonly long length;
    private readonly Room ofBucket;
    private Room? ofAll;
    private Room room;
    private long first;

    /// <summary>Room for the sums of a bucket.</summary>
    /// <param name="length">The number of elements of all buckets.</param>
    /// <param name="longestBucket">The number of elements of the longest.</param>
    /// <param name="inDouble">Whether float gradients are accumulated in double.</param>
    /// <param name="instructionSet">What adds.</param>
    public GradientSums(long length, long longestBucket, bool inDouble, InstructionSet instructionSet)
    {
        this.length = length;
        this.instructionSet = (int)instructionSet;
        IsWide = inDouble && typeof(T) == typeof(float);
        room = ofBucket = new(longestBucket + Alignment, IsWide);
    }

    /// <summary>Whether they are accumulated in a wider type than the gradients'.</summary>
    public bool IsWide { get; }

    /// <summary>The bytes of the sums of all buckets; 0 until they have been held.</summary>
    public long Bytes => ofAll?.Bytes ?? 0;

    /// <summary>The bytes of the sums of a bucket.</summary>
    public long BucketBytes => ofBucket.Bytes;

    /// <summary>Holds the sums of all buckets; what they are is kept from call to call.</summary>
    public void HoldAll() => (room, first) = (ofAll ??= new(length, IsWide), 0);

    /// <summary>Holds the sums of one bucket only, which begins at a position: few enough to stay in a cache.</summary>
    public void HoldFrom(long position) => (room, first) = (ofBucket, position / Alignment * Alignment);

    /// <summary>The gradient to step with, from a position on.</summary>
    public T* At(long position) => room.Gradients.Address + (position - first);

    /// <summary>Adds a contribution; the first one is taken as it is. Returns a status of the native library.</summary>
    public int Add(long position, T* contribution, long count, bool isFirst)
    {
        if (room.Wide is { } wide)
        {
            AddWide(wide.Address + (position - first), (float*)contribution, count, isFirst);
            return 0;
        }

        if (isFirst)
        {
            Elements.Copy(contribution, At(position), count);
            return 0;
        }

        return NativeMethods.nr_accumulate(type, instructionSet, count, contribution, At(position));
    }

    /// <summary>Adds a contribution that is in double already.</summary>
    public void AddDouble(long position, double* contribution, long count, bool isFirst)
    {
        var sums = room.Wide!.Address + (position - first);
        if (isFirst)
        {
            Elements.Copy(contribution, sums, count);
            return;
        }

        var i = 0L;
        for (; i <= count - Vector<double>.Count; i += Vector<double>.Count)
        {
            (Vector.Load(sums + i) + Vector.Load(contribution + i)).Store(sums + i);
        }

        for (; i < count; i++)
        {
            sums[i] += contribution[i];
        }
    }

    /// <summary>Rounds sums in double to the gradient, multiplied in double by a factor first, unless it is 1.</summary>
    public void Round(long position, long count, double factor)
    {
        if (room.Wide is not { } wide)
        {
            return;
        }

        var sums = wide.Address + (position - first);
        var rounded = (float*)At(position);
        var i = 0L;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            var (low, high) = (Vector.Load(sums + i), Vector.Load(sums + i + Vector<double>.Count));
            (factor == 1 ? Vector.Narrow(low, high) : Vector.Narrow(low * factor, high * factor)).Store(rounded + i);
        }

        for (; i < count; i++)
        {
            rounded[i] = (float)(factor == 1 ? sums[i] : sums[i] * factor);
        }
    }

    public void Free()
    {
        ofBucket.Free();
        ofAll?.Free();
    }

    private static void AddWide(double* sums, float* contribution, long count, bool isFirst)
    {
        var i = 0L;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(Vector.Load(contribution + i), out var low, out var high);
            if (!isFirst)
            {
                low = Vector.Load(sums + i) + low;
                high = Vector.Load(sums + i + Vector<double>.Count) + high;
            }

            low.Store(sums + i);
            high.Store(sums + i + Vector<double>.Count);
        }

        for (; i < count; i++)
        {
            sums[i] = isFirst ? contribution[i] : sums[i] + contribution[i];
        }
    }

    /// <summary>Memory for sums, and in double for those that are accumulated so.</summary>
    private sealed class Room(long length, bool wide)
    {
        public AlignedMemory<T> Gradients { get; } = new(length);

        public AlignedMemory<double>? Wide { get; } = wide ? new(length) : null;

        public long Bytes => Gradients.Bytes + (Wide?.Bytes ?? 0);

        public void Free()
        {
            Gradients.Free();
            Wide?.Free();
        }
    }
}
