namespace NativeRanger.Numerics.Minimization;

/// <summary>MathNet's own definitions of when a minimum has been reached, over arrays.</summary>
/// <remarks>The definitions are those of <see cref="MathNet.Numerics.Optimization.MinimizerBase"/>; a tolerance of 0 is never met.</remarks>
/// <param name="Gradient">The relative gradient below which the run stops.</param>
/// <param name="Parameter">The relative change of the point below which the run stops.</param>
/// <param name="FunctionProgress">The decrease of the value below which the run stops, from iteration 501 on.</param>
internal readonly record struct ExitCriteria(double Gradient, double Parameter, double FunctionProgress)
{
    private const int IterationsBeforeFunctionProgress = 500;

    /// <summary><c>max |gᵢ|·max(|xᵢ|, 1) / max(|f|, 1)</c>.</summary>
    public static double RelativeGradient(ReadOnlySpan<double> point, double value, ReadOnlySpan<double> gradient)
    {
        var scale = Math.Max(Math.Abs(value), 1);
        var largest = 0.0;
        for (var i = 0; i < point.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(gradient[i] * Math.Max(Math.Abs(point[i]), 1) / scale));
        }

        return largest;
    }

    /// <summary>Whether a criterion is met at the first point of a run.</summary>
    public StopReason? Judge(double relativeGradient) =>
        relativeGradient < Gradient ? StopReason.RelativeGradient : null;

    /// <summary>Whether a criterion is met, and which: the first in the order of MathNet's minimizers.</summary>
    /// <param name="relativeGradient"><see cref="RelativeGradient"/> at the present point.</param>
    /// <param name="point">The present point.</param>
    /// <param name="previous">The point before the last step.</param>
    /// <param name="change">The present value minus the one before the last step.</param>
    /// <param name="iterations">The completed steps.</param>
    public StopReason? Judge(
        double relativeGradient,
        ReadOnlySpan<double> point,
        ReadOnlySpan<double> previous,
        double change,
        int iterations
    )
    {
        if (Judge(relativeGradient) is { } met)
        {
            return met;
        }

        // The change is looked at only where it is asked for: it takes another pass over the point.
        if (Parameter > 0 && RelativeChange(point, previous) < Parameter)
        {
            return StopReason.ParameterProgress;
        }

        return iterations > IterationsBeforeFunctionProgress && change < 0 && Math.Abs(change) < FunctionProgress
            ? StopReason.FunctionProgress
            : null;
    }

    /// <summary><c>max |xᵢ - x'ᵢ| / max(|x'ᵢ|, 1)</c>.</summary>
    private static double RelativeChange(ReadOnlySpan<double> point, ReadOnlySpan<double> previous)
    {
        var largest = 0.0;
        for (var i = 0; i < point.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(point[i] - previous[i]) / Math.Max(Math.Abs(previous[i]), 1));
        }

        return largest;
    }
}
