using System.Numerics;

namespace NativeRanger;

/// <summary>The sums of the gradients of the micro-batches since the last step.</summary>
internal sealed class AccumulatedGradients<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private T[][] sums = [];
    private Gradient<T>[] view = [];

    /// <summary>The micro-batches that have been added.</summary>
    public int MicroBatches { get; private set; }

    /// <summary>The sums, in bind order; a parameter that had no gradient in any micro-batch has none.</summary>
    public ReadOnlySpan<Gradient<T>> Sums => view;

    public void Grow(List<Parameter<T>> parameters)
    {
        System.Array.Resize(ref sums, parameters.Count);
        System.Array.Resize(ref view, parameters.Count);
    }

    /// <summary>Adds one micro-batch: each gradient is copied where there is no sum yet, added elementwise otherwise.</summary>
    public void Add(ReadOnlySpan<Gradient<T>> gradients)
    {
        // All that can fail first: a micro-batch is added as a whole or not at all.
        for (var i = 0; i < gradients.Length; i++)
        {
            if (!gradients[i].IsNone)
            {
                sums[i] ??= new T[RequireArrayLength(i, gradients[i].Length)];
            }
        }

        for (var i = 0; i < gradients.Length; i++)
        {
            if (gradients[i].IsNone)
            {
                continue;
            }

            var sum = sums[i];
            var gradient = gradients[i].Slice(0, sum.Length);
            if (view[i].IsNone)
            {
                gradient.CopyTo(sum);
                view[i] = sum;
            }
            else
            {
                for (var k = 0; k < sum.Length; k++)
                {
                    sum[k] += gradient[k];
                }
            }
        }

        Count();
    }

    private static int RequireArrayLength(int index, long length) =>
        length <= System.Array.MaxLength
            ? (int)length
            : throw new NotSupportedException(
                $"Micro-batches are summed in one .NET array per parameter, of at most {System.Array.MaxLength} elements; "
                    + $"gradient {index} has {length}."
            );

    /// <summary>Counts a micro-batch, whose sum is kept elsewhere.</summary>
    public void Count() => MicroBatches++;

    public void Clear()
    {
        System.Array.Clear(view);
        MicroBatches = 0;
    }
}
