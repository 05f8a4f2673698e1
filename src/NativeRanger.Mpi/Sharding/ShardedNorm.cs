using System.Numerics;
using System.Runtime.InteropServices;

namespace NativeRanger.Mpi;

/// <summary>
/// Whether all gradients are finite, and their norm, over all ranks: each sums the squares of its canonical blocks, and all add
/// the sums of all blocks in the order of one process.
/// </summary>
internal sealed unsafe class ShardedNorm<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Scales elements whose squares overflow float64, and back.</summary>
    private static readonly double down = Math.ScaleB(1, -600);
    private static readonly double up = Math.ScaleB(1, 600);

    private readonly Communicator communicator;
    private readonly ShardPlan plan;
    private readonly NativeRunner<T> runner;
    private readonly GradientSums<T> sums;
    private readonly MessageBatch batch;
    private readonly NativeGroup<T>[] groupOf;
    private readonly List<(long Offset, long Count)>[] placesOf;
    private readonly AlignedMemory<double> blocks;
    private readonly AlignedMemory<double> scratch;
    private readonly AlignedMemory<long> flags;
    private readonly long* bytes;
    private readonly long* offsets;

    public ShardedNorm(
        Communicator communicator,
        ShardPlan plan,
        NativeRunner<T> runner,
        GradientSums<T> sums,
        int parameters
    )
    {
        this.communicator = communicator;
        this.plan = plan;
        this.runner = runner;
        this.sums = sums;
        batch = new(communicator);
        groupOf = [.. runner.Groups.SelectMany(g => g.Parameters.Select(_ => g))];
        placesOf = [.. Enumerable.Range(0, parameters).Select(_ => new List<(long, long)>())];
        bytes = (long*)NativeMemory.AllocZeroed((nuint)communicator.Size, sizeof(long));
        offsets = (long*)NativeMemory.AllocZeroed((nuint)communicator.Size, sizeof(long));
        var total = 0L;
        for (var rank = 0; rank < communicator.Size; rank++)
        {
            offsets[rank] = total * sizeof(double);
            foreach (var run in plan.Runs(rank))
            {
                placesOf[run.Parameter].Add((total, run.Blocks));
                total += run.Blocks;
            }

            bytes[rank] = (total * sizeof(double)) - offsets[rank];
        }

        blocks = new(total);
        scratch = new(placesOf.Select(places => places.Sum(p => p.Count)).DefaultIfEmpty().Max());
        flags = new(communicator.Size + 1L);
    }

    public long Bytes => blocks.Bytes + scratch.Bytes + flags.Bytes;

    /// <summary>
    /// Applies the policy and sets each group's <c>clip_factor</c>. Returns false where the step is to be skipped, on all ranks.
    /// </summary>
    /// <param name="policy">What non-finite gradients lead to.</param>
    /// <param name="clips">Whether a group clips by the norm.</param>
    public bool Measure(NonFinitePolicy policy, bool clips)
    {
        var (total, nonFinite) = Read(clips, by: 1);
        if (nonFinite && policy != NonFinitePolicy.Propagate)
        {
            return policy == NonFinitePolicy.SkipStep ? false : throw NonFiniteGradientException.NothingHasChanged();
        }

        if (!clips)
        {
            return true;
        }

        var norm =
            double.IsPositiveInfinity(total) && typeof(T) == typeof(double)
                ? Math.Sqrt(Read(clips, by: down).Total) * up
                : Math.Sqrt(total);
        foreach (var group in runner.Groups)
        {
            if (group.ClipNorm is { } limit && norm > limit)
            {
                group.Options->clip_factor = limit / norm;
            }
        }

        return true;
    }

    public void Free()
    {
        blocks.Free();
        scratch.Free();
        flags.Free();
        NativeMemory.Free(bytes);
        NativeMemory.Free(offsets);
    }

    private (double Total, bool NonFinite) Read(bool clips, double by)
    {
        var own = flags.Address + communicator.Size;
        *own = clips ? SumBlocks(by) : FindNonFinite();
        batch.AllGather(own, sizeof(long), flags.Address);
        if (clips)
        {
            batch.AllGatherRanges(blocks.Address, bytes, offsets);
        }

        batch.Wait();
        var nonFinite = false;
        for (var rank = 0; rank < communicator.Size; rank++)
        {
            nonFinite |= flags.Address[rank] != 0;
        }

        return (clips ? AddUp() : 0, nonFinite);
    }

    private int SumBlocks(double by)
    {
        var place = blocks.Address + (offsets[communicator.Rank] / sizeof(double));
        var nonFinite = 0;
        foreach (ref readonly var run in plan.Runs(communicator.Rank).AsSpan())
        {
            if (IsPresent(run.Parameter))
            {
                nonFinite |= Squares(groupOf[run.Parameter], sums.At(run.Position), run.Length, by, place);
            }

            place += run.Blocks;
        }

        return nonFinite;
    }

    private int FindNonFinite()
    {
        var nonFinite = 0;
        for (var bucket = 0; bucket < plan.Buckets; bucket++)
        {
            foreach (ref readonly var segment in plan.Segments(communicator.Rank, bucket).AsSpan())
            {
                if (IsPresent(segment.Parameter))
                {
                    nonFinite |= Squares(
                        groupOf[segment.Parameter],
                        sums.At(segment.Position),
                        segment.Length,
                        1,
                        null
                    );
                }
            }
        }

        return nonFinite;
    }

    private bool IsPresent(int parameter)
    {
        var group = groupOf[parameter];
        return group.Tensors[parameter - group.FirstParameter].gradient is not null;
    }

    private static int Squares(NativeGroup<T> group, T* gradient, long length, double by, double* place)
    {
        var tensor = new nr_tensor
        {
            gradient = gradient,
            outer = 1,
            rows = 1,
            inner = length,
            stride = length,
        };
        int nonFinite;
        NativeStatus.Check(
            NativeMethods.nr_square_sums(group.Options, 1, &tensor, by, place is null ? null : &place, &nonFinite)
        );
        return nonFinite;
    }

    /// <summary>The sum over all parameters, in bind order.</summary>
    private double AddUp()
    {
        var total = 0.0;
        for (var p = 0; p < placesOf.Length; p++)
        {
            if (!IsPresent(p))
            {
                continue;
            }

            var count = 0L;
            foreach (var (offset, length) in placesOf[p])
            {
                Elements.Copy(blocks.Address + offset, scratch.Address + count, length);
                count += length;
            }

            double sum;
            NativeStatus.Check(NativeMethods.nr_reduce(count, scratch.Address, &sum));
            total += sum;
        }

        return total;
    }
}
