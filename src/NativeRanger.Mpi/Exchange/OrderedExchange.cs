using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>
/// The reproducible exchange: every rank sends each other rank the elements that the other receives, and the receiver adds the
/// contributions one by one in the order of the ranks, which within a round is that of the micro-batches.
/// </summary>
internal sealed unsafe class OrderedExchange<T> : GradientExchange<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Elements that are added at a time, from all ranks: they stay in the first-level cache.</summary>
    private const long Chunk = 2048;

    private readonly Communicator communicator;
    private readonly ShardPlan plan;
    private readonly IReadOnlyList<ShardedParameter> parameters;
    private readonly GradientSums<T> sums;
    private readonly Way[] ways = new Way[Ways];
    private readonly AlignedMemory<T> rowsOfOwn;
    private readonly long longestSlice;

    /// <summary>Where the next direct and gathered segment of each rank lies while a bucket is added.</summary>
    private readonly long[] nextDirect;
    private readonly long[] nextGathered;

    public OrderedExchange(
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
        nextDirect = new long[communicator.Size];
        nextGathered = new long[communicator.Size];
        var gathered = 0L;
        var rows = 0L;
        for (var bucket = 0; bucket < plan.Buckets; bucket++)
        {
            var own = plan.Segments(communicator.Rank, bucket);
            longestSlice = Math.Max(longestSlice, own.Sum(s => s.Length));
            rows = Math.Max(rows, own.Where(s => s.ByRows).Select(s => s.Length).DefaultIfEmpty().Max());
            gathered = Math.Max(gathered, Others.Sum(peer => plan.Segments(peer, bucket).Sum(GatheredLength)));
        }

        rowsOfOwn = new(rows);
        for (var i = 0; i < Ways; i++)
        {
            ways[i] = new(new(communicator), new(gathered), new(longestSlice * (communicator.Size - 1)));
        }
    }

    public override long Bytes => rowsOfOwn.Bytes + ways.Sum(w => w.Sent.Bytes + w.Received.Bytes);

    private IEnumerable<int> Others => Enumerable.Range(0, communicator.Size).Where(r => r != communicator.Rank);

    public override void Begin(int bucket, Round<T> round)
    {
        var way = ways[bucket % Ways];
        var gathered = way.Sent.Address;
        for (var distance = 1; distance < communicator.Size; distance++)
        {
            // Every rank begins with its neighbour, so that not all send to the same one first.
            var receiver = (communicator.Rank + distance) % communicator.Size;
            var sender = (communicator.Rank + communicator.Size - distance) % communicator.Size;
            Receive(way, bucket, sender, round);
            gathered = Send(way, bucket, receiver, round, gathered);
        }
    }

    public override void Finish(int bucket, Round<T> round)
    {
        var way = ways[bucket % Ways];
        way.Batch.Wait();
        var slice = plan.Segments(communicator.Rank, bucket);
        for (var rank = 0; rank < communicator.Size; rank++)
        {
            nextDirect[rank] = 0;
            nextGathered[rank] = 0;
            foreach (ref readonly var segment in slice.AsSpan())
            {
                if (round.Has(rank, segment.Parameter) && Messages.IsDirect(segment, sizeof(T)))
                {
                    nextGathered[rank] += segment.Length;
                }
            }
        }

        foreach (ref readonly var segment in slice.AsSpan())
        {
            Add(way, segment, round);
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
        rowsOfOwn.Free();
        foreach (var way in ways)
        {
            way.Sent.Free();
            way.Received.Free();
        }
    }

    private static long GatheredLength(Segment segment) => Messages.IsDirect(segment, sizeof(T)) ? 0 : segment.Length;

    private T* From(Way way, int rank) =>
        way.Received.Address + ((rank < communicator.Rank ? rank : rank - 1) * longestSlice);

    private void Receive(Way way, int bucket, int sender, Round<T> round)
    {
        var place = From(way, sender);
        var gathered = 0L;
        foreach (ref readonly var segment in plan.Segments(communicator.Rank, bucket).AsSpan())
        {
            if (!round.Has(sender, segment.Parameter))
            {
                continue;
            }

            if (Messages.IsDirect(segment, sizeof(T)))
            {
                way.Batch.Receive(place, segment.Length * sizeof(T), sender, Channel.Gradients);
                place += segment.Length;
            }
            else
            {
                gathered += segment.Length;
            }
        }

        if (gathered > 0)
        {
            way.Batch.Receive(place, gathered * sizeof(T), sender, Channel.Gradients);
        }
    }

    private T* Send(Way way, int bucket, int receiver, Round<T> round, T* gathered)
    {
        var first = gathered;
        foreach (ref readonly var segment in plan.Segments(receiver, bucket).AsSpan())
        {
            var gradient = round.Gradients[segment.Parameter];
            if (gradient is null)
            {
                continue;
            }

            if (Messages.IsDirect(segment, sizeof(T)))
            {
                way.Batch.Send(gradient + segment.Range.Start, segment.Length * sizeof(T), receiver, Channel.Gradients);
            }
            else
            {
                Elements.Gather(parameters[segment.Parameter].Layout, segment, gradient, gathered);
                gathered += segment.Length;
            }
        }

        if (gathered > first)
        {
            way.Batch.Send(first, (gathered - first) * sizeof(T), receiver, Channel.Gradients);
        }

        return gathered;
    }

    private void Add(Way way, in Segment segment, Round<T> round)
    {
        var own = round.Gradients[segment.Parameter];
        if (own is not null && segment.ByRows)
        {
            Elements.Gather(parameters[segment.Parameter].Layout, segment, own, rowsOfOwn.Address);
            own = rowsOfOwn.Address;
        }
        else if (own is not null)
        {
            own += segment.Range.Start;
        }

        var direct = Messages.IsDirect(segment, sizeof(T));
        for (var done = 0L; done < segment.Length; done += Chunk)
        {
            var count = Math.Min(Chunk, segment.Length - done);
            var isFirst = !round.HasBegun(segment.Parameter);
            for (var rank = 0; rank < communicator.Size; rank++)
            {
                if (!round.Has(rank, segment.Parameter))
                {
                    continue;
                }

                var contribution =
                    rank == communicator.Rank ? own : From(way, rank) + (direct ? nextDirect : nextGathered)[rank];
                sums.Add(segment.Position + done, contribution + done, count, isFirst);
                isFirst = false;
            }
        }

        for (var rank = 0; rank < communicator.Size; rank++)
        {
            if (round.Has(rank, segment.Parameter))
            {
                (direct ? nextDirect : nextGathered)[rank] += segment.Length;
            }
        }
    }

    private sealed record Way(MessageBatch Batch, AlignedMemory<T> Sent, AlignedMemory<T> Received);
}
