using MathNet.Numerics.Optimization;

namespace NativeRanger.Numerics.Minimization;

/// <summary>One run from an initial guess to a result: evaluate, look, step, until something ends it.</summary>
/// <remarks>
/// Values and gradients are taken over before anyone else is called, so that callbacks may evaluate the same objective. All
/// state is the run's own.
/// </remarks>
internal abstract class MinimizationRun(
    FirstOrderMinimizer settings,
    Evaluator evaluator,
    double[] initialGuess,
    CancellationToken cancellation
)
{
    private const string Objective = "The objective";

    private readonly Budget budget = new(settings, cancellation);

    // What is being called that is not ours, for the message if it throws.
    private string? calling;
    private long skipped;

    /// <summary>The present point, which steps change in place.</summary>
    protected double[] Point { get; } = [.. initialGuess];

    /// <summary>The gradient at the present point.</summary>
    protected double[] Gradient { get; } = new double[initialGuess.Length];

    /// <summary>The value at the present point.</summary>
    protected double Value { get; private set; }

    /// <summary>Whether value and gradient at the present point are finite.</summary>
    protected bool IsFinite { get; private set; }

    /// <summary>The relative gradient at the present point.</summary>
    protected double RelativeGradient { get; private set; }

    /// <summary>The value at the point that would be returned now; NaN before there is one.</summary>
    protected double BestValue { get; set; } = double.NaN;

    protected FirstOrderMinimizer Settings => settings;

    protected Evaluator Evaluator => evaluator;

    protected Budget Budget => budget;

    /// <summary>Where the evaluation that is returned is kept.</summary>
    protected virtual Evaluator Keeper => evaluator;

    /// <summary>Whether another evaluation at the same point may be finite although one was not.</summary>
    protected abstract bool CanSkip { get; }

    /// <summary>Runs to the end.</summary>
    public FirstOrderResult Execute()
    {
        using var stepper = settings.Bind(Point);
        StopReason? stop = null;
        try
        {
            stop = Evaluate();
            while (stop is null)
            {
                stop = Iterate(stepper);
            }

            Finish();
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested && Keeper.Remembered is not null)
        {
            stop = StopReason.Cancelled;
        }
        catch (Exception exception) when (calling is not null && Keeper.Remembered is not null)
        {
            throw Failure($"{calling} threw {exception.GetType().Name}: {exception.Message}", exception);
        }

        return Result(stop.Value);
    }

    /// <summary>Makes the evaluator evaluate the next objective; false where there is none, so that the last one is evaluated again.</summary>
    protected abstract bool MoveNext();

    /// <summary>Looks at a new point: whether it is the best, and whether a criterion is met.</summary>
    protected abstract StopReason? Consider();

    /// <summary>The present point is about to change.</summary>
    protected virtual void Leave() { }

    /// <summary>The run has ended by itself.</summary>
    protected virtual void Finish() { }

    /// <summary>Even a point whose value is not finite is returned where there is no other.</summary>
    protected virtual void KeepAtLeastOne()
    {
        if (Keeper.Remembered is null)
        {
            Keep(Value);
        }
    }

    /// <summary>Keeps the last evaluation as the one to return.</summary>
    protected void Keep(double value)
    {
        calling = Objective;
        Keeper.Remember();
        calling = null;
        BestValue = value;
    }

    /// <summary>Evaluates at the present point.</summary>
    protected double Evaluate(Evaluator at, double[] gradient)
    {
        calling = Objective;
        var value = at.Evaluate(Point, gradient);
        calling = null;
        budget.Evaluations += at.Cost;
        return value;
    }

    /// <summary>Whether a finite value is lower than the best.</summary>
    protected bool Improves(double value) => value < BestValue || !double.IsFinite(BestValue);

    /// <summary>Whether value and gradient can be used; throws where the policy says so.</summary>
    protected bool RequireFinite(double value, double[] gradient, Evaluator from)
    {
        var what =
            !double.IsFinite(value) ? $"value ({value})"
            : !Array.TrueForAll(gradient, double.IsFinite) ? "gradient"
            : null;
        if (what is null || settings.NonFinite != NonFinitePolicy.Throw)
        {
            return what is null;
        }

        var message = $"The objective's {what} is not finite after {budget.Iterations} iterations.";
        throw Keeper.Remembered is null ? new EvaluationException(message, from.Last) : Failure(message, null);
    }

    private StopReason? Iterate(Stepper<double> stepper)
    {
        if (budget.Exhausted(evaluator.Cost) is { } limit)
        {
            return limit;
        }

        Leave();
        calling = "The schedule";
        stepper.Step(Gradient);
        calling = null;
        budget.Iterations++;
        return Evaluate();
    }

    private StopReason? Evaluate()
    {
        var another = Next();
        EvaluateHere();
        while (!IsFinite && settings.NonFinite == NonFinitePolicy.SkipStep)
        {
            if (!CanSkip)
            {
                KeepAtLeastOne();
                return StopReason.NonFinite;
            }

            skipped += another ? 1 : 0;
            var end = another ? budget.Exhausted(evaluator.Cost) : StopReason.EndOfBatches;
            if (end is not null)
            {
                KeepAtLeastOne();
                return end;
            }

            another = Next();
            EvaluateHere();
        }

        RelativeGradient = ExitCriteria.RelativeGradient(Point, Value, Gradient);
        var met = Consider();
        KeepAtLeastOne();
        var goOn = Report();
        return met
            ?? (
                !another ? StopReason.EndOfBatches
                : !goOn ? StopReason.Callback
                : null
            );
    }

    private void EvaluateHere()
    {
        Value = Evaluate(evaluator, Gradient);
        IsFinite = RequireFinite(Value, Gradient, evaluator);
    }

    private bool Next()
    {
        calling = "The sequence of objectives";
        var another = MoveNext();
        calling = null;
        return another;
    }

    private bool Report()
    {
        if (settings.Progress is not { } callback)
        {
            return true;
        }

        calling = "The progress callback";
        var goOn = callback(
            new()
            {
                Iterations = budget.Iterations,
                Evaluations = budget.Evaluations,
                Elapsed = budget.Elapsed,
                Value = Value,
                BestValue = BestValue,
                RelativeGradient = RelativeGradient,
                Point = Point,
                Gradient = Gradient,
            }
        );
        calling = null;
        return goOn;
    }

    private FirstOrderResult Result(StopReason stop) =>
        new(Keeper.Remembered!, stop, budget.Iterations, budget.Evaluations, skipped, budget.Elapsed);

    private MinimizationException Failure(string message, Exception? inner) =>
        new($"{message} The best point is in {nameof(MinimizationException.Best)}.", Result(StopReason.Failure), inner);
}
