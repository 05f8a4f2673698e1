using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>The one order in which every reduction is added, whatever the width, the thread count or the device.</summary>
/// <remarks>
/// Blocks of 4,096 terms are counted from the first. In a block, 32 double lanes start at +0 and term i is added to lane
/// i mod 32; then the upper half of the lanes is added to the lower half until one is left. The sums of the blocks, if there
/// are several, are reduced again by the same rule.
/// </remarks>
internal static class CanonicalSum
{
    private const int Lanes = 32;
    private const int BlockLength = 4096;

    /// <summary>The sum of the terms; +0 where there are none.</summary>
    public static double Of(ReadOnlySpan<double> terms)
    {
        if (terms.Length <= BlockLength)
        {
            return OfBlock(terms);
        }

        var sums = new double[1 + ((terms.Length - 1) / BlockLength)];
        for (var block = 0; block < sums.Length; block++)
        {
            var rest = terms[(block * BlockLength)..];
            sums[block] = OfBlock(rest[..Math.Min(BlockLength, rest.Length)]);
        }

        return Of(sums);
    }

    /// <summary>The sum of the elements as doubles.</summary>
    public static double Of<T>(Vector<T> values)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> => Of(values, static x => x);

    /// <summary>The sum of a function of the elements, evaluated in double.</summary>
    public static double Of<T>(Vector<T> values, Func<double, double> term)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var terms = new double[values.Count];
        for (var i = 0; i < terms.Length; i++)
        {
            terms[i] = term(double.CreateChecked(values.At(i)));
        }

        return Of(terms);
    }

    private static double OfBlock(ReadOnlySpan<double> terms)
    {
        Span<double> lanes = stackalloc double[Lanes];
        lanes.Clear();
        for (var i = 0; i < terms.Length; i++)
        {
            lanes[i % Lanes] += terms[i];
        }

        for (var half = Lanes / 2; half >= 1; half /= 2)
        {
            for (var j = 0; j < half; j++)
            {
                lanes[j] += lanes[j + half];
            }
        }

        return lanes[0];
    }
}
