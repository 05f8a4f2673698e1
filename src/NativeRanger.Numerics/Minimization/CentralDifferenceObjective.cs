using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;

namespace NativeRanger.Numerics.Minimization;

/// <summary>Gives an objective without a gradient one of central differences.</summary>
/// <remarks>
/// <c>gᵢ = (f(x + heᵢ) - f(x - heᵢ)) / 2h</c> with <c>h = ∛ε·max(|xᵢ|, 1)</c>, ε = 2⁻⁵²: the step at which truncation (h²) and
/// rounding (ε/h) are about equal, so that the error is about ε^(2/3) = 4e-11 for values and third derivatives near 1.
/// </remarks>
internal sealed class CentralDifferenceObjective(IObjectiveFunction function) : IObjectiveFunction
{
    private static readonly double RelativeStep = Math.Cbrt(Math.ScaleB(1, -52));

    private Vector<double>? gradient;

    public Vector<double> Point => function.Point;

    public double Value => function.Value;

    public Vector<double> Gradient => gradient ??= Differences();

    public bool IsGradientSupported => true;

    public bool IsHessianSupported => false;

    public Matrix<double> Hessian => throw new NotSupportedException("Only the gradient is of differences.");

    /// <summary>The evaluations that value and gradient take together.</summary>
    public static long Cost(int length) => 1 + (2L * length);

    public void EvaluateAt(Vector<double> point)
    {
        gradient = null;
        function.EvaluateAt(point);
    }

    public IObjectiveFunction CreateNew() => new CentralDifferenceObjective(function.CreateNew());

    public IObjectiveFunction Fork() => new CentralDifferenceObjective(function.Fork()) { gradient = gradient };

    private Vector<double> Differences()
    {
        var around = function.CreateNew();
        var point = Point.Clone();
        var differences = new double[point.Count];
        for (var i = 0; i < differences.Length; i++)
        {
            var center = point[i];
            var step = RelativeStep * Math.Max(Math.Abs(center), 1);
            var (above, below) = (center + step, center - step);
            // Divided by what lies between the two points after rounding, not by 2h.
            differences[i] = (At(i, above) - At(i, below)) / (above - below);
            point[i] = center;
        }

        return Vector<double>.Build.Dense(differences);

        double At(int i, double x)
        {
            point[i] = x;
            around.EvaluateAt(point);
            return around.Value;
        }
    }
}
