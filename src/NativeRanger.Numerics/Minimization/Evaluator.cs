using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Storage;
using MathNet.Numerics.Optimization;

namespace NativeRanger.Numerics.Minimization;

/// <summary>Evaluates an objective over arrays, and remembers one evaluation as a forked MathNet objective.</summary>
internal abstract class Evaluator
{
    /// <summary>The evaluations of the user's function that one call takes.</summary>
    public virtual long Cost => 1;

    /// <summary>The last evaluation; null where there has been none.</summary>
    public abstract IObjectiveFunctionEvaluation? Last { get; }

    /// <summary>What <see cref="Remember"/> kept; null before the first.</summary>
    public abstract IObjectiveFunction? Remembered { get; }

    /// <summary>Gives the value at a point, and stores the gradient. The arrays stay the caller's.</summary>
    public abstract double Evaluate(double[] point, double[] gradient);

    /// <summary>Keeps the last evaluation instead of what was kept before.</summary>
    public abstract void Remember();
}

/// <summary>Evaluates a MathNet objective, which a stochastic run exchanges between evaluations.</summary>
internal sealed class ObjectiveEvaluator(IObjectiveFunction? objective, long cost) : Evaluator
{
    private IObjectiveFunction? remembered;

    public IObjectiveFunction? Objective { get; set; } = objective;

    public override long Cost => cost;

    public override IObjectiveFunctionEvaluation? Last => Objective;

    public override IObjectiveFunction? Remembered => remembered;

    public override double Evaluate(double[] point, double[] gradient)
    {
        // A new vector for every evaluation: objectives keep it, and their forks share it.
        Objective!.EvaluateAt(Vector<double>.Build.Dense([.. point]));
        var value = Objective.Value;
        Copy(Objective.Gradient, gradient);
        return value;
    }

    public override void Remember() => remembered = Objective!.Fork();

    private static void Copy(Vector<double>? from, double[] to)
    {
        if (from?.Count != to.Length)
        {
            throw new InvalidOperationException(
                from is null
                    ? "The objective gives no gradient."
                    : $"The objective gives a gradient of {from.Count} elements at a point of {to.Length}."
            );
        }

        if (from.Storage is DenseVectorStorage<double> dense)
        {
            dense.Data.AsSpan(0, to.Length).CopyTo(to);
        }
        else
        {
            from.ToArray().CopyTo(to, 0);
        }
    }
}

/// <summary>Evaluates a plain function, which fills the gradient, without any vector.</summary>
internal sealed class FunctionEvaluator(Func<double[], double[], double> function, int length) : Evaluator
{
    // The function gets arrays of its own, so that nothing it does to them reaches the state of the run.
    private readonly double[] point = new double[length];
    private readonly double[] gradient = new double[length];
    private readonly double[] bestPoint = new double[length];
    private readonly double[] bestGradient = new double[length];
    private double value;
    private double? bestValue;

    public override IObjectiveFunctionEvaluation Last =>
        new FunctionObjective(function, [.. point], value, [.. gradient]);

    public override IObjectiveFunction? Remembered =>
        bestValue is { } best ? new FunctionObjective(function, [.. bestPoint], best, [.. bestGradient]) : null;

    public override double Evaluate(double[] point, double[] gradient)
    {
        point.CopyTo(this.point, 0);
        Array.Clear(this.gradient);
        value = function(this.point, this.gradient);
        point.CopyTo(this.point, 0);
        this.gradient.CopyTo(gradient, 0);
        return value;
    }

    public override void Remember()
    {
        point.CopyTo(bestPoint, 0);
        gradient.CopyTo(bestGradient, 0);
        bestValue = value;
    }
}
