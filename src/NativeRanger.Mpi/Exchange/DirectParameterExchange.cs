using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>Sends the stepped parameters to every other rank: long segments straight into the callers' arrays.</summary>
internal sealed unsafe class DirectParameterExchange<T> : ParameterExchange<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Communicator communicator;
    private readonly ShardPlan plan;
    private readonly IReadOnlyList<ShardedParameter> parameters;
    private readonly Gathering<T>[] ways = new Gathering<T>[Ways];
    private readonly long[] receivedFrom;

    public DirectParameterExchange(
        Communicator communicator,
        ShardPlan plan,
        IReadOnlyList<ShardedParameter> parameters
    )
    {
        this.communicator = communicator;
        this.plan = plan;
        this.parameters = parameters;

        // What is gathered from each rank lies in places of their own, as long as the longest of that rank's buckets.
        receivedFrom = new long[communicator.Size + 1];
        for (var rank = 0; rank < communicator.Size; rank++)
        {
            var longest = Enumerable.Range(0, plan.Buckets).Max(b => plan.Segments(rank, b).Sum(GatheredLength));
            receivedFrom[rank + 1] = receivedFrom[rank] + longest;
        }

        for (var i = 0; i < Ways; i++)
        {
            ways[i] = new(new(communicator), new(receivedFrom[^1]));
        }
    }

    public override long Bytes => ways.Sum(w => w.Gathered.Bytes);

    public override void Begin(int bucket, T** callers, T** own)
    {
        var way = ways[bucket % Ways];
        Finish(way, callers);
        way.Bucket = bucket;
        for (var distance = 1; distance < communicator.Size; distance++)
        {
            Receive(way, (communicator.Rank + communicator.Size - distance) % communicator.Size, callers);
        }

        var gathered = Gather(way, callers, own);
        for (var distance = 1; distance < communicator.Size; distance++)
        {
            Send(way, (communicator.Rank + distance) % communicator.Size, callers, gathered);
        }
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
        foreach (var way in ways)
        {
            way.Gathered.Free();
        }
    }

    private static long GatheredLength(Segment segment) =>
        !segment.Owned || Messages.IsDirect(segment, sizeof(T)) ? 0 : segment.Length;

    private void Receive(Gathering<T> way, int sender, T** callers)
    {
        var gathered = 0L;
        foreach (ref readonly var segment in plan.Segments(sender, way.Bucket).AsSpan())
        {
            if (segment.Owned && Messages.IsDirect(segment, sizeof(T)))
            {
                way.Batch.Receive(
                    callers[segment.Parameter] + segment.Range.Start,
                    segment.Length * sizeof(T),
                    sender,
                    Channel.Parameters
                );
            }

            gathered += GatheredLength(segment);
        }

        if (gathered > 0)
        {
            way.Batch.Receive(
                way.Gathered.Address + receivedFrom[sender],
                gathered * sizeof(T),
                sender,
                Channel.Parameters
            );
        }
    }

    /// <summary>Gathers the own short segments; those that are counted by rows also go to their place in the caller's array.</summary>
    private long Gather(Gathering<T> way, T** callers, T** own)
    {
        var start = way.Gathered.Address + receivedFrom[communicator.Rank];
        var place = start;
        foreach (ref readonly var segment in plan.Segments(communicator.Rank, way.Bucket).AsSpan())
        {
            if (GatheredLength(segment) == 0)
            {
                continue;
            }

            var parameter = parameters[segment.Parameter];
            var stepped = own[segment.Parameter] + (segment.Range.Start - parameter.Ranges[communicator.Rank].Start);
            Elements.Copy(stepped, place, segment.Length);
            if (segment.ByRows)
            {
                Elements.Scatter(parameter.Layout, segment, stepped, callers[segment.Parameter]);
            }

            place += segment.Length;
        }

        return place - start;
    }

    private void Send(Gathering<T> way, int receiver, T** callers, long gathered)
    {
        foreach (ref readonly var segment in plan.Segments(communicator.Rank, way.Bucket).AsSpan())
        {
            if (segment.Owned && Messages.IsDirect(segment, sizeof(T)))
            {
                way.Batch.Send(
                    callers[segment.Parameter] + segment.Range.Start,
                    segment.Length * sizeof(T),
                    receiver,
                    Channel.Parameters
                );
            }
        }

        if (gathered > 0)
        {
            way.Batch.Send(
                way.Gathered.Address + receivedFrom[communicator.Rank],
                gathered * sizeof(T),
                receiver,
                Channel.Parameters
            );
        }
    }

    private void Finish(Gathering<T> way, T** callers)
    {
        if (way.Bucket < 0)
        {
            return;
        }

        way.Batch.Wait();
        for (var rank = 0; rank < communicator.Size; rank++)
        {
            if (rank == communicator.Rank)
            {
                continue;
            }

            var place = way.Gathered.Address + receivedFrom[rank];
            foreach (ref readonly var segment in plan.Segments(rank, way.Bucket).AsSpan())
            {
                if (GatheredLength(segment) > 0)
                {
                    Elements.Scatter(parameters[segment.Parameter].Layout, segment, place, callers[segment.Parameter]);
                    place += segment.Length;
                }
            }
        }

        way.Bucket = -1;
    }
}
