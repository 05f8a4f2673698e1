using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;
using NativeRanger.Numerics;

namespace NativeRanger.Tests.Minimization;

/// <summary>Objectives and callbacks that fail: each as documented, and the best point is not lost.</summary>
public sealed class FailingObjectivesTests
{
    private static readonly Sgd Half = new() { LearningRate = 0.5 };

    public static TheoryData<double> NonFiniteValues => [double.NaN, double.PositiveInfinity, double.NegativeInfinity];

    [Theory]
    [MemberData(nameof(NonFiniteValues))]
    public void A_value_that_is_not_finite_at_the_start_is_refused_as_by_MathNet(double value)
    {
        foreach (var objective in new[] { Scripted.ValueAt(1, value), Scripted.GradientAt(1, Objectives.Point(value)) })
        {
            var bfgs = Record.Exception(() =>
                new BfgsMinimizer(1e-5, 1e-5, 1e-5).FindMinimum(objective.Fresh(), Objectives.Point(8))
            );
            var ours = Record.Exception(() =>
                new FirstOrderMinimizer(Half).FindMinimum(objective.Fresh(), Objectives.Point(8))
            );
            Assert.Equal(typeof(EvaluationException), bfgs!.GetType());
            Assert.Equal(typeof(EvaluationException), ours!.GetType());
            Assert.Equal([8], ((EvaluationException)ours).ObjectiveFunction.Point);
        }
    }

    [Theory]
    [MemberData(nameof(NonFiniteValues))]
    public void A_value_that_is_not_finite_midway_throws_with_the_best_point(double value)
    {
        foreach (var objective in new[] { Scripted.ValueAt(3, value), Scripted.GradientAt(3, Objectives.Point(value)) })
        {
            var exception = Assert.Throws<MinimizationException>(() =>
                new FirstOrderMinimizer(Half).FindMinimum(objective, Objectives.Point(8))
            );
            Assert.Contains("not finite after 2 iterations", exception.Message, StringComparison.Ordinal);
            Assert.Null(exception.InnerException);
            AssertBest(exception.Best);
            // Whoever catches MathNet's exception sees the best point too.
            Assert.Equal([4], ((EvaluationException)exception).ObjectiveFunction.Point);
        }
    }

    [Theory]
    [MemberData(nameof(NonFiniteValues))]
    public void SkipStep_returns_the_best_point(double value)
    {
        var minimizer = new FirstOrderMinimizer(Half) { NonFinite = NonFinitePolicy.SkipStep };
        foreach (var objective in new[] { Scripted.ValueAt(3, value), Scripted.GradientAt(3, Objectives.Point(value)) })
        {
            var result = minimizer.FindMinimum(objective, Objectives.Point(8));
            Assert.Equal((StopReason.NonFinite, ExitCondition.InvalidValues), (result.StoppedBy, result.ReasonForExit));
            Assert.Equal([4], result.MinimizingPoint);
        }

        var atStart = minimizer.FindMinimum(Scripted.ValueAt(1, value), Objectives.Point(8));
        Assert.Equal(StopReason.NonFinite, atStart.StoppedBy);
        Assert.Equal([8], atStart.MinimizingPoint);
        Assert.Equal(value, atStart.Value);
    }

    [Fact]
    public void Propagate_steps_on_and_never_takes_what_is_not_finite_for_the_best()
    {
        var minimizer = new FirstOrderMinimizer(Half, maximumIterations: 6) { NonFinite = NonFinitePolicy.Propagate };

        // A value only: the gradient is sound, and the run goes on to the minimum.
        foreach (var value in new[] { double.NaN, double.NegativeInfinity })
        {
            var on = minimizer.FindMinimum(Scripted.ValueAt(3, value), Objectives.Point(8));
            Assert.Equal([0.125], on.ToArray());
            Assert.Equal(6, on.Iterations);
            Assert.Equal([0.125], minimizer.FindMinimum(Scripted.ValueAt(1, value), Objectives.Point(8)).ToArray());
        }

        // A gradient: the point itself is lost, the best is not.
        var lost = minimizer.FindMinimum(Scripted.GradientAt(3, Objectives.Point(double.NaN)), Objectives.Point(8));
        Assert.Equal([4], lost.ToArray());
        Assert.Equal(StopReason.IterationLimit, lost.StoppedBy);
    }

    [Fact]
    public void What_an_objective_throws_at_the_start_comes_out_as_it_is()
    {
        var thrown = new InvalidDataException("broken");
        Assert.Same(
            thrown,
            Record.Exception(() =>
                new FirstOrderMinimizer(Half).FindMinimum(Scripted.ThrowAt(1, thrown), Objectives.Point(8))
            )
        );
    }

    [Fact]
    public void What_an_objective_throws_midway_comes_with_the_best_point()
    {
        var thrown = new InvalidDataException("broken");
        var minimizer = new FirstOrderMinimizer(Half);
        var exception = Assert.Throws<MinimizationException>(() =>
            minimizer.FindMinimum(Scripted.ThrowAt(3, thrown), Objectives.Point(8))
        );
        Assert.Same(thrown, exception.InnerException);
        Assert.Contains(
            "The objective threw InvalidDataException: broken",
            exception.Message,
            StringComparison.Ordinal
        );
        AssertBest(exception.Best);

        var calls = 0;
        var ofFunction = Assert.Throws<MinimizationException>(() =>
            minimizer.FindMinimum(
                (x, g) =>
                {
                    g[0] = x[0];
                    return ++calls == 3 ? throw thrown : x[0] * x[0] / 2;
                },
                [8]
            )
        );
        AssertBest(ofFunction.Best);

        // Nothing of it stays behind.
        Assert.Equal(
            StopReason.RelativeGradient,
            minimizer.FindMinimum(Objectives.Parabola(), Objectives.Point(8)).StoppedBy
        );
    }

    [Fact]
    public void A_gradient_of_another_dimension_is_named()
    {
        var midway = Assert.Throws<MinimizationException>(() =>
            new FirstOrderMinimizer(Half).FindMinimum(
                Scripted.GradientAt(3, Objectives.Point(1, 2)),
                Objectives.Point(8)
            )
        );
        Assert.Contains("a gradient of 2 elements at a point of 1", midway.Message, StringComparison.Ordinal);
        AssertBest(midway.Best);

        var none = Assert.Throws<MinimizationException>(() =>
            new FirstOrderMinimizer(Half).FindMinimum(Scripted.GradientAt(3, null), Objectives.Point(8))
        );
        Assert.Contains("gives no gradient", none.Message, StringComparison.Ordinal);
        AssertBest(none.Best);

        Assert.Throws<InvalidOperationException>(() =>
            new FirstOrderMinimizer(Half).FindMinimum(
                Scripted.GradientAt(1, Objectives.Point(1, 2)),
                Objectives.Point(8)
            )
        );
    }

    [Fact]
    public void A_gradient_of_any_storage_is_read()
    {
        var sparse = Vector<double>.Build.Sparse(2);
        sparse[1] = 3;
        var objective = new Scripted((_, _) => (1, sparse));
        var result = new FirstOrderMinimizer(Half, maximumIterations: 1)
        {
            Progress = (in p) =>
            {
                Assert.Equal([0, 3], p.Gradient.ToArray());
                return true;
            },
        }.FindMinimum(objective, Objectives.Point(0, 0));
        Assert.Equal(1, result.Iterations);
    }

    [Fact]
    public void Fault_50_a_callback_that_throws_comes_with_the_best_point()
    {
        var thrown = new InvalidDataException("enough");
        foreach (var iteration in new[] { 0, 1 })
        {
            var exception = Assert.Throws<MinimizationException>(() =>
                new FirstOrderMinimizer(Half)
                {
                    Progress = (in p) => p.Iterations == iteration ? throw thrown : true,
                }.FindMinimum(Objectives.Parabola(), Objectives.Point(8))
            );
            Assert.Same(thrown, exception.InnerException);
            Assert.Contains("The progress callback threw", exception.Message, StringComparison.Ordinal);
            Assert.Equal([iteration == 0 ? 8 : 4], exception.Best.MinimizingPoint);
        }
    }

    [Fact]
    public void Fault_51_a_callback_may_minimise_the_same_objective()
    {
        var objective = Objectives.Rosenbrock();
        var expected = new FirstOrderMinimizer(Half with { LearningRate = 1e-4 }, maximumIterations: 20).FindMinimum(
            objective,
            Objectives.Point(-1.2, 1)
        );

        var depth = 0;
        FirstOrderMinimizer minimizer = null!;
        minimizer = new(Half with { LearningRate = 1e-4 }, maximumIterations: 20)
        {
            Progress = (in _) =>
            {
                if (depth++ == 0)
                {
                    minimizer.FindMinimum(objective, Objectives.Point(3, 3));
                }

                depth--;
                return true;
            },
        };
        var result = minimizer.FindMinimum(objective, Objectives.Point(-1.2, 1));
        Assert.Equal(expected.MinimizingPoint, result.MinimizingPoint);
        Assert.Equal(expected.Value, result.Value);
    }

    [Fact]
    public void A_schedule_that_gives_no_rate_comes_with_the_best_point()
    {
        var exception = Assert.Throws<MinimizationException>(() =>
            new FirstOrderMinimizer(Half) { Schedule = t => t < 1 ? 1 : double.NaN }.FindMinimum(
                Objectives.Parabola(),
                Objectives.Point(8)
            )
        );
        Assert.IsType<InvalidOperationException>(exception.InnerException);
        AssertBest(exception.Best);
    }

    [Fact]
    public void A_function_that_spoils_its_arguments_spoils_nothing_else()
    {
        var minimizer = new FirstOrderMinimizer(Half, maximumIterations: 3);
        var result = minimizer.FindMinimum(
            (x, g) =>
            {
                // Zeros, so that gradients may be added up in place.
                Assert.Equal(0, g[0]);
                var value = x[0] * x[0] / 2;
                (x[0], g[0]) = (1e9, x[0]);
                return value;
            },
            [8]
        );
        Assert.Equal([1], result.ToArray());
        Assert.Equal(0.5, result.Value);
    }

    [Fact]
    public void Without_a_gradient_an_objective_is_refused_or_differences_are_taken()
    {
        var evaluations = 0;
        var valueOnly = ObjectiveFunction.Value(x =>
        {
            evaluations++;
            return Math.Cosh(x[0]) + Math.Exp(x[1]) - x[1];
        });
        var refused = Assert.Throws<IncompatibleObjectiveException>(() =>
            new FirstOrderMinimizer(Half).FindMinimum(valueOnly, Objectives.Point(1, 1))
        );
        Assert.Contains(nameof(FirstOrderMinimizer.UseFiniteDifferences), refused.Message, StringComparison.Ordinal);

        var minimizer = new FirstOrderMinimizer(Half, gradientTolerance: 1e-9) { UseFiniteDifferences = true };
        var result = minimizer.FindMinimum(valueOnly, Objectives.Point(1, 1));
        Assert.Equal(StopReason.RelativeGradient, result.StoppedBy);
        // The gradient is good to 1e-10, and both curvatures are 1 at the minimum (0, 0).
        Assert.True(result.MinimizingPoint.L2Norm() < 2e-9);
        Assert.Equal(5 * (result.Iterations + 1), result.Evaluations);
        Assert.Equal(evaluations, result.Evaluations);
        Assert.True(result.FunctionInfoAtMinimum.Gradient.L2Norm() < 2e-9);

        // The limit is not exceeded: 5 evaluations per point.
        evaluations = 0;
        minimizer.MaximumEvaluations = 14;
        Assert.Equal(10, minimizer.FindMinimum(valueOnly, Objectives.Point(1, 1)).Evaluations);
        Assert.Equal(10, evaluations);
    }

    [Fact]
    public void Central_differences_are_as_exact_as_they_can_be()
    {
        // f = Σ sin(i·xᵢ): gradient i·cos(i·xᵢ), third derivative up to i³ = 8. Truncation is h²·8/6 = 5e-11·max(x², 1); rounding
        // ε/h = 4e-11. At |x| ≤ 3 their sum is below 1e-9.
        var objective = new FirstOrderMinimizer(Half, maximumIterations: 0) { UseFiniteDifferences = true }
            .FindMinimum(ObjectiveFunction.Value(x => Math.Sin(x[0]) + Math.Sin(2 * x[1])), Objectives.Point(-3, 0.5))
            .FunctionInfoAtMinimum;
        Assert.Equal(Math.Cos(-3), objective.Gradient[0], 1e-9);
        Assert.Equal(2 * Math.Cos(1), objective.Gradient[1], 1e-9);

        // It goes on being an objective.
        var other = objective.CreateNew();
        other.EvaluateAt(Objectives.Point(0, 0));
        Assert.Equal([1, 2], other.Gradient.Select(g => Math.Round(g, 9)));
        Assert.Equal(Math.Cos(-3), objective.Fork().Gradient[0], 1e-9);
    }

    private static void AssertBest(FirstOrderResult best)
    {
        // 8, 4 and then what failed.
        Assert.Equal([4], best.MinimizingPoint);
        Assert.Equal(8, best.Value);
        Assert.Equal((StopReason.Failure, ExitCondition.None), (best.StoppedBy, best.ReasonForExit));
    }
}
