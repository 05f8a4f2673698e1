namespace NativeRanger;

/// <summary>Adam with L2 weight decay, optionally with the running maximum of AMSGrad.</summary>
/// <remarks>
/// <code>
/// g ← g + λθ;  m ← β1·m + (1-β1)·g;  v ← β2·v + (1-β2)·g²;  v̂ ← v, or max(v̂, v) with AMSGrad
/// θ ← θ - η/(1-β1ᵗ) · m/(√v̂·c + ε),  c = 1/√(1-β2ᵗ)
/// </code>
/// Sources: Kingma, Ba, ICLR 2015; Reddi, Kale, Kumar, ICLR 2018; reproduces <c>torch.optim.Adam</c>.
/// </remarks>
public sealed record Adam : MomentOptimizer
{
    /// <summary>η 0.001, β (0.9, 0.999), ε 1e-8, no decay.</summary>
    public Adam()
        : base(learningRate: 1e-3, beta1: 0.9, epsilon: 1e-8) { }

    /// <summary>Divide by the running maximum of the second moment (AMSGrad). Off by default.</summary>
    public bool AmsGrad { get; init; }
}

/// <summary>Adam with decoupled weight decay.</summary>
/// <remarks>
/// <code>
/// θ ← θ·(1-ηλ), then Adam's update with the undecayed gradient
/// </code>
/// Source: Loshchilov, Hutter, Decoupled Weight Decay Regularization, ICLR 2019; reproduces <c>torch.optim.AdamW</c>.
/// </remarks>
public sealed record AdamW : MomentOptimizer
{
    /// <summary>η 0.001, β (0.9, 0.999), ε 1e-8, λ 0.01.</summary>
    public AdamW()
        : base(learningRate: 1e-3, beta1: 0.9, epsilon: 1e-8) => WeightDecay = 1e-2;

    /// <summary>Divide by the running maximum of the second moment (AMSGrad). Off by default.</summary>
    public bool AmsGrad { get; init; }
}
