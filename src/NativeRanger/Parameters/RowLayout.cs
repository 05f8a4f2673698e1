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

    internal static RowLayout Of<T>(Parameter<T> parameter)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var shape = parameter.Shape;
        if (shape.Length < 2)
        {
            return new(1, 1, parameter.Length);
        }

        if (parameter.StorageOrder == StorageOrder.ColumnMajor)
        {
            return parameter.OutputDimension == 0 ? new(shape[1], shape[0], 1) : new(1, shape[1], shape[0]);
        }

        var outer = 1L;
        var inner = 1L;
        for (var d = 0; d < shape.Length; d++)
        {
            if (d < parameter.OutputDimension)
            {
                outer *= shape[d];
            }
            else if (d > parameter.OutputDimension)
            {
                inner *= shape[d];
            }
        }

        return new(outer, shape[parameter.OutputDimension], inner);
    }
}
