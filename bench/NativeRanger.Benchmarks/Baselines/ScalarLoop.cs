namespace NativeRanger.Benchmarks.Baselines;

/// <summary>The formula in one loop, element by element.</summary>
internal sealed class ScalarLoop(BaselineArrays arrays) : Baseline
{
    public override string Name => "scalar loop";

    protected override void Step(float stepSize, bool rectified)
    {
        var (p, g, m, v) = (arrays.Parameter, arrays.Gradient, arrays.FirstMoment, arrays.SecondMoment);
        for (var i = 0; i < p.Length; i++)
        {
            m[i] = (Beta1 * m[i]) + (Beta1Rest * g[i]);
            v[i] = (Beta2 * v[i]) + (Beta2Rest * (g[i] * g[i]));
            p[i] -= stepSize * (rectified ? m[i] / (MathF.Sqrt(v[i]) + Epsilon) : m[i]);
        }
    }
}
