namespace NativeRanger.Numerics.Reference;

/// <summary>The factors of <see cref="Schedules"/>, written again from their formulas, to check them bit for bit.</summary>
internal static class ReferenceSchedules
{
    /// <summary><c>min(1, (t+1)/n)</c>.</summary>
    public static double LinearWarmup(long t, long n) => t + 1 < n ? (t + 1.0) / n : 1.0;

    /// <summary><c>to + (from-to)·(1 + cos(πt/n))/2</c>, then <c>to</c>.</summary>
    public static double HalfCosine(long t, long n, double from, double to)
    {
        if (t >= n)
        {
            return to;
        }

        var height = from - to;
        var cosine = CosineOfPi(t / (double)n);
        return to + (height * (1.0 + cosine) / 2.0);
    }

    /// <summary>Half cosines of growing length, one after another.</summary>
    public static double Restarts(long t, long period, long growth, double to)
    {
        var start = 0L;
        for (var length = period; ; length *= growth)
        {
            if (t < start + length)
            {
                return HalfCosine(t - start, length, 1.0, to);
            }

            start += length;
        }
    }

    /// <summary>A number multiplied by itself: from the lowest bit of the exponent to the highest.</summary>
    public static double Power(double number, long exponent)
    {
        var power = 1.0;
        for (var square = number; exponent != 0; exponent /= 2, square *= square)
        {
            power = exponent % 2 == 1 ? power * square : power;
        }

        return power;
    }

    /// <summary>Rising, then falling half cosine.</summary>
    public static double OneCycle(long t, long n, double peak, double start, double to)
    {
        var top = (long)(peak * n);
        return t < top ? HalfCosine(t, top, start, 1.0) : HalfCosine(t - top, n - top, 1.0, to);
    }

    /// <summary>1, then a falling half cosine.</summary>
    public static double FlatAnneal(long t, long n, double flat, double to)
    {
        var end = (long)(flat * n);
        return t < end ? 1.0 : HalfCosine(t - end, n - end, 1.0, to);
    }

    /// <summary>1 - y/2! + y²/4! - … + y¹⁰/20! with y = (πx)², from the last term to the first; mirrored at 1/2, where it is 0.</summary>
    private static double CosineOfPi(double x)
    {
        var mirrored = x > 0.5;
        var angle = Math.PI * (mirrored ? 1.0 - x : x);
        if (x == 0.5)
        {
            return 0.0;
        }

        var y = angle * angle;
        var sum = 0.0;
        for (var n = 10; n >= 0; n--)
        {
            // (2n)! up to 20! are whole numbers below 2^63; 20! has 18 factors of 2 and is exact as a double.
            var factorial = 1L;
            for (var i = 2; i <= 2 * n; i++)
            {
                factorial *= i;
            }

            var term = 1.0 / factorial;
            sum = (sum * y) + (n % 2 == 0 ? term : -term);
        }

        return mirrored ? -sum : sum;
    }
}
