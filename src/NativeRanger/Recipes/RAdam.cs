namespace NativeRanger;

/// <summary>RAdam: Adam with the variance of its adaptive learning rate rectified.</summary>
/// <remarks>
/// <code>
/// m ← β1·m + (1-β1)·g;  v ← β2·v + (1-β2)·g²;  ρ∞ = 2/(1-β2) - 1;  ρ = ρ∞ - 2tβ2ᵗ/(1-β2ᵗ)
/// ρ &gt; threshold:  θ ← θ - η·r·√(1-β2ᵗ)/(1-β1ᵗ) · m/(√v + ε),  r = √((ρ-4)(ρ-2)ρ∞ / ((ρ∞-4)(ρ∞-2)ρ))
/// otherwise:      θ ← θ - η/(1-β1ᵗ)·m, or nothing (<see cref="UnrectifiedStep"/>)
/// </code>
/// Where ρ∞ ≤ threshold (β2 ≤ 2/3 for 5, β2 ≤ 0.6 for 4) no step is ever rectified.
/// Source: Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, ICLR 2020; reproduces
/// <c>torch.optim.RAdam</c>, and the authors' with <see cref="DecoupledWeightDecay"/>.
/// </remarks>
public sealed record RAdam : MomentOptimizer
{
    /// <summary>η 0.001, β (0.9, 0.999), ε 1e-8, threshold 5, no decay.</summary>
    public RAdam()
        : base(learningRate: 1e-3, beta1: 0.9, epsilon: 1e-8) { }

    /// <summary>The rectified step is taken where ρ exceeds this; at least 4, 5 by default.</summary>
    public double Threshold
    {
        get;
        init => field = Require.Threshold(value);
    } = 5;

    /// <summary>What is done while ρ does not exceed <see cref="Threshold"/>; a step along the first moment by default.</summary>
    public UnrectifiedStep Unrectified
    {
        get;
        init => field = Require.Defined(value);
    }

    /// <summary>Decay the weights themselves (<c>θ ← θ·(1-ηλ)</c>) instead of adding λθ to the gradient. Off by default.</summary>
    public bool DecoupledWeightDecay { get; init; }
}
