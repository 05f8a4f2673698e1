using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;

namespace NativeRanger.Tests.Minimization;

/// <summary>Objectives that minimizers are tried on.</summary>
internal static class Objectives
{
    /// <summary>f = ½Σ aᵢ(xᵢ - bᵢ)²: values and gradients are exact for small integers.</summary>
    public static IObjectiveFunction Quadratic(double[] curvatures, double[] center) =>
        ObjectiveFunction.Gradient(x => QuadraticOf(x, curvatures, center));

    /// <summary>f = ½(x - b)² in one dimension.</summary>
    public static IObjectiveFunction Parabola(double center = 0) => Quadratic([1], [center]);

    /// <summary>Rosenbrock's valley, with its minimum 0 at (1, 1).</summary>
    public static IObjectiveFunction Rosenbrock() => ObjectiveFunction.Gradient(RosenbrockOf);

    /// <summary>Rosenbrock's valley over arrays.</summary>
    public static double Rosenbrock(double[] x, double[] gradient)
    {
        var (along, across) = (1 - x[0], x[1] - (x[0] * x[0]));
        gradient[0] = (-2 * along) - (400 * x[0] * across);
        gradient[1] = 200 * across;
        return (along * along) + (100 * across * across);
    }

    public static Vector<double> Point(params double[] elements) => Vector<double>.Build.Dense(elements);

    private static (double Value, Vector<double> Gradient) RosenbrockOf(Vector<double> x)
    {
        var gradient = new double[2];
        var value = Rosenbrock(x.ToArray(), gradient);
        return (value, Vector<double>.Build.Dense(gradient));
    }

    private static (double Value, Vector<double> Gradient) QuadraticOf(
        Vector<double> x,
        double[] curvatures,
        double[] center
    )
    {
        var gradient = new double[x.Count];
        var value = 0.0;
        for (var i = 0; i < gradient.Length; i++)
        {
            gradient[i] = curvatures[i] * (x[i] - center[i]);
            value += gradient[i] * (x[i] - center[i]) / 2;
        }

        return (value, Vector<double>.Build.Dense(gradient));
    }
}

/// <summary>The parabola ½x², with another value, gradient or exception at chosen evaluations (the first is 1).</summary>
internal sealed class Scripted : IObjectiveFunction
{
    private readonly Func<int, Vector<double>, (double Value, Vector<double>? Gradient)?> script;
    private readonly int[] evaluations;

    public Scripted(Func<int, Vector<double>, (double Value, Vector<double>? Gradient)?> script)
        : this(script, new int[1]) { }

    private Scripted(Func<int, Vector<double>, (double Value, Vector<double>? Gradient)?> script, int[] evaluations) =>
        (this.script, this.evaluations) = (script, evaluations);

    /// <summary>Gives a value instead of the parabola's at one evaluation.</summary>
    public static Scripted ValueAt(int evaluation, double value) =>
        new((n, x) => n == evaluation ? (value, x.Clone()) : null);

    /// <summary>Gives a gradient instead of the parabola's at one evaluation.</summary>
    public static Scripted GradientAt(int evaluation, Vector<double>? gradient) =>
        new((n, x) => n == evaluation ? (x.DotProduct(x) / 2, gradient) : null);

    /// <summary>Throws at one evaluation.</summary>
    public static Scripted ThrowAt(int evaluation, Exception exception) =>
        new((n, _) => n == evaluation ? throw exception : null);

    /// <summary>The same, not evaluated yet.</summary>
    public Scripted Fresh() => new(script);

    public Vector<double> Point { get; private set; } = null!;

    public double Value { get; private set; }

    public Vector<double> Gradient { get; private set; } = null!;

    public bool IsGradientSupported => true;

    public bool IsHessianSupported => false;

    public Matrix<double> Hessian => throw new NotSupportedException();

    public void EvaluateAt(Vector<double> point)
    {
        Point = point;
        var (value, gradient) = script(++evaluations[0], point) ?? (point.DotProduct(point) / 2, point.Clone());
        (Value, Gradient) = (value, gradient!);
    }

    public IObjectiveFunction CreateNew() => new Scripted(script, evaluations);

    public IObjectiveFunction Fork() =>
        new Scripted(script, evaluations)
        {
            Point = Point,
            Value = Value,
            Gradient = Gradient,
        };
}

/// <summary>A clock that advances by a second whenever it is looked at.</summary>
internal sealed class TickingTime : TimeProvider
{
    private long seconds;

    public override long TimestampFrequency => 1;

    public override long GetTimestamp() => seconds++;
}
