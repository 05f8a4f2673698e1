using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Storage;

namespace NativeRanger.Numerics;

/// <summary>The array inside dense MathNet storage, which steps change in place. Anything else is refused, never copied.</summary>
internal static class DenseStorage
{
    public static T[] Of<T>(Vector<T> values, string argument)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(values, argument);
        return values.Storage is DenseVectorStorage<T> dense
            ? dense.Data
            : throw new ArgumentException(
                $"The vector has {Describe(values.Storage)}; only dense storage can be shared without a copy. "
                    + "Make a dense copy with Vector.Build.DenseOfVector(vector), and use that copy from then on.",
                argument
            );
    }

    public static T[] Of<T>(Matrix<T> values, string argument)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(values, argument);
        return values.Storage is DenseColumnMajorMatrixStorage<T> dense
            ? dense.Data
            : throw new ArgumentException(
                $"The matrix has {Describe(values.Storage)}; only dense storage can be shared without a copy. "
                    + "Make a dense copy with Matrix.Build.DenseOfMatrix(matrix), and use that copy from then on.",
                argument
            );
    }

    /// <summary>The storage by name, without the number of its type parameters: "SparseVectorStorage".</summary>
    private static string Describe(object storage) => storage.GetType().Name.Split('`')[0];
}
