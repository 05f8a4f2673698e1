using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>One read of all gradients before a step: are they finite, and what is their norm.</summary>
internal sealed unsafe class GradientNorm<T> : NativeCall<T>, IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int BlockLength = NativePieces<T>.BlockLength;

    /// <summary>Scales elements whose squares overflow float64, and back.</summary>
    private static readonly double down = Math.ScaleB(1, -600);
    private static readonly double up = Math.ScaleB(1, 600);

    private readonly NativeRunner<T> runner;

    /// <summary>The block sums of each parameter, side by side in bind order.</summary>
    private double* storage;

    /// <summary>Where the sums of each piece begin.</summary>
    private double** sums;
    private long[] firstBlocks = [];
    private bool wantsSums;

    /// <summary>Whether a group's <see cref="GradientOptimizer.ClipNorm"/> is set; null where that has to be asked again.</summary>
    private bool? clips;
    private double scale;
    private int anyNonFinite;

    public GradientNorm(NativeRunner<T> runner) => this.runner = runner;

    /// <summary>
    /// Applies the policy and sets each group's <c>clip_factor</c>. Returns false where the step is to be skipped. Reads the
    /// gradients only if the policy or a group's <see cref="GradientOptimizer.ClipNorm"/> asks for it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Measure(NonFinitePolicy policy) =>
        (policy == NonFinitePolicy.Propagate && clips == false) || MeasureAll(policy);

    private bool MeasureAll(NonFinitePolicy policy)
    {
        wantsSums = clips ??= runner.Groups.Exists(static g => g.ClipNorm is not null);
        if (!wantsSums && policy == NonFinitePolicy.Propagate)
        {
            return true;
        }

        var total = Read(by: 1);
        if (anyNonFinite != 0 && policy != NonFinitePolicy.Propagate)
        {
            return policy == NonFinitePolicy.SkipStep ? false : throw NonFiniteGradientException.NothingHasChanged();
        }

        if (!wantsSums)
        {
            return true;
        }

        var norm =
            double.IsPositiveInfinity(total) && typeof(T) == typeof(double)
                ? Math.Sqrt(Read(by: down)) * up
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

    public override int Run(NativeGroup<T> group, nr_tensor* tensors, int first, int count)
    {
        var nonFinite = 0;
        var status = NativeMethods.nr_square_sums(
            group.Options,
            count,
            tensors,
            scale,
            wantsSums ? sums + first : null,
            &nonFinite
        );
        if (nonFinite != 0)
        {
            Interlocked.Exchange(ref anyNonFinite, 1);
        }

        return status;
    }

    /// <summary>Forgets the block sums, whose places have changed.</summary>
    public void Invalidate()
    {
        NativeMemory.Free(sums);
        NativeMemory.Free(storage);
        sums = null;
        storage = null;
        clips = null;
    }

    public void Dispose() => Invalidate();

    /// <summary>The sum over all parameters of squares, each element multiplied by a power of two first.</summary>
    private double Read(double by)
    {
        var pieces = runner.Pieces(Cut.Blocks);
        if (wantsSums && sums is null)
        {
            Allocate(pieces);
        }

        scale = by;
        anyNonFinite = 0;
        NativeStatus.Check(runner.Run(this, pieces));
        var total = 0.0;
        var parameter = 0;
        foreach (var group in runner.Groups)
        {
            for (var i = 0; i < group.Count && wantsSums; i++, parameter++)
            {
                if (group.Tensors[i].gradient is not null)
                {
                    double sum;
                    var first = firstBlocks[parameter];
                    NativeStatus.Check(
                        NativeMethods.nr_reduce(firstBlocks[parameter + 1] - first, storage + first, &sum)
                    );
                    total += sum;
                }
            }
        }

        return total;
    }

    private void Allocate(NativePieces<T> pieces)
    {
        var lengths = runner.Groups.SelectMany(g => g.Parameters).Select(p => p.Length).ToArray();
        firstBlocks = new long[lengths.Length + 1];
        for (var i = 0; i < lengths.Length; i++)
        {
            firstBlocks[i + 1] = firstBlocks[i] + ((lengths[i] + BlockLength - 1) / BlockLength);
        }

        sums = (double**)NativeMemory.Alloc((nuint)pieces.Tensors, (nuint)sizeof(double*));
        storage = (double*)NativeMemory.Alloc((nuint)Math.Max(1, firstBlocks[^1]), sizeof(double));
        for (var i = 0; i < pieces.Tensors; i++)
        {
            var (parameter, start) = pieces.SourceOf(i);
            sums[i] = storage + firstBlocks[parameter] + (start / BlockLength);
        }
    }
}
