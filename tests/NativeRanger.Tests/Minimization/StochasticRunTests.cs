using MathNet.Numerics.Optimization;
using NativeRanger.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Minimization;

/// <summary>Runs on sequences of mini-batches.</summary>
public sealed class StochasticRunTests
{
    private static readonly Sgd Half = new() { LearningRate = 0.5 };

    [Fact]
    public void Every_batch_gives_one_step_the_stepper_s_own()
    {
        var centers = Enumerable.Range(0, 50).Select(i => (double)(i * 7 % 11)).ToArray();
        var recipe = new Ranger { LearningRate = 0.1 };
        var expected = new double[] { 3, -3 };
        using var stepper = recipe.Bind(expected);
        foreach (var center in centers)
        {
            stepper.Step([expected[0] - center, 2 * (expected[1] - center)]);
        }

        var result = new FirstOrderMinimizer(recipe).FindMinimum(
            centers.Select(c => Objectives.Quadratic([1, 2], [c, c])),
            Objectives.Point(3, -3)
        );
        Assert.Null(Bits.Difference<double>("point", expected, result.ToArray()));
        Assert.Equal((50, 51L), (result.Iterations, result.Evaluations));
        Assert.Equal(
            (StopReason.EndOfBatches, ExitCondition.ExceedIterations),
            (result.StoppedBy, result.ReasonForExit)
        );
    }

    [Fact]
    public void An_endless_sequence_ends_at_a_limit()
    {
        var pulled = 0;
        var result = new FirstOrderMinimizer(Half, maximumIterations: 7).FindMinimum(Endless(), Objectives.Point(128));
        Assert.Equal((StopReason.IterationLimit, 7), (result.StoppedBy, result.Iterations));
        Assert.Equal([1], result.MinimizingPoint);
        Assert.Equal(8, pulled);

        var fewer = new FirstOrderMinimizer(Half) { MaximumEvaluations = 5 }.FindMinimum(
            Endless(),
            Objectives.Point(128)
        );
        Assert.Equal((StopReason.EvaluationLimit, 5L), (fewer.StoppedBy, fewer.Evaluations));

        IEnumerable<IObjectiveFunction> Endless()
        {
            while (true)
            {
                pulled++;
                yield return Objectives.Parabola();
            }
        }
    }

    [Fact]
    public void The_tolerances_are_not_looked_at_since_a_batch_proves_nothing()
    {
        // The first batch has its minimum at the start.
        var result = new FirstOrderMinimizer(Half, 1, 1, 1).FindMinimum(
            [Objectives.Parabola(8), Objectives.Parabola(), Objectives.Parabola()],
            Objectives.Point(8)
        );
        Assert.Equal(StopReason.EndOfBatches, result.StoppedBy);
        Assert.Equal([2], result.MinimizingPoint);
    }

    [Fact]
    public void Batches_that_are_not_finite_are_skipped_and_counted()
    {
        IObjectiveFunction[] batches =
        [
            Scripted.ValueAt(1, double.NaN),
            Objectives.Parabola(),
            Scripted.GradientAt(1, Objectives.Point(double.PositiveInfinity)),
            Objectives.Parabola(),
            new Scripted((_, x) => (double.NaN, x)),
        ];
        var minimizer = new FirstOrderMinimizer(Half) { NonFinite = NonFinitePolicy.SkipStep };
        var result = minimizer.FindMinimum(batches, Objectives.Point(8));
        // The last step is not followed by a finite evaluation, so that its point is not returned.
        Assert.Equal((2, 3L), (result.Iterations, result.SkippedSteps));
        Assert.Equal([4], result.MinimizingPoint);

        var exception = Assert.Throws<MinimizationException>(() =>
            new FirstOrderMinimizer(Half).FindMinimum(
                [Objectives.Parabola(), Scripted.ValueAt(1, double.NaN)],
                Objectives.Point(8)
            )
        );
        Assert.Equal([8], exception.Best.MinimizingPoint);

        var only = minimizer.FindMinimum([Scripted.ValueAt(1, double.NaN)], Objectives.Point(8));
        Assert.Equal((StopReason.EndOfBatches, 1L), (only.StoppedBy, only.SkippedSteps));
        Assert.Equal([8], only.MinimizingPoint);
    }

    [Fact]
    public void A_sequence_that_is_empty_or_fails_is_named()
    {
        var minimizer = new FirstOrderMinimizer(Half);
        Assert.Throws<ArgumentException>(() => minimizer.FindMinimum([], Objectives.Point(8)));
        Assert.Throws<ArgumentNullException>(() =>
            minimizer.FindMinimum((IEnumerable<IObjectiveFunction>)null!, Objectives.Point(8))
        );

        var missing = Assert.Throws<MinimizationException>(() =>
            minimizer.FindMinimum([Objectives.Parabola(), Objectives.Parabola(), null!], Objectives.Point(8))
        );
        Assert.IsType<ArgumentNullException>(missing.InnerException);
        Assert.Equal([4], missing.Best.MinimizingPoint);

        var broken = Assert.Throws<MinimizationException>(() => minimizer.FindMinimum(Broken(), Objectives.Point(8)));
        Assert.IsType<InvalidDataException>(broken.InnerException);
        Assert.Contains("The sequence of objectives threw", broken.Message, StringComparison.Ordinal);

        static IEnumerable<IObjectiveFunction> Broken()
        {
            yield return Objectives.Parabola();
            throw new InvalidDataException();
        }
    }

    [Fact]
    public void A_batch_of_another_dimension_is_named_and_the_last_point_kept()
    {
        var exception = Assert.Throws<MinimizationException>(() =>
            new FirstOrderMinimizer(Half).FindMinimum(
                [Objectives.Parabola(), Objectives.Parabola(), Scripted.GradientAt(1, Objectives.Point(1, 2, 3))],
                Objectives.Point(8)
            )
        );
        Assert.Contains("a gradient of 3 elements at a point of 1", exception.Message, StringComparison.Ordinal);
        Assert.Equal([4], exception.Best.MinimizingPoint);
    }

    [Fact]
    public void Batches_without_a_gradient_get_one_of_differences()
    {
        var batch = ObjectiveFunction.Value(x => x[0] * x[0] / 2);
        Assert.Throws<IncompatibleObjectiveException>(() =>
            new FirstOrderMinimizer(Half).FindMinimum([batch], Objectives.Point(8))
        );
        var result = new FirstOrderMinimizer(Half) { UseFiniteDifferences = true }.FindMinimum(
            [batch, batch],
            Objectives.Point(8)
        );
        // Central differences of a parabola are exact up to rounding: ε·32/h = 1e-10 twice.
        Assert.Equal(2, result.MinimizingPoint[0], 1e-9);
        Assert.Equal(9, result.Evaluations);
    }

    [Fact]
    public void A_judge_tells_the_best_point_and_when_to_stop()
    {
        // The batches pull to 0 and then away to 100; the judge wants 2, which is passed after two steps.
        IObjectiveFunction[] batches =
        [
            .. Enumerable.Repeat(Objectives.Parabola(), 3),
            .. Enumerable.Repeat(Objectives.Parabola(100), 2),
        ];
        var judged = new FirstOrderMinimizer(Half, gradientTolerance: 0).FindMinimum(
            batches,
            Objectives.Point(8),
            judge: Objectives.Parabola(2),
            judgeEvery: 1
        );
        Assert.Equal([2], judged.MinimizingPoint);
        Assert.Equal((0, StopReason.EndOfBatches), (judged.Value, judged.StoppedBy));
        // Six of batches, six of the judge.
        Assert.Equal((5, 12L), (judged.Iterations, judged.Evaluations));

        var stopped = new FirstOrderMinimizer(Half).FindMinimum(
            batches,
            Objectives.Point(8),
            Objectives.Parabola(2),
            judgeEvery: 2
        );
        Assert.Equal((2, StopReason.RelativeGradient), (stopped.Iterations, stopped.StoppedBy));
        Assert.Equal([2], stopped.MinimizingPoint);

        // Seldom asked, it judges the start and the end.
        var seldom = new FirstOrderMinimizer(Half, gradientTolerance: 0).FindMinimum(
            batches,
            Objectives.Point(8),
            Objectives.Parabola(2),
            judgeEvery: 100
        );
        Assert.Equal([8], seldom.MinimizingPoint);
        Assert.Equal(8, seldom.Evaluations);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new FirstOrderMinimizer(Half).FindMinimum(batches, Objectives.Point(8), Objectives.Parabola(2), 0)
        );
    }

    [Fact]
    public void A_judge_whose_value_is_not_finite_follows_the_policy()
    {
        var batches = Enumerable.Repeat(Objectives.Parabola(), 3).ToArray();
        var judge = Scripted.ValueAt(2, double.NaN);
        var exception = Assert.Throws<MinimizationException>(() =>
            new FirstOrderMinimizer(Half).FindMinimum(batches, Objectives.Point(8), judge, 1)
        );
        Assert.Equal([8], exception.Best.MinimizingPoint);

        var result = new FirstOrderMinimizer(Half) { NonFinite = NonFinitePolicy.SkipStep }.FindMinimum(
            batches,
            Objectives.Point(8),
            judge.Fresh(),
            1
        );
        Assert.Equal([1], result.MinimizingPoint);
    }

    [Fact]
    public void Fault_52_cancellation_keeps_the_last_point()
    {
        using var source = new CancellationTokenSource();
        var result = new FirstOrderMinimizer(Half).FindMinimum(Batches(), Objectives.Point(8), source.Token);
        Assert.Equal(StopReason.Cancelled, result.StoppedBy);
        Assert.Equal([4], result.MinimizingPoint);

        IEnumerable<IObjectiveFunction> Batches()
        {
            yield return Objectives.Parabola();
            source.Cancel();
            yield return Objectives.Parabola();
            yield return Objectives.Parabola();
        }
    }
}
