using System.Numerics;

namespace NativeRanger;

/// <summary>While it is open, the parameters hold slow or averaged weights; disposing it puts the parameters back.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class EvaluationScope<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly string stateName;
    private Stepper<T>? stepper;

    internal EvaluationScope(Stepper<T> stepper, string stateName)
    {
        this.stepper = stepper;
        this.stateName = stateName;
    }

    /// <summary>Puts the parameters back.</summary>
    public void Dispose() => Interlocked.Exchange(ref stepper, null)?.CloseScope(stateName);
}

/// <summary>An average of the weights of a stepper.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class AverageWeights<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Stepper<T> stepper;
    private readonly int index;

    internal AverageWeights(Stepper<T> stepper, int index, Average average)
    {
        this.stepper = stepper;
        this.index = index;
        Average = average;
    }

    /// <summary>What is averaged.</summary>
    public Average Average { get; }

    /// <summary>The averaged weights of a parameter, in its storage order.</summary>
    /// <param name="parameter">The number of the parameter, in bind order.</param>
    public StateArray<T> Weights(int parameter = 0) =>
        stepper.StateArray(parameter, StateNames.Average(index))
        ?? throw new ArgumentOutOfRangeException(nameof(parameter), parameter, $"There is no parameter {parameter}.");

    /// <summary>Puts the averaged weights into the parameters until the returned scope is disposed; stepping is refused meanwhile.</summary>
    public EvaluationScope<T> Use() => stepper.OpenScope(StateNames.Average(index));
}
