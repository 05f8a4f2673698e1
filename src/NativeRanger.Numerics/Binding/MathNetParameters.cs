using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics;

/// <summary>Makes parameters of dense MathNet vectors and matrices, whose storage is shared: steps change it in place.</summary>
public static class MathNetParameters
{
    extension(Parameter)
    {
        /// <summary>A dense vector as a parameter.</summary>
        /// <typeparam name="T">float or double.</typeparam>
        /// <param name="name">A name that is unique within the stepper; checkpoints match by it.</param>
        /// <param name="values">The vector; its storage is shared, not copied.</param>
        /// <exception cref="ArgumentNullException">The vector is null.</exception>
        /// <exception cref="ArgumentException">The vector is not dense.</exception>
        public static Parameter<T> Of<T>(string name, Vector<T> values)
            where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> =>
            new(name, DenseStorage.Of(values, nameof(values)));

        /// <summary>A dense matrix as a parameter of shape [rows, columns].</summary>
        /// <remarks>
        /// MathNet stores matrices column by column; what is taken together as a row stays what the shape says. Its
        /// <c>SubMatrix</c>, <c>Row</c> and <c>Column</c> are copies: steps change the copy.
        /// </remarks>
        /// <typeparam name="T">float or double.</typeparam>
        /// <param name="name">A name that is unique within the stepper; checkpoints match by it.</param>
        /// <param name="values">The matrix; its storage is shared, not copied.</param>
        /// <param name="outputDimension">
        /// The dimension of the outputs, whose slices centralisation, standardisation and adaptive clipping take together: 0
        /// (default) for a matrix with an output per row, 1 for one with an output per column.
        /// </param>
        /// <exception cref="ArgumentNullException">The matrix is null.</exception>
        /// <exception cref="ArgumentException">The matrix is not dense.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The output dimension is neither 0 nor 1.</exception>
        public static Parameter<T> Of<T>(string name, Matrix<T> values, int outputDimension = 0)
            where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> =>
            new(name, DenseStorage.Of(values, nameof(values)), values.RowCount, values.ColumnCount)
            {
                StorageOrder = StorageOrder.ColumnMajor,
                OutputDimension = outputDimension,
            };
    }

    /// <summary>Binds the recipe to one dense vector.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="optimizer">The recipe.</param>
    /// <param name="values">The parameters; the vector's storage is shared, and changed in place by steps.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <exception cref="ArgumentNullException">The recipe or the vector is null.</exception>
    /// <exception cref="ArgumentException">The vector is not dense.</exception>
    public static Stepper<T> Bind<T>(this Optimizer optimizer, Vector<T> values, Backend? backend = null)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return optimizer.Bind([Parameter.Of(DefaultName, values)], backend);
    }

    /// <summary>Binds the recipe to one dense matrix.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="optimizer">The recipe.</param>
    /// <param name="values">The parameters; the matrix' storage is shared, and changed in place by steps.</param>
    /// <param name="outputDimension">The dimension of the outputs: 0 (default) with an output per row, 1 with one per column.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <exception cref="ArgumentNullException">The recipe or the matrix is null.</exception>
    /// <exception cref="ArgumentException">The matrix is not dense.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The output dimension is neither 0 nor 1.</exception>
    public static Stepper<T> Bind<T>(
        this Optimizer optimizer,
        Matrix<T> values,
        int outputDimension = 0,
        Backend? backend = null
    )
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return optimizer.Bind([Parameter.Of(DefaultName, values, outputDimension)], backend);
    }

    private const string DefaultName = "parameters";
}
