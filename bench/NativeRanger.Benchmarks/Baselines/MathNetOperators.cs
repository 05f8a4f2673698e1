using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Benchmarks.Baselines;

/// <summary>The formula as it is written with MathNet's vectors: an array per intermediate result.</summary>
internal sealed class MathNetOperators(BaselineArrays arrays) : Baseline
{
    private readonly Vector<float> gradient = Vector<float>.Build.Dense(arrays.Gradient);
    private Vector<float> firstMoment = Vector<float>.Build.Dense(arrays.FirstMoment);
    private Vector<float> secondMoment = Vector<float>.Build.Dense(arrays.SecondMoment);

    public Vector<float> Parameter { get; private set; } = Vector<float>.Build.Dense(arrays.Parameter);

    public override string Name => "MathNet operators";

    protected override void Step(float stepSize, bool rectified)
    {
        firstMoment = (Beta1 * firstMoment) + (Beta1Rest * gradient);
        secondMoment = (Beta2 * secondMoment) + (Beta2Rest * gradient.PointwiseMultiply(gradient));
        Parameter -=
            stepSize * (rectified ? firstMoment.PointwiseDivide(secondMoment.PointwiseSqrt() + Epsilon) : firstMoment);
    }
}
