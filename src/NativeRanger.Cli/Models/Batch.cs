using MathNet.Numerics.LinearAlgebra.Double;
using NativeRanger.Cli.Data;

namespace NativeRanger.Cli.Models;

/// <summary>Some examples as a matrix, one column each; allocated once and filled anew for every batch.</summary>
internal sealed class Batch(int features, int count)
{
    /// <summary>Features by examples.</summary>
    public DenseMatrix Inputs { get; } = new(features, count);

    /// <summary>The class of each example.</summary>
    public int[] Labels { get; } = new int[count];

    public int Count => Labels.Length;

    /// <summary>Fills the batch with the examples of the given numbers.</summary>
    public void Fill(Examples examples, ReadOnlySpan<int> numbers)
    {
        for (var i = 0; i < numbers.Length; i++)
        {
            // MathNet stores matrices column by column, so an example is contiguous.
            examples.CopyTo(numbers[i], Inputs.Values.AsSpan(i * features, features));
            Labels[i] = examples.Labels[numbers[i]];
        }
    }
}
