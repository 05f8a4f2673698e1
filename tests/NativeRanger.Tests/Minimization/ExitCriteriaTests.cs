using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;
using NativeRanger.Numerics;
using NativeRanger.Numerics.Minimization;

namespace NativeRanger.Tests.Minimization;

/// <summary>The criteria are MathNet's: its own implementation judges the same points.</summary>
public sealed class ExitCriteriaTests
{
    [Fact]
    public void They_agree_with_MathNet_on_random_points_around_their_thresholds()
    {
        var random = new Random(1);
        var seen = new Dictionary<ExitCondition, int>();
        for (var trial = 0; trial < 20_000; trial++)
        {
            var length = random.Next(1, 4);
            var previous = Vector(random, length);
            var point = previous + (Vector(random, length) * Math.Pow(10, random.Next(-9, 1)));
            var gradient = Vector(random, length) * Math.Pow(10, random.Next(-9, 1));
            var value = (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-3, 4));
            var before = value + ((random.NextDouble() - 0.3) * Math.Pow(10, random.Next(-9, 1)));
            var iterations = random.Next(450, 550);
            var theirs = new Probe().Judge(
                new Fixed(point, value, gradient),
                trial % 10 == 0 ? null : new Fixed(previous, before, gradient),
                iterations
            );

            var relative = ExitCriteria.RelativeGradient(point.AsArray(), value, gradient.AsArray());
            var criteria = new ExitCriteria(Probe.Tolerance, Probe.Tolerance, Probe.Tolerance);
            var ours =
                trial % 10 == 0
                    ? criteria.Judge(relative)
                    : criteria.Judge(relative, point.AsArray(), previous.AsArray(), value - before, iterations);
            Assert.Equal(theirs, ours?.ToExitCondition() ?? ExitCondition.None);
            var both = ours is StopReason.FunctionProgress ? ExitCondition.Converged : theirs;
            seen[both] = seen.GetValueOrDefault(both) + 1;
        }

        // Each outcome occurred often enough to have been compared.
        Assert.Equal(4, seen.Count);
        Assert.All(seen.Values, count => Assert.True(count > 100));

        static Vector<double> Vector(Random random, int length) =>
            Vector<double>.Build.Dense(length, _ => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-2, 3)));
    }

    [Fact]
    public void A_tolerance_of_0_is_never_met()
    {
        var never = new ExitCriteria(0, 0, 0);
        Assert.Null(never.Judge(0, [1], [1], change: -0.0, iterations: 1000));
        Assert.Null(never.Judge(0, [1], [1], change: -double.Epsilon, iterations: 1000));
    }

    /// <summary>MathNet's own criteria, which are protected.</summary>
    private sealed class Probe() : MinimizerBase(Tolerance, Tolerance, Tolerance, maximumIterations: 1000)
    {
        public const double Tolerance = 1e-4;

        public ExitCondition Judge(
            IObjectiveFunctionEvaluation point,
            IObjectiveFunctionEvaluation? previous,
            int iterations
        ) => ExitCriteriaSatisfied(point, previous, iterations);
    }

    private sealed record Fixed(Vector<double> Point, double Value, Vector<double> Gradient)
        : IObjectiveFunctionEvaluation
    {
        public bool IsGradientSupported => true;

        public bool IsHessianSupported => false;

        public Matrix<double> Hessian => throw new NotSupportedException();

        public IObjectiveFunction CreateNew() => throw new NotSupportedException();

        public IObjectiveFunction Fork() => throw new NotSupportedException();
    }
}
