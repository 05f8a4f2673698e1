namespace NativeRanger;

/// <summary>Which parameters have their gradients centralised.</summary>
/// <remarks>
/// <c>g ← g - mean(g)</c> over every slice of the output dimension. Parameters with fewer than two dimensions, and rows of
/// length 1 (whose centralised gradient would be 0, so that they would never train), are left alone.
/// Source: Yong et al., Gradient Centralization, ECCV 2020.
/// </remarks>
public enum Centralization
{
    /// <summary>None.</summary>
    None,

    /// <summary>Every parameter with two dimensions or more.</summary>
    All,

    /// <summary>Only parameters with more than three dimensions (weights of two-dimensional convolutions).</summary>
    ConvOnly,
}

/// <summary>What centralisation is applied to.</summary>
public enum CentralizationTarget
{
    /// <summary>The gradient, before the moments.</summary>
    Gradient,

    /// <summary>The update, before it is multiplied by the step size: <c>u ← u - mean(u); θ ← θ - s·u</c>.</summary>
    Update,
}

/// <summary>What a step does when a gradient holds an infinity or a NaN.</summary>
public enum NonFinitePolicy
{
    /// <summary>Step as usual: the values enter the moments and the parameters, as in every original.</summary>
    Propagate,

    /// <summary>Skip the whole step: nothing changes but <see cref="Stepper{T}.SkippedSteps"/>.</summary>
    SkipStep,

    /// <summary>Throw <see cref="NonFiniteGradientException"/>; nothing changes.</summary>
    Throw,
}

/// <summary>What RAdam does while the variance of the adaptive learning rate is intractable (ρ ≤ threshold).</summary>
public enum UnrectifiedStep
{
    /// <summary>A step along the bias-corrected first moment: <c>θ ← θ - η/bc1·m</c>.</summary>
    Sgd,

    /// <summary>No update and no weight decay; moments and the step still advance.</summary>
    Skip,
}

/// <summary>What happens to the inner optimizer's state when <see cref="Lookahead"/> synchronises.</summary>
public enum InnerState
{
    /// <summary>It is kept.</summary>
    Keep,

    /// <summary>The inner optimizer starts afresh: moments and its step return to the start.</summary>
    Reset,

    /// <summary>
    /// The momentum is interpolated like the weights: <c>b ← α·b + (1-α)·(b at the last sync)</c>, 0 before the first.
    /// Only for inner optimizers with a momentum buffer.
    /// </summary>
    Pullback,
}

/// <summary>What <see cref="Lookahead"/> counts to know when to synchronise.</summary>
public enum SyncCounter
{
    /// <summary>One counter per stepper; at a sync every parameter is synchronised, also one without a gradient.</summary>
    Shared,

    /// <summary>Each parameter's own steps; a parameter without a gradient is left alone. This is Ranger's.</summary>
    PerParameter,
}
