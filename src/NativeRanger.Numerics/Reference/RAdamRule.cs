using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>RAdam.</summary>
/// <remarks>
/// Liu, Jiang, He, Chen, Liu, Gao, Han: On the Variance of the Adaptive Learning Rate and Beyond, ICLR 2020, algorithm 2. The
/// decoupled decay comes before the update, as in Loshchilov, Hutter, ICLR 2019.
/// </remarks>
internal sealed class RAdamRule<T>(int number, int length) : UpdateRule<T>
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    private readonly Moments<T> moments = new(
        new(number, StateNames.FirstMoment, length),
        new(number, StateNames.SecondMoment, length)
    );

    public override IReadOnlyList<StateVector<T>> Arrays => [moments.First, moments.Second];

    public override Vector<T> Step(Vector<T> weights, Vector<T> gradient, in StepScalars<T> step)
    {
        var recipe = (RAdam)step.Recipe;
        var eta = step.LearningRate;
        var bc1 = BiasCorrection.Of(recipe.Beta1, step.Count);
        var bc2 = BiasCorrection.Of(recipe.Beta2, step.Count);
        moments.Advance(gradient, recipe);

        if (Rectification(recipe, step.Count) is not { } r)
        {
            return recipe.Unrectified == UnrectifiedStep.Skip
                ? weights
                : step.Move(Decayed(weights, step), eta / bc1, moments.First.Value);
        }

        var denominator = moments.Second.Value.Root().Plus(Elementwise.Round<T>(recipe.Epsilon));
        var update = moments.First.Value.PointwiseDivide(denominator);
        return step.Move(Decayed(weights, step), eta * r * Math.Sqrt(bc2) / bc1, update);
    }

    private static Vector<T> Decayed(Vector<T> weights, in StepScalars<T> step) =>
        ((RAdam)step.Recipe).DecoupledWeightDecay ? step.Decay(weights) : weights;

    /// <summary>r, or null while the variance of the adaptive learning rate is intractable.</summary>
    private static double? Rectification(RAdam recipe, long t)
    {
        var power = BiasCorrection.Power(recipe.Beta2, t);
        var limit = (2 / (1 - recipe.Beta2)) - 1;
        var rho = limit - (2.0 * t * power / (1 - power));
        return rho > recipe.Threshold
            ? Math.Sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
            : null;
    }
}
