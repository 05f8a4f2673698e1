namespace NativeRanger.Numerics.Reference;

/// <summary>What undoes the pull of the moments towards their start at 0.</summary>
internal static class BiasCorrection
{
    /// <summary>1 - β^t.</summary>
    public static double Of(double beta, long t) => 1 - Power(beta, t);

    /// <summary>
    /// β^t by squaring: only products, which are the same on every machine (the mathematical library's power is not).
    /// </summary>
    public static double Power(double beta, long t)
    {
        var power = 1.0;
        for (var square = beta; t > 0; t /= 2)
        {
            if (t % 2 == 1)
            {
                power *= square;
            }

            square *= square;
        }

        return power;
    }
}
