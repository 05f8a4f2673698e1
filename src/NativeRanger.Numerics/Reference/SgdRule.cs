using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>Stochastic gradient descent, with momentum where there is a buffer.</summary>
/// <remarks>
/// Polyak 1964 (momentum); Nesterov 1983 in the form of Sutskever, Martens, Dahl, Hinton, ICML 2013. The buffer starts as the
/// first gradient, undampened.
/// </remarks>
internal sealed class SgdRule<T>(int number, int length, bool hasMomentum) : UpdateRule<T>
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    public override StateVector<T>? Momentum { get; } = hasMomentum ? new(number, StateNames.Momentum, length) : null;

    public override IReadOnlyList<StateVector<T>> Arrays => Momentum is null ? [] : [Momentum];

    public override Vector<T> Step(Vector<T> weights, Vector<T> gradient, in StepScalars<T> step)
    {
        if (Momentum is null)
        {
            return step.Move(weights, step.LearningRate, gradient);
        }

        var recipe = (Sgd)step.Recipe;
        var mu = Elementwise.Round<T>(recipe.Momentum);
        var undampened = Elementwise.Round<T>(1 - recipe.Dampening);
        var buffer = step.Count == 1 ? gradient : Momentum.Value.Times(mu) + gradient.Times(undampened);
        Momentum.Value = buffer.Flushed();
        var update = recipe.Nesterov ? gradient + Momentum.Value.Times(mu) : Momentum.Value;
        return step.Move(weights, step.LearningRate, update);
    }
}
