using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;
using NativeRanger.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Minimization;

/// <summary>What a run returns, and why it ends.</summary>
public sealed class FirstOrderMinimizerTests
{
    private static readonly Sgd Half = new() { LearningRate = 0.5 };

    [Fact]
    public void It_takes_the_place_of_a_MathNet_minimizer()
    {
        IUnconstrainedMinimizer[] minimizers =
        [
            new BfgsMinimizer(1e-8, 1e-8, 1e-8, 1000),
            new FirstOrderMinimizer(new Adam { LearningRate = 0.02 }, 1e-8, 0, 0, 20_000),
        ];
        foreach (var minimizer in minimizers)
        {
            var result = minimizer.FindMinimum(Objectives.Rosenbrock(), Objectives.Point(-1.2, 1));
            // A relative gradient of 1e-8 bounds the distance by 1e-8 over the least curvature, which is 0.4 at (1, 1).
            Assert.True((result.MinimizingPoint - Objectives.Point(1, 1)).L2Norm() < 1e-7, minimizer.GetType().Name);
        }
    }

    [Fact]
    public void The_initial_guess_is_left_alone_whatever_its_storage()
    {
        var dense = Objectives.Point(3, 0);
        var sparse = Vector<double>.Build.SparseOfVector(dense);
        var objective = Objectives.Quadratic([1, 1], [1, 0]);
        var array = dense.ToArray();

        var a = new FirstOrderMinimizer(Half).FindMinimum(objective, dense);
        var b = new FirstOrderMinimizer(Half).FindMinimum(objective, sparse);
        new FirstOrderMinimizer(Half).FindMinimum((x, g) => (g[0] = x[0]) * x[0] / 2, array);

        Assert.Equal([3, 0], dense);
        Assert.Equal([3, 0], sparse);
        Assert.Equal([3, 0], array);
        Assert.Equal(a.MinimizingPoint, b.MinimizingPoint);
    }

    [Fact]
    public void The_result_holds_a_fork_that_later_evaluations_do_not_change()
    {
        var objective = Objectives.Parabola();
        var result = new FirstOrderMinimizer(Half, maximumIterations: 3).FindMinimum(objective, Objectives.Point(8));
        objective.EvaluateAt(Objectives.Point(100));

        Assert.NotSame(objective, result.FunctionInfoAtMinimum);
        Assert.Equal([1], result.FunctionInfoAtMinimum.Point);
        Assert.Equal(0.5, result.FunctionInfoAtMinimum.Value);
        Assert.Equal([1], result.FunctionInfoAtMinimum.Gradient);
        Assert.Equal(0.5, result.Value);
        Assert.Equal([1], result.ToArray());
    }

    [Fact]
    public void The_best_point_is_returned_not_the_last()
    {
        // x ← x - 2.5x: -1.5 times as far each time, so that the start stays the best.
        var away = new FirstOrderMinimizer(new Sgd { LearningRate = 2.5 }, maximumIterations: 5).FindMinimum(
            Objectives.Parabola(),
            Objectives.Point(2)
        );
        Assert.Equal([2], away.MinimizingPoint);
        Assert.Equal(5, away.Iterations);

        // Momentum passes the minimum and climbs on the other side: 8, 4, -1.6, -5.84.
        var seen = new List<double>();
        var past = new FirstOrderMinimizer(new Sgd { LearningRate = 0.5, Momentum = 0.9 }, maximumIterations: 3)
        {
            Progress = (in p) =>
            {
                seen.Add(p.Value);
                return true;
            },
        }.FindMinimum(Objectives.Parabola(), Objectives.Point(8));
        Assert.Equal(4, seen.Count);
        Assert.Equal(seen[2], past.Value);
        Assert.True(past.Value < seen[3]);
    }

    [Fact]
    public void The_point_that_met_the_gradient_tolerance_is_returned_where_another_is_lower_by_rounding_only()
    {
        // The second value is lower by less than 1e-15, but its gradient is not small; the third has a gradient of 0.
        Assert.Equal(3, Minimum(second: 1 - 4e-16).Evaluations);
        Assert.Equal(1, Minimum(second: 1 - 4e-16).Value);
        Assert.Equal(1 - 1e-14, Minimum(second: 1 - 1e-14).Value);

        static FirstOrderResult Minimum(double second)
        {
            var objective = new Scripted(
                (n, x) =>
                    n switch
                    {
                        1 => (2, Objectives.Point(1)),
                        2 => (second, Objectives.Point(1)),
                        _ => (1, Objectives.Point(0)),
                    }
            );
            var result = new FirstOrderMinimizer(Half).FindMinimum(objective, Objectives.Point(1));
            Assert.Equal(StopReason.RelativeGradient, result.StoppedBy);
            return result;
        }
    }

    [Theory]
    [MemberData(nameof(Registry.OptimizerNames), MemberType = typeof(Registry))]
    public void No_recipe_throws_at_the_iteration_limit(string optimizer)
    {
        var minimizer = new FirstOrderMinimizer(Registry.Optimizers[optimizer], maximumIterations: 17);
        var objective = Objectives.Quadratic([1, 1, 1], [5, -5, 2]);
        var result = minimizer.FindMinimum(objective, Objectives.Point(0, 0, 0));

        Assert.Equal(17, result.Iterations);
        Assert.Equal(18, result.Evaluations);
        Assert.Equal(ExitCondition.ExceedIterations, result.ReasonForExit);
        Assert.Equal(StopReason.IterationLimit, result.StoppedBy);
        Assert.True(result.Value < 27);
    }

    [Fact]
    public void Every_way_to_end_has_its_own_reason()
    {
        // At the minimum already.
        Ends(StopReason.RelativeGradient, ExitCondition.RelativeGradient, 0, new(Half), start: 0);
        // At 8, 4, 2 the relative gradient is |x|²/(x²/2) = 2, at 1 it is 1.
        Ends(StopReason.RelativeGradient, ExitCondition.RelativeGradient, 3, new(Half, gradientTolerance: 1.5));
        // Down to the step from 1 to 0.5 the change is half of the point before; the next one, relative to 1, is 0.25.
        Ends(StopReason.ParameterProgress, ExitCondition.LackOfProgress, 5, new(Half, 0, parameterTolerance: 0.4));
        // Progress of the value is looked at after more than 500 steps only.
        Ends(
            StopReason.FunctionProgress,
            ExitCondition.LackOfProgress,
            501,
            new(new Sgd { LearningRate = 1e-3 }, 0, 0, functionProgressTolerance: 1e9)
        );
        Ends(StopReason.IterationLimit, ExitCondition.ExceedIterations, 2, new(Half, maximumIterations: 2));
        Ends(StopReason.IterationLimit, ExitCondition.ExceedIterations, 0, new(Half, maximumIterations: 0));
        Ends(StopReason.EvaluationLimit, ExitCondition.ExceedIterations, 3, new(Half) { MaximumEvaluations = 4 });
        Ends(StopReason.EvaluationLimit, ExitCondition.ExceedIterations, 0, new(Half) { MaximumEvaluations = 0 });
        // The clock is looked at once at the start and once before each step: 1 s, 2 s, 3 s.
        Ends(
            StopReason.TimeLimit,
            ExitCondition.ExceedIterations,
            2,
            new(Half) { MaximumTime = TimeSpan.FromSeconds(3), Time = new TickingTime() }
        );
        Ends(
            StopReason.Callback,
            ExitCondition.ManuallyStopped,
            2,
            new(Half) { Progress = (in p) => p.Iterations < 2 }
        );
        // A criterion that is met counts more than the wish to stop.
        Ends(
            StopReason.RelativeGradient,
            ExitCondition.RelativeGradient,
            3,
            new(Half, gradientTolerance: 1.5) { Progress = (in p) => p.Iterations < 3 }
        );

        static void Ends(
            StopReason reason,
            ExitCondition condition,
            int iterations,
            FirstOrderMinimizer minimizer,
            double start = 8
        )
        {
            var result = minimizer.FindMinimum(Objectives.Parabola(), Objectives.Point(start));
            Assert.Equal((reason, condition), (result.StoppedBy, result.ReasonForExit));
            Assert.Equal(iterations, result.Iterations);
            Assert.Equal(iterations + 1, result.Evaluations);
        }
    }

    [Fact]
    public void Fault_52_cancellation_returns_the_best_point()
    {
        using var before = new CancellationTokenSource();
        before.Cancel();
        var atOnce = new FirstOrderMinimizer(Half).FindMinimum(
            Objectives.Parabola(),
            Objectives.Point(8),
            before.Token
        );
        Assert.Equal((StopReason.Cancelled, ExitCondition.ManuallyStopped), (atOnce.StoppedBy, atOnce.ReasonForExit));
        Assert.Equal((0, 1L), (atOnce.Iterations, atOnce.Evaluations));
        Assert.Equal([8], atOnce.MinimizingPoint);

        using var midway = new CancellationTokenSource();
        var result = new FirstOrderMinimizer(Half)
        {
            Progress = (in p) =>
            {
                if (p.Iterations == 2)
                {
                    midway.Cancel();
                }

                return true;
            },
        }.FindMinimum(Objectives.Parabola(), Objectives.Point(8), midway.Token);
        Assert.Equal(StopReason.Cancelled, result.StoppedBy);
        Assert.Equal([2], result.MinimizingPoint);
    }

    [Fact]
    public void An_objective_may_itself_give_up_when_cancelled()
    {
        using var source = new CancellationTokenSource();
        var objective = new Scripted(
            (n, _) =>
            {
                if (n == 3)
                {
                    source.Cancel();
                    source.Token.ThrowIfCancellationRequested();
                }

                return null;
            }
        );
        var result = new FirstOrderMinimizer(Half).FindMinimum(objective, Objectives.Point(8), source.Token);
        Assert.Equal(StopReason.Cancelled, result.StoppedBy);
        Assert.Equal([4], result.MinimizingPoint);
    }

    [Fact]
    public void The_callback_sees_every_evaluated_point_as_it_is()
    {
        var seen = new List<(int Iterations, long Evaluations, double Value, double Best, double Gradient, double X)>();
        new FirstOrderMinimizer(new Sgd { LearningRate = 1.5 }, maximumIterations: 2)
        {
            Progress = (in p) =>
            {
                Assert.Equal(p.Point[0], p.Gradient[0]);
                Assert.True(p.Elapsed >= TimeSpan.Zero);
                seen.Add((p.Iterations, p.Evaluations, p.Value, p.BestValue, p.RelativeGradient, p.Point[0]));
                return true;
            },
        }.FindMinimum(Objectives.Parabola(), Objectives.Point(8));

        // The relative gradient is |x|·max(|x|, 1)/max(x²/2, 1).
        Assert.Equal([(0, 1L, 32, 32, 2, 8), (1, 2L, 8, 8, 2, -4), (2, 3L, 2, 2, 2, 2)], seen);
    }

    [Theory]
    [InlineData("ranger")]
    [InlineData("adam")]
    [InlineData("nesterov")]
    public void Every_backend_and_form_takes_the_same_path_bit_for_bit(string optimizer)
    {
        double[]? expected = null;
        foreach (var backend in Registry.Backends())
        {
            var minimizer = new FirstOrderMinimizer(
                Registry.Optimizers[optimizer] with
                {
                    LearningRate = 1e-4,
                },
                maximumIterations: 300
            )
            {
                Backend = backend,
                Schedule = Schedules.Cosine(300),
            };
            var start = new[] { -1.2, 1 };
            var ofObjective = minimizer
                .FindMinimum(Objectives.Rosenbrock(), Vector<double>.Build.DenseOfArray(start))
                .ToArray();
            var ofFunction = minimizer.FindMinimum(Objectives.Rosenbrock, start).ToArray();
            expected ??= ofObjective;
            Assert.Null(Bits.Difference<double>($"{backend}, objective", expected, ofObjective));
            Assert.Null(Bits.Difference<double>($"{backend}, function", expected, ofFunction));
        }
    }

    [Fact]
    public void Fault_26_nothing_is_centralised_unless_a_shape_is_given()
    {
        var objective = Objectives.Quadratic([1, 1, 1, 1], [1, 2, 3, 4]);
        var ranger = new Ranger { LearningRate = 0.1 };
        var uncentralised = ranger with { Centralization = Centralization.None };
        var start = Objectives.Point(0, 0, 0, 0);

        var asVector = new FirstOrderMinimizer(ranger, maximumIterations: 500).FindMinimum(objective, start);
        var plain = new FirstOrderMinimizer(uncentralised, maximumIterations: 500).FindMinimum(objective, start);
        Assert.Equal(plain.MinimizingPoint, asVector.MinimizingPoint);

        // Centralised rows keep their sum, which is 0 at the start.
        var shaped = new FirstOrderMinimizer(ranger, maximumIterations: 500) { Shape = [2, 2] };
        var asMatrix = shaped.FindMinimum(objective, start).MinimizingPoint;
        Assert.Equal(0, asMatrix[0] + asMatrix[1], 12);
        Assert.NotEqual(0, asMatrix[0]);
        Assert.Throws<ArgumentException>(() => shaped.FindMinimum(objective, Objectives.Point(0, 0, 0)));
    }

    [Fact]
    public void An_empty_point_is_a_minimum()
    {
        var result = new FirstOrderMinimizer(Half).FindMinimum((_, _) => 7, []);
        Assert.Equal((StopReason.RelativeGradient, 7), (result.StoppedBy, result.Value));
    }

    [Fact]
    public void One_minimizer_runs_on_several_threads()
    {
        var minimizer = new FirstOrderMinimizer(new Adam { LearningRate = 0.02 }, maximumIterations: 400);
        var results = new double[8][];
        Parallel.For(0, 8, i => results[i] = minimizer.FindMinimum(Objectives.Rosenbrock, [i, 1]).ToArray());
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(minimizer.FindMinimum(Objectives.Rosenbrock, [i, 1]).ToArray(), results[i]);
        }
    }

    [Fact]
    public void Static_entries_find_what_a_minimizer_finds()
    {
        var adam = new Adam { LearningRate = 0.02 };
        var start = Objectives.Point(-1.2, 1);
        var expected = new FirstOrderMinimizer(adam, maximumIterations: 300)
            .FindMinimum(Objectives.Rosenbrock(), start)
            .MinimizingPoint;

        Assert.Equal(
            expected,
            FindMinimum.OfFunctionGradient(x => Of(x).Value, x => Of(x).Gradient, start, adam, maxIterations: 300)
        );
        Assert.Equal(expected, FindMinimum.OfFunctionGradient(Of, start, adam, maxIterations: 300));
        Assert.Equal(
            expected.ToArray(),
            FindMinimum.OfFunctionGradient(Objectives.Rosenbrock, [-1.2, 1], adam, maxIterations: 300)
        );
        // The gradient of the differences is good to 1e-10, and Σ cosh has its minimum, with curvature 1, at 0.
        var flat = FindMinimum.OfFunction(x => x.Sum(Math.Cosh), start, new Sgd { LearningRate = 0.5 });
        Assert.True(flat.L2Norm() < 2e-5);

        static (double Value, Vector<double> Gradient) Of(Vector<double> x)
        {
            var objective = Objectives.Rosenbrock();
            objective.EvaluateAt(x);
            return (objective.Value, objective.Gradient);
        }
    }

    [Fact]
    public void Options_out_of_range_are_refused_by_name()
    {
        Refused("GradientTolerance", () => new FirstOrderMinimizer(Half, gradientTolerance: -1));
        Refused("ParameterTolerance", () => new FirstOrderMinimizer(Half, parameterTolerance: double.NaN));
        Refused("FunctionProgressTolerance", () => new FirstOrderMinimizer(Half, functionProgressTolerance: -1));
        Refused("value", () => new FirstOrderMinimizer(Half, maximumIterations: -1));
        Refused("value", () => new FirstOrderMinimizer(Half) { MaximumEvaluations = -1 });
        Refused("value", () => new FirstOrderMinimizer(Half) { MaximumTime = TimeSpan.FromSeconds(-1) });
        Refused("value", () => new FirstOrderMinimizer(Half) { NonFinite = (NonFinitePolicy)9 });

        var minimizer = new FirstOrderMinimizer(Half);
        Assert.Throws<ArgumentNullException>(() => new FirstOrderMinimizer(null!));
        Assert.Throws<ArgumentNullException>(() =>
            minimizer.FindMinimum((IObjectiveFunction)null!, Objectives.Point(1))
        );
        Assert.Throws<ArgumentNullException>(() => minimizer.FindMinimum(Objectives.Parabola(), null!));
        Assert.Throws<ArgumentNullException>(() => minimizer.FindMinimum((Func<double[], double[], double>)null!, []));

        static void Refused(string name, Func<object> create) =>
            Assert.Equal(name, Assert.Throws<ArgumentOutOfRangeException>(create).ParamName);
    }
}
