using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>AdaGrad.</summary>
/// <remarks>Duchi, Hazan, Singer: Adaptive Subgradient Methods, JMLR 12 (2011), with diagonal matrices.</remarks>
internal sealed class AdaGradRule<T>(int number, int length) : UpdateRule<T>
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    private readonly StateVector<T> accumulator = new(number, StateNames.Accumulator, length);

    public override IReadOnlyList<StateVector<T>> Arrays => [accumulator];

    public override Vector<T> Step(Vector<T> weights, Vector<T> gradient, in StepScalars<T> step)
    {
        var recipe = (AdaGrad)step.Recipe;
        accumulator.Value = (accumulator.Value + gradient.Squared()).Flushed();
        var denominator = accumulator.Value.Root().Plus(Elementwise.Round<T>(recipe.Epsilon));
        var size = step.LearningRate / (1 + ((step.Count - 1) * recipe.RateDecay));
        return step.Move(weights, size, gradient.PointwiseDivide(denominator));
    }

    public override void Restart(GradientOptimizer recipe)
    {
        var start = Elementwise.Round<T>(((AdaGrad)recipe).InitialAccumulator);
        accumulator.Value = accumulator.Value.Map(_ => start);
    }
}
