using MathNet.Numerics.Optimization;

namespace NativeRanger.Numerics.Minimization;

/// <summary>
/// A run on a sequence of mini-batches. Their values cannot be compared, so that the last point is returned, unless a judge
/// tells which is the best.
/// </summary>
internal sealed class StochasticRun(
    FirstOrderMinimizer settings,
    IEnumerator<IObjectiveFunction> batches,
    Judge? judge,
    double[] initialGuess,
    CancellationToken cancellation
)
    : MinimizationRun(
        settings,
        new ObjectiveEvaluator(objective: null, settings.CostAt(initialGuess.Length)),
        initialGuess,
        cancellation
    )
{
    private readonly Judgement judgement = new(settings, initialGuess.Length);
    private readonly double[] judgedGradient = new double[judge is null ? 0 : initialGuess.Length];
    private int judgedIteration = -1;

    protected override Evaluator Keeper => judge?.Evaluator ?? Evaluator;

    protected override bool CanSkip => true;

    protected override bool MoveNext()
    {
        var evaluator = (ObjectiveEvaluator)Evaluator;
        if (batches.MoveNext())
        {
            evaluator.Objective = Settings.RequireGradient(batches.Current);
            return true;
        }

        if (evaluator.Objective is null)
        {
            throw new ArgumentException("There is no mini-batch.", nameof(batches));
        }

        return false;
    }

    protected override StopReason? Consider()
    {
        if (judge is null)
        {
            Keep(Value);
            return null;
        }

        return Budget.Iterations % judge.Every == 0 ? Judge() : null;
    }

    protected override void Finish()
    {
        if (
            judge is not null
            && judgedIteration != Budget.Iterations
            && Budget.Evaluations <= Settings.MaximumEvaluations - judge.Evaluator.Cost
        )
        {
            Judge();
        }
    }

    protected override void KeepAtLeastOne()
    {
        if (judge is null)
        {
            base.KeepAtLeastOne();
        }
        else if (judgedIteration < 0)
        {
            Judge();
        }
    }

    private StopReason? Judge()
    {
        judgedIteration = Budget.Iterations;
        var value = Evaluate(judge!.Evaluator, judgedGradient);
        var finite = RequireFinite(value, judgedGradient, judge.Evaluator);
        if (!finite)
        {
            if (Keeper.Remembered is null)
            {
                Keep(value);
            }

            return null;
        }

        var relative = ExitCriteria.RelativeGradient(Point, value, judgedGradient);
        var met = judgement.Of(Point, value, relative, Budget.Iterations);
        if (Improves(value) || Judgement.Prefers(met, value, BestValue))
        {
            Keep(value);
        }

        judgement.Leave(Point, value);
        return met;
    }
}

/// <summary>An objective whose values can be compared, evaluated after every so many steps.</summary>
internal sealed record Judge(Evaluator Evaluator, int Every);
