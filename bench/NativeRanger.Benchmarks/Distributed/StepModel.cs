namespace NativeRanger.Benchmarks.Distributed;

/// <summary>What a link between ranks can do.</summary>
/// <param name="Latency">α, in seconds per message.</param>
/// <param name="Bandwidth">β, in bytes per second that a rank sends while it receives as many.</param>
internal sealed record Link(double Latency, double Bandwidth);

/// <summary>The time of one sharded step. bench/distributed/README.md states the equations.</summary>
/// <param name="Link">What is between the ranks.</param>
/// <param name="SecondsPerByte">s: an optimizer step, per byte of the parameters that it steps.</param>
/// <param name="AddSecondsPerByte">a: adding a contribution to the sums, per byte of it.</param>
/// <param name="Processors">P, of the one machine that all ranks share; null where each has its own, and a network.</param>
internal sealed record StepModel(Link Link, double SecondsPerByte, double AddSecondsPerByte, int? Processors)
{
    /// <summary>The time of a step.</summary>
    /// <param name="ranks">W.</param>
    /// <param name="bytes">n: the bytes of the parameters.</param>
    /// <param name="bucketBytes">B: the bytes of a bucket, over all ranks.</param>
    public double Seconds(int ranks, double bytes, double bucketBytes)
    {
        var buckets = Math.Max(1, Math.Ceiling(bytes / bucketBytes));
        var bucket = bytes / buckets;
        var messages = Exchange(ranks, bucket);
        var work = (bucket / ranks * SecondsPerByte) + (bucket * AddSecondsPerByte);
        var consensus = Math.Ceiling(Math.Log2(ranks)) * Link.Latency;
        return Processors is { } shared
            ? consensus + (buckets * ((2 * messages) + work) * Math.Max(1, (double)ranks / shared))
            : consensus + (2 * messages) + work + ((buckets - 1) * Math.Max(2 * messages, work));
    }

    /// <summary>The time of the messages alone: the reduce-scatters and the all-gathers of all buckets.</summary>
    public double MessageSeconds(int ranks, double bytes, double bucketBytes)
    {
        var buckets = Math.Max(1, Math.Ceiling(bytes / bucketBytes));
        return 2 * buckets * Exchange(ranks, bytes / buckets);
    }

    /// <summary>A bucket once through the link: W - 1 messages of B / W bytes from every rank.</summary>
    private double Exchange(int ranks, double bucket) =>
        (ranks - 1) * (Link.Latency + (bucket / ranks / Link.Bandwidth));
}

/// <summary>The bytes that a rank holds.</summary>
internal static class RankMemory
{
    /// <summary>Moments and slow weights of Ranger.</summary>
    private const int States = 3;
    private const int BucketsUnderWay = 2;

    /// <summary>
    /// Parameters, gradients, state, buckets that arrive and the sums of one; all in bytes. Where rounds of micro-batches are
    /// accumulated, or the norm is clipped, the sums of a whole shard come on top.
    /// </summary>
    public static double Bytes(int ranks, double bytes, double bucketBytes)
    {
        var slice = Math.Min(bytes, bucketBytes) / ranks;
        return (2 * bytes) + (States * bytes / ranks) + (BucketsUnderWay * slice * (ranks - 1)) + slice;
    }

    /// <summary>The same where every rank holds everything.</summary>
    public static double Replicated(double bytes) => (2 + States) * bytes;
}
