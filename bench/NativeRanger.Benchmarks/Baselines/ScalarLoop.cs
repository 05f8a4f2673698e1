namespace NativeRanger.Benchmarks.Baselines;

/// <summary>The formula in one loop, element by element.</summary>
internal sealed class ScalarLoop(BaselineArrays arrays) : Baseline
{
    public override string Name => "scalar loop";

    public override void Step()
    {
        var (p, g, m, v) = (arrays.Parameter, arrays.Gradient, arrays.FirstMoment, arrays.SecondMoment);
        for (var i = 0; i < p.Length; i++)
        {
            m[i] = (Beta1 * m[i]) + ((1 - Beta1) * g[i]);
            v[i] = (Beta2 * v[i]) + ((1 - Beta2) * (g[i] * g[i]));
            p[i] -= StepSize * (m[i] / (MathF.Sqrt(v[i]) + Epsilon));
        }
    }
}
