using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>Adam and AdamW, with AMSGrad's running maximum where there is one.</summary>
/// <remarks>
/// Kingma, Ba: Adam, ICLR 2015, algorithm 1; Loshchilov, Hutter: Decoupled Weight Decay Regularization, ICLR 2019; Reddi, Kale,
/// Kumar: On the Convergence of Adam and Beyond, ICLR 2018.
/// </remarks>
internal sealed class AdamRule<T>(int number, int length, bool amsGrad) : UpdateRule<T>
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    private readonly Moments<T> moments = new(
        new(number, StateNames.FirstMoment, length),
        new(number, StateNames.SecondMoment, length)
    );

    private readonly StateVector<T>? maximum = amsGrad ? new(number, StateNames.MaximumSecondMoment, length) : null;

    public override IReadOnlyList<StateVector<T>> Arrays =>
        maximum is null ? [moments.First, moments.Second] : [moments.First, moments.Second, maximum];

    public override Vector<T> Step(Vector<T> weights, Vector<T> gradient, in StepScalars<T> step)
    {
        var recipe = (MomentOptimizer)step.Recipe;
        var bc1 = BiasCorrection.Of(recipe.Beta1, step.Count);
        var bc2 = BiasCorrection.Of(recipe.Beta2, step.Count);
        moments.Advance(gradient, recipe);

        // AMSGrad's maximum is of the raw second moment. A NaN in v wins: no comparison with it is true.
        maximum?.Value = maximum.Value.Map2((highest, v) => highest >= v ? highest : v, moments.Second.Value);
        var second = (maximum ?? moments.Second).Value;

        var c = Elementwise.Round<T>(1 / Math.Sqrt(bc2));
        var denominator = second.Root().Times(c).Plus(Elementwise.Round<T>(recipe.Epsilon));
        var decayed = recipe is AdamW ? step.Decay(weights) : weights;
        return step.Move(decayed, step.LearningRate / bc1, moments.First.Value.PointwiseDivide(denominator));
    }
}
