using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;
using NativeRanger.Numerics.Minimization;

namespace NativeRanger.Tests.Minimization;

/// <summary>What results hand out as MathNet's objectives can be evaluated and copied like any other.</summary>
public sealed class ObjectiveAdaptersTests
{
    private static double Square(double[] x, double[] gradient)
    {
        gradient[0] = 2 * x[0];
        return x[0] * x[0];
    }

    [Fact]
    public void A_plain_function()
    {
        var objective = new FunctionObjective(Square);
        objective.EvaluateAt(Vector<double>.Build.Dense([3.0]));
        var fork = objective.Fork();
        var fresh = objective.CreateNew();
        fresh.EvaluateAt(Vector<double>.Build.Dense([4.0]));
        Assert.Equal((9, 6, 3), (fork.Value, fork.Gradient[0], fork.Point[0]));
        Assert.Equal((16, 8), (fresh.Value, fresh.Gradient[0]));
        HasAGradientOnly(objective);
    }

    [Fact]
    public void A_function_without_a_gradient() =>
        HasAGradientOnly(new CentralDifferenceObjective(ObjectiveFunction.Value(x => x[0] * x[0])));

    private static void HasAGradientOnly(IObjectiveFunction objective)
    {
        Assert.True(objective.IsGradientSupported);
        Assert.False(objective.IsHessianSupported);
        Assert.Throws<NotSupportedException>(() => objective.Hessian);
    }
}
