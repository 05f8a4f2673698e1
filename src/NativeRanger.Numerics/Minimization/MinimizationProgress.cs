namespace NativeRanger.Numerics;

/// <summary>Told of every point at which the objective has been evaluated, the first and the last included.</summary>
/// <remarks>
/// It may run other minimizations, on the same minimizer and objective too. What it throws comes out as the
/// <see cref="Exception.InnerException"/> of a <see cref="MinimizationException"/>, which holds the best point.
/// </remarks>
/// <param name="progress">Where the run is.</param>
/// <returns>True to go on, false to stop (<see cref="StopReason.Callback"/>).</returns>
public delegate bool MinimizationCallback(in MinimizationProgress progress);

/// <summary>Where a run of <see cref="FirstOrderMinimizer"/> is. The spans are valid during the callback only.</summary>
public readonly ref struct MinimizationProgress
{
    /// <summary>The completed steps.</summary>
    public required int Iterations { get; init; }

    /// <summary>The evaluations of the objective.</summary>
    public required long Evaluations { get; init; }

    /// <summary>The wall time.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>The value at the present point; of a mini-batch in a stochastic run.</summary>
    public required double Value { get; init; }

    /// <summary>The lowest value so far; in a stochastic run without a judge the present value.</summary>
    public required double BestValue { get; init; }

    /// <summary><c>max |gᵢ|·max(|xᵢ|, 1) / max(|f|, 1)</c>, which the gradient tolerance is compared with.</summary>
    public required double RelativeGradient { get; init; }

    /// <summary>The present point.</summary>
    public required ReadOnlySpan<double> Point { get; init; }

    /// <summary>The gradient at the present point.</summary>
    public required ReadOnlySpan<double> Gradient { get; init; }
}
