using System.Numerics;
using System.Runtime.InteropServices;

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
    private Segment[] slice = [];

    /// <summary>Where the elements of each segment of the slice lie, for each rank; null where it has none.</summary>
    private readonly T** contributions;

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
        var gathered = 0L;
        var rows = 0L;
        var segments = 0;
        for (var bucket = 0; bucket < plan.Buckets; bucket++)
        {
            var own = plan.Segments(communicator.Rank, bucket);
            segments = Math.Max(segments, own.Length);
            longestSlice = Math.Max(longestSlice, own.Sum(s => s.Length));
            rows = Math.Max(rows, own.Where(s => s.ByRows).Sum(s => s.Length));
            gathered = Math.Max(gathered, Others.Sum(peer => plan.Segments(peer, bucket).Sum(GatheredLength)));
        }

        contributions = (T**)NativeMemory.AllocZeroed((nuint)segments * (nuint)communicator.Size, (nuint)sizeof(T*));
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

    public override void Arrive(int bucket, Round<T> round)
    {
        var way = ways[bucket % Ways];
        way.Batch.Wait();
        slice = plan.Segments(communicator.Rank, bucket);
        for (var rank = 0; rank < communicator.Size; rank++)
        {
            if (rank == communicator.Rank)
            {
                FindOwn(round);
            }
            else
            {
                FindReceived(way, rank, round);
            }
        }
    }

    public override int Add(int segment, long offset, long count, Round<T> round)
    {
        var of = contributions + ((long)segment * communicator.Size);
        var position = slice[segment].Position + offset;
        var begun = round.HasBegun(slice[segment].Parameter);
        for (var done = 0L; done < count; done += Chunk)
        {
            var length = Math.Min(Chunk, count - done);
            var isFirst = !begun;
            for (var rank = 0; rank < communicator.Size; rank++)
            {
                if (of[rank] is null)
                {
                    continue;
                }

                var status = sums.Add(position + done, of[rank] + offset + done, length, isFirst);
                if (status != 0)
                {
                    return status;
                }

                isFirst = false;
            }
        }

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
        NativeMemory.Free(contributions);
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

    private void FindOwn(Round<T> round)
    {
        var rows = rowsOfOwn.Address;
        for (var i = 0; i < slice.Length; i++)
        {
            ref readonly var segment = ref slice[i];
            var own = round.Gradients[segment.Parameter];
            if (own is not null && segment.ByRows)
            {
                Elements.Gather(parameters[segment.Parameter].Layout, segment, own, rows);
                own = rows;
                rows += segment.Length;
            }
            else if (own is not null)
            {
                own += segment.Range.Start;
            }

            contributions[((long)i * communicator.Size) + communicator.Rank] = own;
        }
    }

    /// <summary>Direct segments come first, in order, and gathered ones behind them.</summary>
    private void FindReceived(Way way, int rank, Round<T> round)
    {
        var direct = From(way, rank);
        var gathered = direct;
        foreach (ref readonly var segment in slice.AsSpan())
        {
            if (round.Has(rank, segment.Parameter) && Messages.IsDirect(segment, sizeof(T)))
            {
                gathered += segment.Length;
            }
        }

        for (var i = 0; i < slice.Length; i++)
        {
            ref readonly var segment = ref slice[i];
            ref var next = ref Messages.IsDirect(segment, sizeof(T)) ? ref direct : ref gathered;
            var has = round.Has(rank, segment.Parameter);
            contributions[((long)i * communicator.Size) + rank] = has ? next : null;
            next += has ? segment.Length : 0;
        }
    }

    private sealed record Way(MessageBatch Batch, AlignedMemory<T> Sent, AlignedMemory<T> Received);
}
