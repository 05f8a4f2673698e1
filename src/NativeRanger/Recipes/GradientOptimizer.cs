namespace NativeRanger;

/// <summary>An optimizer that steps along gradients, with the gradient transforms that any of them may use.</summary>
/// <remarks>
/// One step, in this order: non-finite check on the raw gradient, <see cref="ClipValue"/>, <see cref="ClipNorm"/>,
/// <see cref="AdaptiveClip"/>, L2 weight decay, <see cref="Centralization"/> or <see cref="Standardize"/>, moments,
/// decoupled weight decay, update.
/// </remarks>
public abstract record GradientOptimizer : Optimizer
{
    private protected GradientOptimizer(double learningRate) => LearningRate = learningRate;

    /// <inheritdoc/>
    public sealed override double LearningRate
    {
        get;
        init => field = Require.NonNegative(value);
    }

    /// <inheritdoc/>
    public sealed override NonFinitePolicy NonFinite
    {
        get;
        init => field = Require.Defined(value);
    }

    /// <summary>The weight decay λ, at least 0; 0 unless the recipe says otherwise.</summary>
    public double WeightDecay
    {
        get;
        init => field = Require.NonNegative(value);
    }

    /// <summary>Which parameters have their gradients centralised; none unless the recipe says otherwise.</summary>
    public Centralization Centralization
    {
        get;
        init => field = Require.Defined(value);
    }

    /// <summary>Whether the gradient (default) or the update is centralised.</summary>
    public CentralizationTarget CentralizationTarget
    {
        get;
        init
        {
            field = Require.Defined(value);
            RefuseStandardizedUpdate();
        }
    }

    /// <summary>
    /// Standardises the gradient of every parameter that <see cref="Centralization"/> would centralise (all with two
    /// dimensions or more where that is <see cref="Centralization.None"/>): <c>g ← (g - mean) / (std + ε)</c>, std unbiased
    /// over the row, ε = <see cref="StandardizationEpsilon"/>. Off by default.
    /// </summary>
    public bool Standardize
    {
        get;
        init
        {
            field = value;
            RefuseStandardizedUpdate();
        }
    }

    /// <summary>ε of <see cref="Standardize"/>, above 0; 1e-8 by default.</summary>
    public double StandardizationEpsilon
    {
        get;
        init => field = Require.Positive(value);
    } = 1e-8;

    /// <summary>Clips each element of the gradient to [-c, c]; null (default) does not clip.</summary>
    public double? ClipValue
    {
        get;
        init => field = Require.PositiveOrNull(value);
    }

    /// <summary>
    /// Scales the gradient by <c>c/norm</c> where the Euclidean norm over all parameters of all groups exceeds c; null
    /// (default) does not. The norm is accumulated in double, so that finite gradients have a finite norm.
    /// </summary>
    /// <remarks>Source: Pascanu et al., On the difficulty of training recurrent neural networks, ICML 2013.</remarks>
    public double? ClipNorm
    {
        get;
        init => field = Require.PositiveOrNull(value);
    }

    /// <summary>
    /// Adaptive gradient clipping, unit-wise: per row of the output dimension (the whole vector with fewer than two
    /// dimensions), where <c>‖g‖ &gt; λ·max(‖θ‖, 1e-3)</c>, <c>g ← g·(λ·max(‖θ‖, 1e-3)/‖g‖)</c>. The paper's λ is 0.01;
    /// null (default) does not clip.
    /// </summary>
    /// <remarks>Source: Brock et al., High-Performance Large-Scale Image Recognition Without Normalization, ICML 2021.</remarks>
    public double? AdaptiveClip
    {
        get;
        init => field = Require.PositiveOrNull(value);
    }

    /// <summary>The term ε that guards the division, or null where the algorithm has none.</summary>
    internal virtual double? DivisionEpsilon => null;

    internal override void Validate() { }

    private void RefuseStandardizedUpdate()
    {
        if (Standardize && CentralizationTarget == CentralizationTarget.Update)
        {
            throw new ArgumentException(
                $"{nameof(Standardize)} works on the gradient and contradicts "
                    + $"{nameof(CentralizationTarget)} = {nameof(CentralizationTarget.Update)}; set one of them."
            );
        }
    }
}
