using System.Numerics;

namespace NativeRanger;

/// <summary>What one step is given; every length has been checked.</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly ref struct StepRequest<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>One gradient per parameter, in bind order.</summary>
    public required ReadOnlySpan<Gradient<T>> Gradients { get; init; }

    /// <summary>The array that <see cref="Gradients"/> are in, all of it, where there is one that stays as it is during the step.</summary>
    internal Gradient<T>[]? Held { get; init; }

    /// <summary>The learning rate of each group, schedule included.</summary>
    public required ReadOnlySpan<double> LearningRates { get; init; }

    /// <summary>How many micro-batches the gradients are the sum of: they are multiplied by T(1/M) first, unless M is 1.</summary>
    public int MicroBatches { get; init; }

    /// <summary>The gradients are those that <see cref="StepEngine{T}.Accumulate"/> was given, and <see cref="Gradients"/> are none.</summary>
    internal bool Accumulated { get; init; }

    /// <summary>The completed steps.</summary>
    internal long StepCount { get; init; }

    /// <summary>Store +0 to the gradients once they have been read.</summary>
    public bool ZeroGradients { get; init; }
}
