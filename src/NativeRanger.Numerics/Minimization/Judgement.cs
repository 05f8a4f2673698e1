namespace NativeRanger.Numerics.Minimization;

/// <summary>The criteria of a run, and the point that they compare the present one with.</summary>
internal sealed class Judgement(FirstOrderMinimizer settings, int length)
{
    // As in MathNet: what is below this, relative to a value, is rounding.
    private const double VerySmall = 1e-15;

    private readonly ExitCriteria criteria = new(
        settings.GradientTolerance,
        settings.ParameterTolerance,
        settings.FunctionProgressTolerance
    );

    private readonly double[] previous = new double[length];
    private double? previousValue;

    /// <summary>
    /// Whether the point that met the gradient tolerance is returned instead of one that is lower by rounding only, and whose
    /// gradient may not meet it.
    /// </summary>
    public static bool Prefers(StopReason? met, double value, double best) =>
        met == StopReason.RelativeGradient && value <= best + (VerySmall * Math.Max(Math.Abs(best), 1));

    /// <summary>The point that the next one is compared with.</summary>
    public void Leave(double[] point, double value)
    {
        point.CopyTo(previous, 0);
        previousValue = value;
    }

    /// <summary>Which criterion is met at a point, if any.</summary>
    public StopReason? Of(double[] point, double value, double relativeGradient, int iterations) =>
        previousValue is { } before
            ? criteria.Judge(relativeGradient, point, previous, value - before, iterations)
            : criteria.Judge(relativeGradient);
}
