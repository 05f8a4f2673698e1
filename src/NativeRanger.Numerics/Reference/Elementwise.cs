using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>Operations on every element that MathNet lacks, or takes short cuts in.</summary>
internal static class Elementwise
{
    /// <summary>The product with a number.</summary>
    /// <remarks>
    /// MathNet's own product with the number 0 is a vector of +0, whatever the elements; this one keeps NaN, infinity and -0.
    /// </remarks>
    public static Vector<T> Times<T>(this Vector<T> values, T factor)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> => values.Map(x => x * factor);

    /// <summary>The sum with a number. (MathNet's own skips the number 0, which turns -0 into +0.)</summary>
    public static Vector<T> Plus<T>(this Vector<T> values, T number)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> => values.Map(x => x + number);

    /// <summary>The difference from a number.</summary>
    public static Vector<T> Minus<T>(this Vector<T> values, T number)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> => values.Map(x => x - number);

    /// <summary>The quotient by a number.</summary>
    public static Vector<T> Over<T>(this Vector<T> values, T number)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> => values.Map(x => x / number);

    /// <summary>The square of each element.</summary>
    public static Vector<T> Squared<T>(this Vector<T> values)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> => values.PointwiseMultiply(values);

    /// <summary>The square root of each element, correctly rounded.</summary>
    public static Vector<T> Root<T>(this Vector<T> values)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> => values.Map(T.Sqrt);

    /// <summary>+0 in place of every element below the smallest normal number; NaN stays.</summary>
    /// <remarks>
    /// What decays towards 0 would otherwise become subnormal and stay so for ever, where processors are many times slower.
    /// </remarks>
    public static Vector<T> Flushed<T>(this Vector<T> values)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> =>
        values.Map(x => T.IsSubnormal(x) || x == T.Zero ? T.Zero : x);

    /// <summary>A double rounded once to the type of the elements.</summary>
    public static T Round<T>(double value)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> => T.CreateChecked(value);
}
