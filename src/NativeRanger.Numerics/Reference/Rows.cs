using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>The rows of a parameter: the elements that share their index of the output dimension, in logical order.</summary>
internal static class Rows
{
    /// <summary>Takes a parameter apart into its rows.</summary>
    public static Vector<T>[] Split<T>(Vector<T> values, RowLayout layout)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var rows = new Vector<T>[layout.Rows];
        for (var r = 0; r < rows.Length; r++)
        {
            var row = r;
            rows[r] = Vector<T>.Build.Dense((int)layout.RowLength, i => values.At(Index(layout, row, i)));
        }

        return rows;
    }

    /// <summary>Puts rows back where <see cref="Split"/> found them.</summary>
    public static Vector<T> Join<T>(IReadOnlyList<Vector<T>> rows, RowLayout layout)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var values = new T[layout.Rows * layout.RowLength];
        for (var r = 0; r < rows.Count; r++)
        {
            for (var i = 0; i < rows[r].Count; i++)
            {
                values[Index(layout, r, i)] = rows[r].At(i);
            }
        }

        return Vector<T>.Build.Dense(values);
    }

    /// <summary>Transforms each row by itself.</summary>
    public static Vector<T> Map<T>(Vector<T> values, RowLayout layout, Func<Vector<T>, Vector<T>> transform)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> =>
        Join([.. Split(values, layout).Select(transform)], layout);

    private static int Index(RowLayout layout, long row, long i) =>
        (int)((i / layout.Inner * layout.Rows * layout.Inner) + (row * layout.Inner) + (i % layout.Inner));
}
