using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>Adds what has arrived of a bucket to the sums, on as many threads as a step is worth.</summary>
internal sealed class ArrivedSums<T>(NativeRunner<T> runner, GradientExchange<T> exchange) : IPieces
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The elements that a thread adds at a time.</summary>
    private const long PieceLength = 32 * 1024;

    private readonly ClaimedWork work = new();
    private Segment[] segments = [];
    private Round<T>? round;

    /// <summary>Adds the segments of the bucket that has arrived last; returns a status of the native library.</summary>
    public int Add(Segment[] slice, Round<T> current)
    {
        (segments, round) = (slice, current);
        var count = 0;
        foreach (ref readonly var segment in slice.AsSpan())
        {
            count += Pieces(segment);
        }

        return work.Run(this, count, runner.Threads);
    }

    public int Run(int piece)
    {
        var index = 0;
        while (piece >= Pieces(segments[index]))
        {
            piece -= Pieces(segments[index++]);
        }

        var first = piece * PieceLength;
        return round!.IsPresent(segments[index].Parameter)
            ? exchange.Add(index, first, Math.Min(PieceLength, segments[index].Length - first), round)
            : 0;
    }

    private static int Pieces(in Segment segment) => (int)((segment.Length + PieceLength - 1) / PieceLength);
}
