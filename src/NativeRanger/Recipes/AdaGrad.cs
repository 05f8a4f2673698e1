namespace NativeRanger;

/// <summary>AdaGrad: learning rates that fall with the accumulated squared gradient of each element.</summary>
/// <remarks>
/// <code>
/// g ← g + λθ;  S ← S + g²;  θ ← θ - η/(1+(t-1)·RateDecay) · g/(√S + ε)
/// </code>
/// Source: Duchi, Hazan, Singer, JMLR 12 (2011); reproduces <c>torch.optim.Adagrad</c>.
/// </remarks>
public sealed record AdaGrad : GradientOptimizer
{
    /// <summary>η 0.01, ε 1e-10, no decay.</summary>
    public AdaGrad()
        : base(learningRate: 1e-2) { }

    /// <summary>The decay of the learning rate per step, at least 0; 0 by default.</summary>
    public double RateDecay
    {
        get;
        init => field = Require.NonNegative(value);
    }

    /// <summary>What the accumulator S starts at, at least 0; 0 by default.</summary>
    public double InitialAccumulator
    {
        get;
        init => field = Require.NonNegative(value);
    }

    /// <summary>ε, above 0 (also once rounded to the parameter's type); 1e-10 by default.</summary>
    public double Epsilon
    {
        get;
        init => field = Require.Positive(value);
    } = 1e-10;

    internal override double? DivisionEpsilon => Epsilon;
}
