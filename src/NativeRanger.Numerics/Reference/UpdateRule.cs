using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>One algorithm at work on one parameter, with its state.</summary>
internal abstract class UpdateRule<T>
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    /// <summary>The state arrays, in the order in which they are listed.</summary>
    public abstract IReadOnlyList<StateVector<T>> Arrays { get; }

    /// <summary>Counters and scalars beside the parameter's step.</summary>
    public virtual IReadOnlyList<Counter> Scalars => [];

    /// <summary>The momentum buffer, where there is one.</summary>
    public virtual StateVector<T>? Momentum => null;

    /// <summary>Moves the state, and returns the new weights.</summary>
    /// <param name="weights">θ.</param>
    /// <param name="gradient">g, prepared.</param>
    /// <param name="step">What else the formula needs.</param>
    public abstract Vector<T> Step(Vector<T> weights, Vector<T> gradient, in StepScalars<T> step);

    /// <summary>Sets the state to what it was at the start.</summary>
    public virtual void Restart(GradientOptimizer recipe)
    {
        foreach (var array in Arrays)
        {
            array.Value = array.Value.Map(static _ => T.Zero);
        }

        foreach (var scalar in Scalars)
        {
            scalar.Value = 0;
        }
    }

    /// <summary>The algorithm of a recipe.</summary>
    public static UpdateRule<T> Of(GradientOptimizer recipe, int number, int length) =>
        recipe switch
        {
            Sgd sgd => new SgdRule<T>(number, length, sgd.Momentum != 0),
            AdaGrad => new AdaGradRule<T>(number, length),
            Adam adam => new AdamRule<T>(number, length, adam.AmsGrad),
            AdamW adamW => new AdamRule<T>(number, length, adamW.AmsGrad),
            RAdam => new RAdamRule<T>(number, length),
            SeedRanger => new SeedRangerRule<T>(number, length),
            _ => throw new NotSupportedException(
                $"The managed backend does not know the algorithm {recipe.GetType().Name}."
            ),
        };
}

/// <summary>What a formula needs beside the weights, the gradient and its own state.</summary>
/// <param name="Recipe">The options.</param>
/// <param name="LearningRate">η, schedule included.</param>
/// <param name="Count">t: 1 on the first step.</param>
/// <param name="Prepare">What is done to the update before it is multiplied by the step size.</param>
internal readonly record struct StepScalars<T>(
    GradientOptimizer Recipe,
    double LearningRate,
    long Count,
    Func<Vector<T>, Vector<T>> Prepare
)
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    /// <summary>θ ← θ - s·u.</summary>
    public Vector<T> Move(Vector<T> weights, double size, Vector<T> update) =>
        weights - Prepare(update).Times(Elementwise.Round<T>(size));

    /// <summary>Decoupled weight decay: θ ← θ·(1-ηλ).</summary>
    public Vector<T> Decay(Vector<T> weights) =>
        weights.Times(Elementwise.Round<T>(1 - (LearningRate * Recipe.WeightDecay)));
}
