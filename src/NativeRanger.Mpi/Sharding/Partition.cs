namespace NativeRanger.Mpi;

/// <summary>Where a parameter may be cut: at multiples of a unit, counted from its first element, and at its ends.</summary>
/// <param name="Length">The number of elements.</param>
/// <param name="Unit">A row where rows matter, a canonical block otherwise, or the whole length.</param>
internal readonly record struct Divisible(long Length, long Unit);

/// <summary>A range of elements of one parameter.</summary>
internal readonly record struct ElementRange(long Start, long Length)
{
    public long End => Start + Length;
}

/// <summary>
/// Which range of each parameter each rank owns: the parameters lie end to end, and are cut at W - 1 places.
/// </summary>
internal static class Partition
{
    /// <summary>The canonical block of the reductions, which is also the granularity of cuts where no row matters.</summary>
    public const long Block = 4096;

    /// <summary>Cuts the parameters of a group so that all ranks own equally much, what they own already included.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="owned">The elements that each rank owns already; those of the group are added.</param>
    /// <returns>The range of each rank, for each parameter; empty ones begin where their neighbour ends.</returns>
    public static ElementRange[][] Cut(IReadOnlyList<Divisible> parameters, long[] owned)
    {
        var ends = new long[parameters.Count];
        var total = 0L;
        for (var p = 0; p < ends.Length; p++)
        {
            ends[p] = total += parameters[p].Length;
        }

        var shares = Shares(owned, total);
        var cuts = new long[owned.Length + 1];
        var target = 0L;
        for (var rank = 0; rank < owned.Length; rank++)
        {
            target += shares[rank];
            cuts[rank + 1] = rank == owned.Length - 1 ? total : Nearest(parameters, ends, target);
            owned[rank] += cuts[rank + 1] - cuts[rank];
        }

        var ranges = new ElementRange[parameters.Count][];
        for (var p = 0; p < ranges.Length; p++)
        {
            var first = ends[p] - parameters[p].Length;
            ranges[p] = new ElementRange[owned.Length];
            for (var rank = 0; rank < owned.Length; rank++)
            {
                var start = Math.Clamp(cuts[rank], first, ends[p]);
                var end = Math.Clamp(cuts[rank + 1], first, ends[p]);
                ranges[p][rank] = new(start - first, end - start);
            }
        }

        return ranges;
    }

    /// <summary>How many of the new elements each rank should own: those with less take more, up to equality.</summary>
    private static long[] Shares(long[] owned, long total)
    {
        // The level up to which all are filled: ranks above it take nothing.
        var ascending = owned.Order().ToArray();
        var level = total;
        var sum = 0L;
        for (var i = 0; i < ascending.Length; i++)
        {
            sum += ascending[i];
            level = (sum + total) / (i + 1);
            if (i + 1 == ascending.Length || level <= ascending[i + 1])
            {
                break;
            }
        }

        return [.. owned.Select(o => Math.Max(0, level - o))];
    }

    /// <summary>The place nearest to a target at which what lies end to end may be cut.</summary>
    /// <param name="parameters">What lies end to end.</param>
    /// <param name="ends">Where each of them ends.</param>
    /// <param name="target">At least 0, at most the last end.</param>
    public static long Nearest(IReadOnlyList<Divisible> parameters, long[] ends, long target)
    {
        var p = Array.BinarySearch(ends, target);
        if (p >= 0 || target == 0)
        {
            return target;
        }

        p = ~p;
        var (length, unit) = parameters[p];
        var first = ends[p] - length;
        var below = (target - first) / unit * unit;
        var above = Math.Min(below + unit, length);
        return first + (target - first - below <= above - (target - first) ? below : above);
    }
}
