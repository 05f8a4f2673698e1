namespace NativeRanger.Numerics.Minimization;

/// <summary>A run on one objective, whose values can be compared: the lowest is the best.</summary>
internal sealed class FullRun(
    FirstOrderMinimizer settings,
    Evaluator evaluator,
    double[] initialGuess,
    CancellationToken cancellation
) : MinimizationRun(settings, evaluator, initialGuess, cancellation)
{
    private readonly Judgement judgement = new(settings, initialGuess.Length);

    // The same point of the same objective gives the same value again.
    protected override bool CanSkip => false;

    protected override bool MoveNext() => true;

    protected override void Leave() => judgement.Leave(Point, Value);

    protected override StopReason? Consider()
    {
        if (!IsFinite)
        {
            return null;
        }

        var met = judgement.Of(Point, Value, RelativeGradient, Budget.Iterations);
        if (Improves(Value) || Judgement.Prefers(met, Value, BestValue))
        {
            Keep(Value);
        }

        return met;
    }
}
