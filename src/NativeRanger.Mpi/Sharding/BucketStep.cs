using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>The steps of a bucket: this rank's slice of it, cut into pieces for several threads.</summary>
internal sealed class BucketStep<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The segment of the slice that each piece is of, and the piece's first element in it.</summary>
    private readonly (int Segment, long Offset)[] places;

    public BucketStep(int bucket, ShardTransport<T> transport, NativeRunner<T> runner, IReadOnlyList<Shard<T>> shards)
    {
        Bucket = bucket;
        Pieces = new(runner.Groups, Cut.Steps, p => transport.Part(bucket, p, shards[p].Range));
        var segmentOf = new int[shards.Count];
        var slice = transport.OwnSegments(bucket);
        for (var i = 0; i < slice.Length; i++)
        {
            if (slice[i].Owned)
            {
                segmentOf[slice[i].Parameter] = i;
            }
        }

        places = new (int, long)[Pieces.Tensors];
        for (var i = 0; i < places.Length; i++)
        {
            var (parameter, start) = Pieces.SourceOf(i);
            var segment = segmentOf[parameter];
            places[i] = (segment, start - (slice[segment].Range.Start - shards[parameter].Range.Start));
        }
    }

    public int Bucket { get; }

    public NativePieces<T> Pieces { get; }

    public (int Segment, long Offset) PlaceOf(int tensor) => places[tensor];

    public void Dispose() => Pieces.Dispose();
}

/// <summary>
/// Steps pieces of a bucket whose gradients have arrived and not been added: each piece is added just before it is stepped, by the
/// same thread, from whose cache the step then reads the sums.
/// </summary>
internal sealed unsafe class SummingCall<T>(ShardTransport<T> transport) : NativeCall<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private BucketStep<T>? step;
    private Round<T>? round;
    private double factor;

    /// <summary>Prepares for a bucket.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="current">The round that has arrived.</param>
    /// <param name="by">What sums in double are multiplied by.</param>
    public SummingCall<T> For(BucketStep<T> bucket, Round<T> current, double by)
    {
        (step, round, factor) = (bucket, current, by);
        return this;
    }

    public override int Run(NativeGroup<T> group, nr_tensor* tensors, int first, int count)
    {
        for (var i = 0; i < count; i++)
        {
            ref readonly var tensor = ref tensors[i];
            if (tensor.gradient is null)
            {
                continue;
            }

            var (segment, offset) = step!.PlaceOf(first + i);
            var length = tensor.outer * tensor.rows * tensor.inner;
            var status = transport.Gradients.Add(segment, offset, length, round!);
            if (status != 0)
            {
                return status;
            }

            transport.Sums.Round(transport.OwnSegments(step.Bucket)[segment].Position + offset, length, factor);
        }

        return NativeMethods.nr_step(group.Options, count, tensors);
    }
}
