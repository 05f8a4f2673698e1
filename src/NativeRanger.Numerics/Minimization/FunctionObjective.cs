using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;

namespace NativeRanger.Numerics.Minimization;

/// <summary>A plain function, which fills the gradient, as a MathNet objective.</summary>
internal sealed class FunctionObjective(Func<double[], double[], double> function) : IObjectiveFunction
{
    /// <summary>An objective that has been evaluated already.</summary>
    public FunctionObjective(Func<double[], double[], double> function, double[] point, double value, double[] gradient)
        : this(function) =>
        (Point, Value, Gradient) = (Vector<double>.Build.Dense(point), value, Vector<double>.Build.Dense(gradient));

    public Vector<double> Point { get; private set; } = null!;

    public double Value { get; private set; }

    public Vector<double> Gradient { get; private set; } = null!;

    public bool IsGradientSupported => true;

    public bool IsHessianSupported => false;

    public Matrix<double> Hessian => throw new NotSupportedException("The function gives no second derivatives.");

    public void EvaluateAt(Vector<double> point)
    {
        var gradient = new double[point.Count];
        Value = function(point.ToArray(), gradient);
        (Point, Gradient) = (point, Vector<double>.Build.Dense(gradient));
    }

    public IObjectiveFunction CreateNew() => new FunctionObjective(function);

    public IObjectiveFunction Fork() =>
        new FunctionObjective(function)
        {
            Point = Point,
            Value = Value,
            Gradient = Gradient,
        };
}
