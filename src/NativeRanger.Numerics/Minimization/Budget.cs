namespace NativeRanger.Numerics.Minimization;

/// <summary>What a run has used so far, and what it may use.</summary>
internal sealed class Budget(FirstOrderMinimizer limits, CancellationToken cancellation)
{
    private readonly long start = limits.Time.GetTimestamp();

    public int Iterations { get; set; }

    public long Evaluations { get; set; }

    public TimeSpan Elapsed => limits.Time.GetElapsedTime(start);

    /// <summary>Why no further iteration may begin, or null.</summary>
    /// <param name="evaluations">The evaluations that it would take.</param>
    public StopReason? Exhausted(long evaluations) =>
        cancellation.IsCancellationRequested ? StopReason.Cancelled
        : Iterations >= limits.MaximumIterations ? StopReason.IterationLimit
        : Evaluations > limits.MaximumEvaluations - evaluations ? StopReason.EvaluationLimit
        : Elapsed >= limits.MaximumTime ? StopReason.TimeLimit
        : null;
}
