using System.Numerics;
using System.Runtime.InteropServices;
using NativeRanger.Mpi.Interop;

namespace NativeRanger.Mpi;

/// <summary>The fast exchange of gradients: the MPI library's own reduce-scatter, on buckets gathered in the order of the ranks.</summary>
internal sealed unsafe class CollectiveExchange<T> : GradientExchange<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Communicator communicator;
    private readonly ShardPlan plan;
    private readonly IReadOnlyList<ShardedParameter> parameters;
    private readonly GradientSums<T> sums;
    private readonly AlignedMemory<T> segmentScratch;
    private readonly Way[] ways = new Way[Ways];
    private readonly long* counts;
    private readonly int elementSize;
    private Segment[] slice = [];

    /// <summary>Where the sums of each segment of the slice have arrived.</summary>
    private readonly byte** received;

    public CollectiveExchange(
        Communicator communicator,
        ShardPlan plan,
        IReadOnlyList<ShardedParameter> parameters,
        GradientSums<T> sums
    )
    {
        this.communicator = communicator;
        this.plan = plan;
        this.parameters = parameters;
        this.sums = sums;
        elementSize = sums.IsWide ? sizeof(double) : sizeof(T);
        var bucket = 0L;
        var longestSlice = 0L;
        var segment = 0L;
        for (var b = 0; b < plan.Buckets; b++)
        {
            bucket = Math.Max(bucket, Enumerable.Range(0, communicator.Size).Sum(r => Length(r, b)));
            longestSlice = Math.Max(longestSlice, Length(communicator.Rank, b));
            segment = Math.Max(
                segment,
                Enumerable
                    .Range(0, communicator.Size)
                    .Max(r => plan.Segments(r, b).Select(s => s.Length).DefaultIfEmpty().Max())
            );
        }

        var segments = Enumerable.Range(0, plan.Buckets).Max(b => plan.Segments(communicator.Rank, b).Length);
        received = (byte**)NativeMemory.AllocZeroed((nuint)segments, (nuint)sizeof(byte*));
        segmentScratch = new(sums.IsWide ? segment : 0);
        counts = (long*)NativeMemory.AllocZeroed((nuint)communicator.Size, sizeof(long));
        for (var i = 0; i < Ways; i++)
        {
            ways[i] = new(new(communicator), new(bucket * elementSize), new(longestSlice * elementSize));
        }
    }

    public override long Bytes => segmentScratch.Bytes + ways.Sum(w => w.Sent.Bytes + w.Received.Bytes);

    public override void Begin(int bucket, Round<T> round)
    {
        var way = ways[bucket % Ways];
        var place = way.Sent.Address;
        for (var rank = 0; rank < communicator.Size; rank++)
        {
            counts[rank] = Length(rank, bucket);
            foreach (ref readonly var segment in plan.Segments(rank, bucket).AsSpan())
            {
                Gather(segment, round.Gradients[segment.Parameter], place);
                place += segment.Length * elementSize;
            }
        }

        var type = elementSize == sizeof(float) ? nr_mpi_type.NR_MPI_FLOAT32 : nr_mpi_type.NR_MPI_FLOAT64;
        way.Batch.ReduceScatter(type, way.Sent.Address, counts, way.Received.Address);
    }

    public override void Arrive(int bucket, Round<T> round)
    {
        var way = ways[bucket % Ways];
        way.Batch.Wait();
        slice = plan.Segments(communicator.Rank, bucket);
        var place = way.Received.Address;
        for (var i = 0; i < slice.Length; i++)
        {
            received[i] = place;
            place += slice[i].Length * elementSize;
        }
    }

    public override int Add(int segment, long offset, long count, Round<T> round)
    {
        var place = received[segment] + (offset * elementSize);
        var position = slice[segment].Position + offset;
        var isFirst = !round.HasBegun(slice[segment].Parameter);
        if (!sums.IsWide)
        {
            return sums.Add(position, (T*)place, count, isFirst);
        }

        sums.AddDouble(position, (double*)place, count, isFirst);
        return 0;
    }

    public override void Progress()
    {
        foreach (var way in ways)
        {
            way.Batch.Progress();
        }
    }

    public override void Free()
    {
        segmentScratch.Free();
        NativeMemory.Free(counts);
        NativeMemory.Free(received);
        foreach (var way in ways)
        {
            way.Sent.Free();
            way.Received.Free();
        }
    }

    private long Length(int rank, int bucket)
    {
        var length = 0L;
        foreach (ref readonly var segment in plan.Segments(rank, bucket).AsSpan())
        {
            length += segment.Length;
        }

        return length;
    }

    private void Gather(in Segment segment, T* gradient, byte* place)
    {
        if (gradient is null)
        {
            NativeMemory.Clear(place, (nuint)(segment.Length * elementSize));
            return;
        }

        var layout = parameters[segment.Parameter].Layout;
        if (!sums.IsWide)
        {
            Elements.Gather(layout, segment, gradient, (T*)place);
            return;
        }

        Elements.Gather(layout, segment, gradient, segmentScratch.Address);
        for (var i = 0L; i < segment.Length; i++)
        {
            ((double*)place)[i] = ((float*)segmentScratch.Address)[i];
        }
    }

    private sealed record Way(MessageBatch Batch, AlignedMemory<byte> Sent, AlignedMemory<byte> Received);
}

/// <summary>The fast exchange of parameters: the MPI library's own all-gather, on buckets gathered in the order of the ranks.</summary>
internal sealed unsafe class CollectiveParameterExchange<T> : ParameterExchange<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Communicator communicator;
    private readonly ShardPlan plan;
    private readonly IReadOnlyList<ShardedParameter> parameters;
    private readonly Gathering<T>[] ways = new Gathering<T>[Ways];
    private readonly long* bytes;
    private readonly long* offsets;

    public CollectiveParameterExchange(
        Communicator communicator,
        ShardPlan plan,
        IReadOnlyList<ShardedParameter> parameters
    )
    {
        this.communicator = communicator;
        this.plan = plan;
        this.parameters = parameters;
        bytes = (long*)NativeMemory.AllocZeroed((nuint)communicator.Size, sizeof(long));
        offsets = (long*)NativeMemory.AllocZeroed((nuint)communicator.Size, sizeof(long));
        var longest = Enumerable
            .Range(0, plan.Buckets)
            .Max(b =>
                Enumerable
                    .Range(0, communicator.Size)
                    .Sum(r => plan.Segments(r, b).Where(s => s.Owned).Sum(s => s.Length))
            );
        for (var i = 0; i < Ways; i++)
        {
            ways[i] = new(new(communicator), new(longest));
        }
    }

    public override long Bytes => ways.Sum(w => w.Gathered.Bytes);

    public override void Begin(int bucket, T** callers, T** own)
    {
        var way = ways[bucket % Ways];
        Finish(way, callers);
        way.Bucket = bucket;
        var place = way.Gathered.Address;
        for (var rank = 0; rank < communicator.Size; rank++)
        {
            var start = place;
            foreach (ref readonly var segment in plan.Segments(rank, bucket).AsSpan())
            {
                if (!segment.Owned)
                {
                    continue;
                }

                if (rank == communicator.Rank)
                {
                    Stepped(segment, callers, own, place);
                }

                place += segment.Length;
            }

            offsets[rank] = (start - way.Gathered.Address) * sizeof(T);
            bytes[rank] = (place - start) * sizeof(T);
        }

        way.Batch.AllGatherRanges(way.Gathered.Address, bytes, offsets);
    }

    public override void FinishAll(T** callers)
    {
        foreach (var way in ways)
        {
            Finish(way, callers);
        }
    }

    public override void Progress()
    {
        foreach (var way in ways)
        {
            way.Batch.Progress();
        }
    }

    public override void Free()
    {
        NativeMemory.Free(bytes);
        NativeMemory.Free(offsets);
        foreach (var way in ways)
        {
            way.Gathered.Free();
        }
    }

    private void Stepped(in Segment segment, T** callers, T** own, T* place)
    {
        var parameter = parameters[segment.Parameter];
        var stepped = own[segment.Parameter] + (segment.Range.Start - parameter.Ranges[communicator.Rank].Start);
        Elements.Copy(stepped, place, segment.Length);
        if (segment.ByRows)
        {
            Elements.Scatter(parameter.Layout, segment, stepped, callers[segment.Parameter]);
        }
    }

    private void Finish(Gathering<T> way, T** callers)
    {
        if (way.Bucket < 0)
        {
            return;
        }

        way.Batch.Wait();
        var place = way.Gathered.Address;
        for (var rank = 0; rank < communicator.Size; rank++)
        {
            foreach (ref readonly var segment in plan.Segments(rank, way.Bucket).AsSpan())
            {
                if (!segment.Owned)
                {
                    continue;
                }

                if (rank != communicator.Rank)
                {
                    Elements.Scatter(parameters[segment.Parameter].Layout, segment, place, callers[segment.Parameter]);
                }

                place += segment.Length;
            }
        }

        way.Bucket = -1;
    }
}
