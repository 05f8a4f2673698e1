using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;
using NativeRanger.Cli.Functions;
using NativeRanger.Cli.Training;
using NativeRanger.Numerics;

namespace NativeRanger.Cli.Minimizing;

/// <summary>One minimizer on one problem.</summary>
/// <param name="Problem">The problem.</param>
/// <param name="Minimizer">Who minimised.</param>
/// <param name="Rate">The learning rate; null where there is none.</param>
/// <param name="Value">The value at the best point.</param>
/// <param name="GradientNorm">max |gᵢ| there.</param>
/// <param name="Iterations">The steps that were taken.</param>
/// <param name="EndedBy">The reason, in the words of whoever minimised.</param>
/// <param name="Elapsed">The wall time.</param>
internal sealed record StudyResult(
    Problem Problem,
    string Minimizer,
    double? Rate,
    double Value,
    double GradientNorm,
    int Iterations,
    string EndedBy,
    TimeSpan Elapsed
)
{
    // Gaps below this differ by rounding and by where the tolerance was met: the faster run is the better one.
    private const double SmallestGap = 1e-12;

    /// <summary>f - f*.</summary>
    public double Gap => Value - Problem.Minimum;

    /// <summary>What makes a result better than another: the gap, then the steps.</summary>
    public (double, int) Rank => (Math.Max(Gap, SmallestGap * Math.Max(1, Problem.Minimum)), Iterations);
}

/// <summary>Runs recipes, and MathNet's own minimizers, on problems.</summary>
internal static class MinimizationStudy
{
    private const int Memory = 10;

    /// <summary>The minimizers of MathNet that results are compared with.</summary>
    public static IReadOnlyList<string> References { get; } = ["MathNet BFGS", "MathNet L-BFGS"];

    /// <summary>Every problem by every optimizer at its best rate; the order is that of the arguments.</summary>
    public static IReadOnlyList<StudyResult> Sweep(
        IReadOnlyList<Problem> problems,
        IReadOnlyList<OptimizerChoice> optimizers,
        Action<StudyResult> afterRun,
        CancellationToken cancellation
    )
    {
        var cells = problems.SelectMany(p => optimizers.Select(o => (Problem: p, Optimizer: o))).ToArray();
        var best = new StudyResult[cells.Length];
        // The runs already keep the processors busy; products that were split again would only wait.
        Control.UseSingleThread();
        Parallel.For(
            0,
            cells.Length,
            new ParallelOptions
            {
                CancellationToken = cancellation,
                MaxDegreeOfParallelism = Environment.ProcessorCount,
            },
            i =>
            {
                best[i] = AtBestRate(cells[i].Problem, cells[i].Optimizer, cancellation);
                afterRun(best[i]);
            }
        );
        return best;
    }

    /// <summary>The best run over all rates.</summary>
    public static StudyResult AtBestRate(Problem problem, OptimizerChoice optimizer, CancellationToken cancellation)
    {
        var settings = problem.Settings;
        var rates = settings.Rates;
        if (rates.Count > settings.Finalists && settings.Steps > settings.TrialSteps)
        {
            var trial = settings with { Steps = settings.TrialSteps };
            rates = [.. Ranked(rates, trial).Take(settings.Finalists).Select(result => result.Rate!.Value)];
        }

        return Ranked(rates, settings).First();

        IOrderedEnumerable<StudyResult> Ranked(IEnumerable<double> among, StudySettings within) =>
            among.Select(rate => Run(problem, optimizer, rate, within, cancellation)).OrderBy(result => result.Rank);
    }

    /// <summary>One run. What is not finite ends it, with the best point before.</summary>
    public static StudyResult Run(
        Problem problem,
        OptimizerChoice optimizer,
        double rate,
        StudySettings settings,
        CancellationToken cancellation
    )
    {
        var minimizer = new FirstOrderMinimizer(
            optimizer.Recipe with
            {
                LearningRate = rate,
            },
            settings.GradientTolerance,
            maximumIterations: settings.Steps
        )
        {
            NonFinite = NonFinitePolicy.SkipStep,
            Schedule = settings.Schedule.Create(settings.Steps),
        };
        var result = minimizer.FindMinimum(problem.CreateObjective(), problem.Start, cancellation);
        cancellation.ThrowIfCancellationRequested();
        return new(
            problem,
            optimizer.Label,
            rate,
            result.Value,
            result.FunctionInfoAtMinimum.Gradient.InfinityNorm(),
            result.Iterations,
            $"{result.StoppedBy}",
            result.Elapsed
        );
    }

    /// <summary>One of MathNet's own minimizers. They throw where they cannot go on, and then give no point.</summary>
    public static StudyResult RunReference(Problem problem, string name)
    {
        var (tolerance, iterations) = (problem.Settings.GradientTolerance, problem.Settings.Steps);
        IUnconstrainedMinimizer minimizer = string.Equals(name, References[0], StringComparison.Ordinal)
            ? new BfgsMinimizer(tolerance, 0, 0, iterations)
            : new LimitedMemoryBfgsMinimizer(tolerance, 0, 0, Memory, iterations);
        var function = problem.CreateObjective();
        var objective = ObjectiveFunction.Gradient(x =>
        {
            var gradient = new double[x.Count];
            return (function(x.AsArray(), gradient), Vector<double>.Build.Dense(gradient));
        });
        var start = TimeProvider.System.GetTimestamp();
        try
        {
            var result = minimizer.FindMinimum(objective, Vector<double>.Build.DenseOfArray(problem.Start));
            return Result(
                result.FunctionInfoAtMinimum.Value,
                result.FunctionInfoAtMinimum.Gradient.InfinityNorm(),
                result.Iterations,
                $"{result.ReasonForExit}"
            );
        }
        catch (OptimizationException exception)
        {
            return Result(double.NaN, double.NaN, 0, $"throws {exception.GetType().Name}");
        }

        StudyResult Result(double value, double norm, int steps, string reason) =>
            new(problem, name, null, value, norm, steps, reason, TimeProvider.System.GetElapsedTime(start));
    }
}
