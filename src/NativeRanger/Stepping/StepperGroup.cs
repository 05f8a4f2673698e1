using System.Collections.Immutable;
using System.Numerics;

namespace NativeRanger;

/// <summary>One group of a stepper, with options that can be changed between steps.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class StepperGroup<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Stepper<T> stepper;
    private readonly int index;

    internal StepperGroup(Stepper<T> stepper, int index, ImmutableArray<Parameter<T>> parameters, Optimizer optimizer)
    {
        this.stepper = stepper;
        this.index = index;
        Parameters = parameters;
        BoundOptimizer = optimizer;
        current = optimizer;
        learningRate = optimizer.LearningRate;
    }

    /// <summary>The parameters of the group.</summary>
    public ImmutableArray<Parameter<T>> Parameters { get; }

    /// <summary>The options of the group. Setting it changes them from the next step on; the state stays.</summary>
    /// <exception cref="ArgumentException">Another kind of optimizer, or options that ask for other state arrays.</exception>
    public Optimizer Optimizer
    {
        get => current;
        set
        {
            stepper.SetOptimizer(index, value);
            current = value;
            learningRate = value.LearningRate;
        }
    }

    /// <summary>The options that the group was bound with, whatever they are now.</summary>
    internal Optimizer BoundOptimizer { get; }

    private Optimizer current;

    /// <summary>That of <see cref="current"/>, which every step asks for.</summary>
    private double learningRate;

    /// <summary>The learning rate of the group: <c>Optimizer.LearningRate</c>, and a short way to change it.</summary>
    public double LearningRate
    {
        get => learningRate;
        set => Optimizer = current with { LearningRate = value };
    }

    /// <summary>Whether the rate is the group's own, which <c>Step(…, learningRate)</c> leaves: it differs from the recipe's.</summary>
    public bool OwnsLearningRate => learningRate != stepper.Optimizer.LearningRate;
}
