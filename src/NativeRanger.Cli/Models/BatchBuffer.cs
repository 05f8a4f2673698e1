using MathNet.Numerics.LinearAlgebra.Double;

namespace NativeRanger.Cli.Models;

/// <summary>Matrices of a fixed number of rows, one per batch size, allocated when first needed.</summary>
internal sealed class BatchBuffer(int rows)
{
    private readonly Dictionary<int, DenseMatrix> byCount = [];

    public DenseMatrix For(Batch batch)
    {
        if (!byCount.TryGetValue(batch.Count, out var matrix))
        {
            byCount.Add(batch.Count, matrix = new(rows, batch.Count));
        }

        return matrix;
    }
}
