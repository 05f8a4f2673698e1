namespace NativeRanger.Mpi;

/// <summary>A parameter as all ranks cut it.</summary>
/// <param name="Divisible">Where it may be cut.</param>
/// <param name="Layout">Where its rows lie in the caller's storage.</param>
/// <param name="ByRows">
/// Whether it is cut by rows that are not contiguous in the caller's storage: then its elements are counted row by row, and
/// otherwise as they are stored.
/// </param>
/// <param name="Ranges">The range of each rank.</param>
internal sealed record ShardedParameter(Divisible Divisible, RowLayout Layout, bool ByRows, ElementRange[] Ranges);

/// <summary>Consecutive elements of one parameter, in the list of what a rank receives.</summary>
/// <param name="Parameter">The number of the parameter, in bind order.</param>
/// <param name="Range">The elements.</param>
/// <param name="Position">Where they lie among the rank's gradient sums.</param>
/// <param name="Owned">Whether the rank steps them; if not, it only needs them for the sums of blocks.</param>
/// <param name="ByRows">Whether the elements are counted row by row.</param>
internal readonly record struct Segment(int Parameter, ElementRange Range, long Position, bool Owned, bool ByRows)
{
    public long Length => Range.Length;
}

/// <summary>Whole canonical blocks of one parameter, whose squares a rank sums.</summary>
/// <param name="Parameter">The number of the parameter, in bind order.</param>
/// <param name="Position">Where its elements lie among the rank's gradient sums.</param>
/// <param name="Length">The number of elements.</param>
internal readonly record struct BlockRun(int Parameter, long Position, long Length)
{
    public long Blocks => (Length + Partition.Block - 1) / Partition.Block;
}

/// <summary>
/// Who receives which gradients in which bucket, for all ranks; the same on all of them. A bucket is one slice of every rank's
/// range, so that every rank has work in every bucket.
/// </summary>
internal sealed class ShardPlan
{
    /// <summary>Pieces begin at cache lines.</summary>
    private const long Alignment = 16;

    private readonly Segment[][][] segments;
    private readonly BlockRun[][] runs;
    private readonly long[] positions;

    /// <summary>A plan.</summary>
    /// <param name="parameters">The parameters, in bind order.</param>
    /// <param name="ranks">The number of ranks.</param>
    /// <param name="elementsPerBucket">The elements of a bucket, over all ranks.</param>
    /// <param name="norms">Whether the squares of blocks are summed.</param>
    public ShardPlan(IReadOnlyList<ShardedParameter> parameters, int ranks, long elementsPerBucket, bool norms)
    {
        segments = new Segment[ranks][][];
        runs = new BlockRun[ranks][];
        positions = new long[ranks];
        var pieces = new List<Segment>[ranks];
        var longest = 1L;
        for (var rank = 0; rank < ranks; rank++)
        {
            pieces[rank] = Pieces(parameters, rank, norms);
            longest = Math.Max(longest, pieces[rank].Sum(p => p.Length));
        }

        var slice = Math.Max(1, elementsPerBucket / ranks);
        Buckets = checked((int)((longest + slice - 1) / slice));
        for (var rank = 0; rank < ranks; rank++)
        {
            segments[rank] = Slice(parameters, pieces[rank]);
        }
    }

    /// <summary>The number of buckets, at least 1.</summary>
    public int Buckets { get; }

    /// <summary>What a rank receives in a bucket, in order.</summary>
    public Segment[] Segments(int rank, int bucket) => segments[rank][bucket];

    /// <summary>The blocks that a rank sums, in bind order; their results lie side by side in that order.</summary>
    public BlockRun[] Runs(int rank) => runs[rank];

    /// <summary>The elements of a rank's gradient sums.</summary>
    public long Positions(int rank) => positions[rank];

    private List<Segment> Pieces(IReadOnlyList<ShardedParameter> parameters, int rank, bool norms)
    {
        var pieces = new List<Segment>();
        var blocks = new List<BlockRun>();
        var position = 0L;
        for (var p = 0; p < parameters.Count; p++)
        {
            var parameter = parameters[p];
            var owned = parameter.Ranges[rank];
            Add(p, owned, owned: true, parameter.ByRows);
            if (!norms)
            {
                continue;
            }

            var wanted = Blocks(parameter, rank);
            if (parameter.ByRows)
            {
                position = Align(position);
                blocks.Add(new(p, position, wanted.Length));
                Add(p, wanted, owned: false, byRows: false);
            }
            else if (wanted.Length > 0)
            {
                // They begin in the own range; what of the last block is beyond it follows it directly.
                blocks.Add(new(p, position - (owned.End - wanted.Start), wanted.Length));
                var beyond = new ElementRange(owned.End, wanted.End - owned.End);
                if (beyond.Length > 0)
                {
                    pieces.Add(new(p, beyond, position, Owned: false, ByRows: false));
                    position += beyond.Length;
                }
            }
        }

        positions[rank] = position;
        runs[rank] = [.. blocks.Where(b => b.Length > 0)];
        return pieces;

        void Add(int p, ElementRange range, bool owned, bool byRows)
        {
            if (range.Length > 0)
            {
                position = Align(position);
                pieces.Add(new(p, range, position, owned, byRows));
                position += range.Length;
            }
        }
    }

    private static long Align(long position) => (position + Alignment - 1) / Alignment * Alignment;

    /// <summary>
    /// The elements of the canonical blocks that a rank sums: those whose first element it owns; of a parameter that is cut by
    /// rows, of which every rank owns a part of every block, an equal share.
    /// </summary>
    private ElementRange Blocks(ShardedParameter parameter, int rank)
    {
        var length = parameter.Divisible.Length;
        if (parameter.ByRows)
        {
            var count = (length + Partition.Block - 1) / Partition.Block;
            var first = count * rank / segments.Length * Partition.Block;
            var end = Math.Min(length, count * (rank + 1) / segments.Length * Partition.Block);
            return new(first, Math.Max(0, end - first));
        }

        var owned = parameter.Ranges[rank];
        var begin = (owned.Start + Partition.Block - 1) / Partition.Block * Partition.Block;
        var beyond = Math.Min(length, (owned.End + Partition.Block - 1) / Partition.Block * Partition.Block);
        return begin < owned.End ? new(begin, beyond - begin) : new(owned.End, 0);
    }

    /// <summary>Cuts a rank's pieces into as many slices as there are buckets.</summary>
    private Segment[][] Slice(IReadOnlyList<ShardedParameter> parameters, List<Segment> pieces)
    {
        var divisibles = new Divisible[pieces.Count];
        var ends = new long[pieces.Count];
        var total = 0L;
        for (var i = 0; i < ends.Length; i++)
        {
            var unit = pieces[i].Owned ? parameters[pieces[i].Parameter].Divisible.Unit : Partition.Block;
            divisibles[i] = new(pieces[i].Length, unit);
            ends[i] = total += pieces[i].Length;
        }

        var slices = new Segment[Buckets][];
        var next = 0;
        var done = 0L;
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            var target = (long)((Int128)total * (bucket + 1) / Buckets);
            var cut = Partition.Nearest(divisibles, ends, target);
            var list = new List<Segment>();
            while (done < cut)
            {
                var piece = pieces[next];
                var offset = piece.Length - (ends[next] - done);
                var length = Math.Min(cut, ends[next]) - done;
                list.Add(
                    piece with
                    {
                        Range = new(piece.Range.Start + offset, length),
                        Position = piece.Position + offset,
                    }
                );
                done += length;
                next += done == ends[next] ? 1 : 0;
            }

            slices[bucket] = [.. list];
        }

        return slices;
    }
}
