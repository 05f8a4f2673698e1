using System.Numerics;
using NativeRanger.Checkpoints;

namespace NativeRanger.Exchange;

/// <summary>
/// The elements of a parameter, or of its state, in row-major order, as PyTorch has them, whatever the storage order.
/// </summary>
internal static class LogicalOrder
{
    /// <summary>Reads elements.</summary>
    /// <param name="parameter">The parameter whose layout it is.</param>
    /// <param name="slice">The elements in storage order.</param>
    /// <param name="start">The first element, in row-major order.</param>
    /// <param name="elements">Receives them.</param>
    public static void Read<T>(Parameter<T> parameter, Slicer<T> slice, long start, Span<T> elements)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (parameter.StorageOrder == StorageOrder.RowMajor)
        {
            slice(start, elements.Length).CopyTo(elements);
            return;
        }

        for (var i = 0; i < elements.Length; i++)
        {
            elements[i] = slice(ColumnMajor(parameter, start + i), 1)[0];
        }
    }

    /// <summary>Writes elements; the inverse of <see cref="Read"/>.</summary>
    public static void Write<T>(Parameter<T> parameter, Slicer<T> slice, long start, ReadOnlySpan<T> elements)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (parameter.StorageOrder == StorageOrder.RowMajor)
        {
            elements.CopyTo(slice(start, elements.Length));
            return;
        }

        for (var i = 0; i < elements.Length; i++)
        {
            slice(ColumnMajor(parameter, start + i), 1)[0] = elements[i];
        }
    }

    private static long ColumnMajor<T>(Parameter<T> parameter, long rowMajor)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (row, column) = Math.DivRem(rowMajor, parameter.Shape[1]);
        return (column * parameter.Shape[0]) + row;
    }
}
