using System.Numerics;
using System.Runtime.InteropServices;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>One read of all gradients before a step: are they finite, and what is their norm.</summary>
internal sealed unsafe class GradientNorm<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int BlockLength = 4096;

    /// <summary>Scales elements whose squares overflow float64, and back.</summary>
    private static readonly double down = Math.ScaleB(1, -600);
    private static readonly double up = Math.ScaleB(1, 600);

    private readonly List<long> blocks = [];
    private double** sums;
    private double* storage;

    /// <summary>As many absent gradients as there are parameters.</summary>
    public Gradient<T>[] NoGradients { get; private set; } = [];

    /// <summary>Makes room for the block sums of more parameters.</summary>
    public void Reserve(IReadOnlyList<Parameter<T>> added)
    {
        blocks.AddRange(added.Select(p => (p.Length + BlockLength - 1) / BlockLength));
        NoGradients = new Gradient<T>[blocks.Count];
        Free();
    }

    /// <summary>
    /// Applies the policy and sets each group's <c>clip_factor</c>. Returns false where the step is to be skipped. Reads the
    /// gradients only if the policy or a group's <see cref="GradientOptimizer.ClipNorm"/> asks for it.
    /// </summary>
    public bool Measure(List<NativeGroup<T>> groups, NonFinitePolicy policy)
    {
        var clips = false;
        foreach (var group in groups)
        {
            clips |= group.ClipNorm is not null;
        }

        if (!clips && policy == NonFinitePolicy.Propagate)
        {
            return true;
        }

        if (clips)
        {
            Allocate();
        }

        var (total, nonFinite) = Sum(groups, clips, scale: 1);
        if (nonFinite && policy != NonFinitePolicy.Propagate)
        {
            return policy == NonFinitePolicy.SkipStep
                ? false
                : throw new NonFiniteGradientException(
                    "A gradient holds an infinity or a NaN; nothing has changed. Look for a division by zero or too large a learning "
                        + $"rate, or choose {nameof(NonFinitePolicy)}.{nameof(NonFinitePolicy.SkipStep)}."
                );
        }

        if (!clips)
        {
            return true;
        }

        var norm = Math.Sqrt(total);
        if (double.IsPositiveInfinity(total) && typeof(T) == typeof(double))
        {
            norm = Math.Sqrt(Sum(groups, sumsWanted: true, down).Total) * up;
        }

        foreach (var group in groups)
        {
            if (group.ClipNorm is { } limit && norm > limit)
            {
                group.Options->clip_factor = limit / norm;
            }
        }

        return true;
    }

    public void Dispose() => Free();

    private (double Total, bool NonFinite) Sum(List<NativeGroup<T>> groups, bool sumsWanted, double scale)
    {
        var total = 0.0;
        var anyNonFinite = false;
        var first = 0;
        foreach (var group in groups)
        {
            var nonFinite = 0;
            NativeStatus.Check(
                NativeMethods.nr_square_sums(
                    group.Options,
                    group.Count,
                    group.Tensors,
                    scale,
                    sumsWanted ? sums + first : null,
                    &nonFinite
                )
            );
            anyNonFinite |= nonFinite != 0;
            for (var i = 0; sumsWanted && i < group.Count; i++)
            {
                if (group.Tensors[i].gradient is not null)
                {
                    double sum;
                    NativeStatus.Check(NativeMethods.nr_reduce(blocks[first + i], sums[first + i], &sum));
                    total += sum;
                }
            }

            first += group.Count;
        }

        return (total, anyNonFinite);
    }

    private void Allocate()
    {
        if (sums is not null)
        {
            return;
        }

        sums = (double**)NativeMemory.Alloc((nuint)blocks.Count, (nuint)sizeof(double*));
        storage = (double*)NativeMemory.Alloc((nuint)Math.Max(1, blocks.Sum()), sizeof(double));
        var next = storage;
        for (var i = 0; i < blocks.Count; i++)
        {
            sums[i] = next;
            next += blocks[i];
        }
    }

    private void Free()
    {
        NativeMemory.Free(sums);
        NativeMemory.Free(storage);
        sums = null;
        storage = null;
    }
}
