using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>Euclidean norms in double, in the canonical order.</summary>
internal static class EuclideanNorm
{
    // Squares of finite doubles may overflow although their norm does not. A power of two scales without rounding.
    private static readonly double Shrink = Math.ScaleB(1, -600);
    private static readonly double Grow = Math.ScaleB(1, 600);

    /// <summary>The norm of several vectors as one: their sums of squares are added from +0 in the order given.</summary>
    public static double Of<T>(params IReadOnlyList<Vector<T>> vectors)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var sum = SumOfSquares(vectors, 1);
        return double.IsPositiveInfinity(sum) ? Math.Sqrt(SumOfSquares(vectors, Shrink)) * Grow : Math.Sqrt(sum);
    }

    private static double SumOfSquares<T>(IReadOnlyList<Vector<T>> vectors, double scale)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var sum = 0.0;
        foreach (var vector in vectors)
        {
            sum += CanonicalSum.Of(vector, x => x * scale * (x * scale));
        }

        return sum;
    }
}
