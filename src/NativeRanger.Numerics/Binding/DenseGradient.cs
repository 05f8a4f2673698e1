using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics;

/// <summary>
/// The gradient of one parameter as a dense MathNet vector or matrix; null (or <c>default</c>) is no gradient. It is read where
/// it is, not copied.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly record struct DenseGradient<T>
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    private readonly T[]? data;
    private readonly (int Rows, int Columns)? shape;

    /// <summary>A dense vector.</summary>
    /// <param name="values">The gradient of a parameter with fewer than two dimensions.</param>
    /// <exception cref="ArgumentNullException">The vector is null.</exception>
    /// <exception cref="ArgumentException">The vector is not dense.</exception>
    public DenseGradient(Vector<T> values) => data = DenseStorage.Of(values, nameof(values));

    /// <summary>A dense matrix.</summary>
    /// <param name="values">The gradient of a parameter that was bound as a matrix of the same shape.</param>
    /// <exception cref="ArgumentNullException">The matrix is null.</exception>
    /// <exception cref="ArgumentException">The matrix is not dense.</exception>
    public DenseGradient(Matrix<T> values)
    {
        data = DenseStorage.Of(values, nameof(values));
        shape = (values.RowCount, values.ColumnCount);
    }

    /// <summary>A dense vector; null is no gradient.</summary>
    /// <param name="values">The gradient of a parameter with fewer than two dimensions.</param>
    public static implicit operator DenseGradient<T>(Vector<T>? values) => values is null ? default : new(values);

    /// <summary>A dense matrix; null is no gradient.</summary>
    /// <param name="values">The gradient of a parameter that was bound as a matrix of the same shape.</param>
    public static implicit operator DenseGradient<T>(Matrix<T>? values) => values is null ? default : new(values);

    /// <summary>The gradient in the storage order of its parameter.</summary>
    /// <exception cref="ArgumentException">The gradient is of another shape or kind than the parameter.</exception>
    internal Gradient<T> For(Parameter<T> parameter, string argument)
    {
        if (data is null)
        {
            return Gradient<T>.None;
        }

        var fits = shape is var (rows, columns)
            ? parameter.StorageOrder == StorageOrder.ColumnMajor
                && parameter.Shape[0] == rows
                && parameter.Shape[1] == columns
            : parameter.Shape.Length < 2 && parameter.Length == data.Length;
        return fits
            ? data
            : throw new ArgumentException(
                $"The gradient is {Describe()}; the parameter is {parameter}, {parameter.StorageOrder}. A vector is the gradient "
                    + "of a parameter with fewer than two dimensions, a matrix that of a matrix of the same shape.",
                argument
            );
    }

    private string Describe() =>
        shape is var (rows, columns) ? $"a matrix of {rows} x {columns}" : $"a vector of {data?.Length}";
}
