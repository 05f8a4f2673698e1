using System.Collections.Immutable;
using System.Numerics;

namespace NativeRanger;

/// <summary>Parameters that are stepped with the same options.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class ParameterGroup<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>A group of parameters.</summary>
    /// <param name="parameters">At least one parameter.</param>
    /// <exception cref="ArgumentException">There is no parameter.</exception>
    public ParameterGroup(params IEnumerable<Parameter<T>> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        Parameters = [.. parameters];
        if (Parameters.IsEmpty)
        {
            throw new ArgumentException("A group needs at least one parameter.", nameof(parameters));
        }

        if (Parameters.Any(p => p is null))
        {
            throw new ArgumentException("A group holds a null parameter.", nameof(parameters));
        }
    }

    /// <summary>The parameters.</summary>
    public ImmutableArray<Parameter<T>> Parameters { get; }

    /// <summary>
    /// The options of this group: the stepper's recipe with any of them changed (<c>recipe with { … }</c>); null (default)
    /// for the recipe itself. It must be the same kind of optimizer. A learning rate that differs from the recipe's is the
    /// group's own: <c>Step(…, learningRate)</c> leaves it.
    /// </summary>
    public Optimizer? Optimizer { get; init; }
}
