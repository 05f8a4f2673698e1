using MathNet.Numerics.Optimization;

namespace NativeRanger.Numerics;

/// <summary>The best point of a run of <see cref="FirstOrderMinimizer"/>, and what ended the run.</summary>
/// <remarks>
/// The point is the one with the lowest value among all that were evaluated. Where the gradient tolerance ended the run, a
/// last point whose value is the lowest but for rounding (1e-15·max(|f|, 1)) is preferred, since its gradient meets the
/// tolerance. <see cref="MinimizationResult.ReasonForExit"/> is about the run: at another point than the last, the
/// gradient may be larger than at the point that met the tolerance.
/// </remarks>
public sealed class FirstOrderResult : MinimizationResult
{
    internal FirstOrderResult(
        IObjectiveFunction best,
        StopReason stoppedBy,
        int iterations,
        long evaluations,
        long skippedSteps,
        TimeSpan elapsed
    )
        : base(best, iterations, stoppedBy.ToExitCondition())
    {
        StoppedBy = stoppedBy;
        Evaluations = evaluations;
        SkippedSteps = skippedSteps;
        Elapsed = elapsed;
    }

    /// <summary>What ended the run.</summary>
    public StopReason StoppedBy { get; }

    /// <summary>The evaluations of the objective; one that gives value and gradient counts once.</summary>
    public long Evaluations { get; }

    /// <summary>The mini-batches that <see cref="NonFinitePolicy.SkipStep"/> skipped.</summary>
    public long SkippedSteps { get; }

    /// <summary>The wall time of the run.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>The best point as a new array.</summary>
    public double[] ToArray() => MinimizingPoint.ToArray();

    /// <summary>The value at the best point.</summary>
    public double Value => FunctionInfoAtMinimum.Value;
}
