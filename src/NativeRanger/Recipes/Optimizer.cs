using System.Diagnostics.CodeAnalysis;

namespace NativeRanger;

/// <summary>
/// An immutable recipe: an algorithm and its hyper-parameters. Binding it to arrays (<c>Bind</c>) creates the state and
/// gives a <see cref="Stepper{T}"/>.
/// </summary>
/// <remarks>Options are validated where they are set; use <c>with</c> to derive one recipe from another.</remarks>
[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] // so that a recipe can be listed, trimmed or not
public abstract partial record Optimizer
{
    private protected Optimizer() { }

    /// <summary>The learning rate η, at least 0.</summary>
    public abstract double LearningRate { get; init; }

    /// <summary>What a step does with non-finite gradients; <see cref="NonFinitePolicy.Propagate"/> by default.</summary>
    public abstract NonFinitePolicy NonFinite { get; init; }

    /// <summary>Refuses options that contradict each other, which only the whole recipe can show.</summary>
    internal abstract void Validate();
}
