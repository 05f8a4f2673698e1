using MathNet.Numerics.Optimization;

namespace NativeRanger.Numerics;

/// <summary>
/// A run of <see cref="FirstOrderMinimizer"/> could not go on: the objective, the progress callback or the schedule threw, or
/// what they gave cannot be used. What had been found is in <see cref="Best"/>.
/// </summary>
public sealed class MinimizationException : EvaluationException
{
    internal MinimizationException(string message, FirstOrderResult best, Exception? innerException)
        : base(message, best.FunctionInfoAtMinimum, innerException) => Best = best;

    /// <summary>The best point before it happened; its <see cref="FirstOrderResult.StoppedBy"/> is <see cref="StopReason.Failure"/>.</summary>
    public FirstOrderResult Best { get; }
}
