using System.Numerics;

namespace NativeRanger;

/// <summary>
/// Where the rows of a parameter lie: element i of row r is at <c>(i / Inner) · Rows · Inner + r · Inner + i % Inner</c>, for
/// <c>0 ≤ i &lt; Outer · Inner</c>. A parameter with fewer than two dimensions is one row.
/// </summary>
/// <param name="Outer">How many runs a row is made of.</param>
/// <param name="Rows">The number of rows: the extent of the output dimension.</param>
/// <param name="Inner">The elements of one run.</param>
public readonly record struct RowLayout(long Outer, long Rows, long Inner)
{
    /// <summary>The elements of one row.</summary>
    public long RowLength => Outer * Inner;

    /// <summary>Where an element is stored that is counted row by row.</summary>
    internal long StorageIndex(long index)
    {
        var (row, i) = Math.DivRem(index, RowLength);
        return (i / Inner * Rows * Inner) + (row * Inner) + (i % Inner);
    }

    /// <summary>Which one a stored element is, counted row by row: the reverse of <see cref="StorageIndex"/>.</summary>
    internal long RowIndex(long place)
    {
        var (outer, within) = Math.DivRem(place, Rows * Inner);
        return (within / Inner * RowLength) + (outer * Inner) + (within % Inner);
    }

    internal static RowLayout Of<T>(Parameter<T> parameter)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Of(parameter.Shape.AsSpan(), parameter.StorageOrder, parameter.OutputDimension);

    internal static RowLayout Of(ReadOnlySpan<long> shape, StorageOrder order, int outputDimension)
    {
        if (shape.Length < 2)
        {
            return new(1, 1, shape.Length == 0 ? 1 : shape[0]);
        }

        if (order == StorageOrder.ColumnMajor)
        {
            return outputDimension == 0 ? new(shape[1], shape[0], 1) : new(1, shape[1], shape[0]);
        }

        var outer = 1L;
        var inner = 1L;
        for (var d = 0; d < shape.Length; d++)
        {
            if (d < outputDimension)
            {
                outer *= shape[d];
            }
            else if (d > outputDimension)
            {
                inner *= shape[d];
            }
        }

        return new(outer, shape[outputDimension], inner);
    }
}
