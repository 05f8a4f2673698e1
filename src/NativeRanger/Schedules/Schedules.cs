namespace NativeRanger;

/// <summary>
/// Schedules of the learning rate: pure functions of the completed steps, as factors on a rate. Attach one to a stepper
/// (<see cref="Stepper{T}.Schedule"/>), or make rates of it: <c>stepper.Step(g, learningRate: schedule(t))</c> with
/// <c>schedule = Schedules.Cosine(1000).Times(0.1)</c>.
/// </summary>
/// <remarks>
/// No mathematical library is used, so that the factors are the same bits on every system: powers by squaring, the cosine by a
/// polynomial (<see cref="CosineOfPi"/>). Beyond its last step a schedule keeps its last value.
/// </remarks>
public static class Schedules
{
    /// <summary>The same factor at every step.</summary>
    /// <param name="factor">The factor, at least 0.</param>
    public static Schedule Constant(double factor = 1)
    {
        Require.NonNegative(factor, nameof(factor));
        return _ => factor;
    }

    /// <summary>Linear warm-up: <c>min(1, (t+1)/steps)</c>, so that the first step is not lost and step <c>steps - 1</c> is full.</summary>
    /// <param name="steps">The steps of the warm-up, at least 1.</param>
    public static Schedule LinearWarmup(long steps)
    {
        AtLeastOne(steps, nameof(steps));
        return t => t + 1 >= steps ? 1 : (double)(t + 1) / steps;
    }

    /// <summary>Cosine annealing: <c>final + (1-final)·(1 + cos(π·t/steps))/2</c>.</summary>
    /// <remarks>Source: Loshchilov, Hutter, SGDR, ICLR 2017.</remarks>
    /// <param name="steps">The steps after which <paramref name="final"/> is reached, at least 1.</param>
    /// <param name="final">The last factor, at least 0; 0 by default.</param>
    public static Schedule Cosine(long steps, double final = 0)
    {
        AtLeastOne(steps, nameof(steps));
        Require.NonNegative(final, nameof(final));
        return t => Anneal(1, final, t, steps);
    }

    /// <summary>Cosine annealing that starts again after each period; each period is longer by a whole factor.</summary>
    /// <remarks>Source: Loshchilov, Hutter, SGDR, ICLR 2017.</remarks>
    /// <param name="period">The steps of the first period, at least 1.</param>
    /// <param name="growth">The factor from one period to the next, at least 1; 1 by default.</param>
    /// <param name="final">The factor that each period approaches, at least 0; 0 by default.</param>
    public static Schedule CosineWithRestarts(long period, int growth = 1, double final = 0)
    {
        AtLeastOne(period, nameof(period));
        Require.AtLeastOne(growth, nameof(growth));
        Require.NonNegative(final, nameof(final));
        return t =>
        {
            if (growth == 1)
            {
                return Anneal(1, final, t % period, period);
            }

            var length = period;
            while (t >= length)
            {
                t -= length;
                length = length > long.MaxValue / growth ? long.MaxValue : length * growth;
            }

            return Anneal(1, final, t, length);
        };
    }

    /// <summary>A factor that is applied again after every so many steps: <c>factor^⌊t/every⌋</c>.</summary>
    /// <param name="every">The steps between two changes, at least 1.</param>
    /// <param name="factor">The factor, at least 0; 0.1 by default.</param>
    public static Schedule Step(long every, double factor = 0.1)
    {
        AtLeastOne(every, nameof(every));
        Require.NonNegative(factor, nameof(factor));
        return t => Power(factor, t / every);
    }

    /// <summary>Exponential decay: <c>factor^t</c>.</summary>
    /// <param name="factor">The factor per step, at least 0.</param>
    public static Schedule Exponential(double factor)
    {
        Require.NonNegative(factor, nameof(factor));
        return t => Power(factor, t);
    }

    /// <summary>One cycle: cosine from <paramref name="start"/> up to 1 and down to <paramref name="final"/>.</summary>
    /// <remarks>Source: Smith, Topin, Super-Convergence, 2018; the defaults are PyTorch's.</remarks>
    /// <param name="steps">All steps, at least 1.</param>
    /// <param name="peak">The fraction of the steps at which 1 is reached, from 0 to 1; 0.3 by default.</param>
    /// <param name="start">The first factor, at least 0; 1/25 by default.</param>
    /// <param name="final">The last factor, at least 0; 1/250,000 by default.</param>
    public static Schedule OneCycle(
        long steps,
        double peak = 0.3,
        double start = 1.0 / 25,
        double final = 1.0 / 250_000
    )
    {
        AtLeastOne(steps, nameof(steps));
        Require.Fraction(peak, nameof(peak));
        Require.NonNegative(start, nameof(start));
        Require.NonNegative(final, nameof(final));
        var rising = (long)(peak * steps);
        return t => t < rising ? Anneal(start, 1, t, rising) : Anneal(1, final, t - rising, steps - rising);
    }

    /// <summary>Flat, then cosine annealing over the rest: the schedule that is used with Ranger.</summary>
    /// <param name="steps">All steps, at least 1.</param>
    /// <param name="flat">The fraction of the steps that is flat, from 0 to 1; 0.72 by default.</param>
    /// <param name="final">The last factor, at least 0; 0 by default.</param>
    public static Schedule FlatAnneal(long steps, double flat = 0.72, double final = 0)
    {
        AtLeastOne(steps, nameof(steps));
        Require.Fraction(flat, nameof(flat));
        Require.NonNegative(final, nameof(final));
        var start = (long)(flat * steps);
        return t => t < start ? 1 : Anneal(1, final, t - start, steps - start);
    }

    /// <summary>One schedule after another; each counts from 0, and the last one goes on.</summary>
    /// <param name="parts">The schedules with their steps; the steps of the last one do not matter.</param>
    public static Schedule Sequence(params (Schedule Schedule, long Steps)[] parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        if (parts.Length == 0)
        {
            throw new ArgumentException("A sequence needs at least one schedule.", nameof(parts));
        }

        foreach (var (schedule, steps) in parts)
        {
            ArgumentNullException.ThrowIfNull(schedule, nameof(parts));
            ArgumentOutOfRangeException.ThrowIfNegative(steps, nameof(parts));
        }

        parts = [.. parts];
        return t =>
        {
            var i = 0;
            while (i < parts.Length - 1 && t >= parts[i].Steps)
            {
                t -= parts[i++].Steps;
            }

            return parts[i].Schedule(t);
        };
    }

    extension(Schedule schedule)
    {
        /// <summary>The schedule multiplied by a number: a learning rate from a factor.</summary>
        /// <param name="rate">The number, at least 0.</param>
        public Schedule Times(double rate)
        {
            Require.NonNegative(rate, nameof(rate));
            return t => rate * schedule(t);
        }

        /// <summary>The product of two schedules, such as a warm-up and a decay.</summary>
        /// <param name="other">The other schedule.</param>
        public Schedule Times(Schedule other)
        {
            ArgumentNullException.ThrowIfNull(other);
            return t => schedule(t) * other(t);
        }
    }

    /// <summary>cos(πx) for 0 ≤ x ≤ 1, to 2·10⁻¹⁶: the same bits everywhere.</summary>
    /// <remarks>
    /// Up to x = 1/2 the Taylor series in y = (πx)², up to y¹⁰, by Horner's rule with the doubles nearest to 1/(2n)!; beyond,
    /// -cos(π(1-x)). At x = 1/2 it is set to 0.
    /// </remarks>
    /// <param name="x">From 0 to 1.</param>
    internal static double CosineOfPi(double x)
    {
        if (x == 0.5)
        {
            return 0;
        }

        if (x > 0.5)
        {
            return -CosineOfPi(1 - x);
        }

        var y = Math.PI * x * (Math.PI * x);
        var sum = InverseFactorials[^1];
        for (var n = InverseFactorials.Length - 2; n >= 0; n--)
        {
            sum = (sum * y) + InverseFactorials[n];
        }

        return sum;
    }

    /// <summary>(-1)ⁿ/(2n)!, n from 0 to 10; every (2n)! up to 18! is a double, and one division rounds once.</summary>
    private static readonly double[] InverseFactorials =
    [
        1.0,
        -1.0 / 2,
        1.0 / 24,
        -1.0 / 720,
        1.0 / 40_320,
        -1.0 / 3_628_800,
        1.0 / 479_001_600,
        -1.0 / 87_178_291_200,
        1.0 / 20_922_789_888_000,
        -1.0 / 6_402_373_705_728_000,
        1.0 / 2_432_902_008_176_640_000,
    ];

    /// <summary>The value after t of n steps on half a cosine from one value to another.</summary>
    private static double Anneal(double from, double to, long t, long n) =>
        t >= n ? to : to + ((from - to) * (1 + CosineOfPi((double)t / n)) / 2);

    private static double Power(double b, long exponent)
    {
        var result = 1.0;
        while (exponent > 0)
        {
            if ((exponent & 1) != 0)
            {
                result *= b;
            }

            b *= b;
            exponent >>= 1;
        }

        return result;
    }

    private static void AtLeastOne(long value, string name)
    {
        if (value < 1)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be at least 1; it is {value}.");
        }
    }
}
