namespace NativeRanger;

/// <summary>Ranger: RAdam inside Lookahead, with centralised gradients.</summary>
/// <remarks>
/// <code>
/// g ← g - mean(g) per row;  RAdam with decoupled decay;  if t mod k = 0:  φ ← φ + α(θ-φ);  θ ← φ
/// </code>
/// Exactly <see cref="Composition"/>, bit for bit. Centralisation changes the point that is reached on convex problems; set
/// <see cref="GradientOptimizer.Centralization"/> to <see cref="Centralization.None"/> where that matters.
/// Source: L. Wright, Ranger (2019); Liu et al., ICLR 2020; Zhang et al., NeurIPS 2019; Yong et al., ECCV 2020.
/// </remarks>
public sealed record Ranger : MomentOptimizer
{
    /// <summary>η 0.001, β (0.95, 0.999), ε 1e-5, threshold 5, k 6, α 0.5, λ 0, centralised.</summary>
    public Ranger()
        : base(learningRate: 1e-3, beta1: 0.95, epsilon: 1e-5) => Centralization = Centralization.All;

    /// <summary>The rectified step is taken where ρ exceeds this; at least 4, 5 by default.</summary>
    public double Threshold
    {
        get;
        init => field = Require.Threshold(value);
    } = 5;

    /// <summary>k: a parameter is synchronised after every k-th step of its own; at least 1, 6 by default.</summary>
    public int Period
    {
        get;
        init => field = Require.AtLeastOne(value);
    } = 6;

    /// <summary>α: how far the slow weights move towards the fast ones, from 0 to 1; 0.5 by default.</summary>
    public double Blend
    {
        get;
        init => field = Require.Fraction(value);
    } = 0.5;

    /// <summary>What Ranger means, spelled out.</summary>
    public Lookahead Composition =>
        new(
            new RAdam
            {
                LearningRate = LearningRate,
                NonFinite = NonFinite,
                WeightDecay = WeightDecay,
                Centralization = Centralization,
                CentralizationTarget = CentralizationTarget,
                Standardize = Standardize,
                StandardizationEpsilon = StandardizationEpsilon,
                ClipValue = ClipValue,
                ClipNorm = ClipNorm,
                AdaptiveClip = AdaptiveClip,
                Beta1 = Beta1,
                Beta2 = Beta2,
                Epsilon = Epsilon,
                Threshold = Threshold,
                Unrectified = UnrectifiedStep.Sgd,
                DecoupledWeightDecay = true,
            }
        )
        {
            Period = Period,
            Blend = Blend,
            Counter = SyncCounter.PerParameter,
        };
}
