using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>SeedRanger: the listing of the article that Ranger is often learnt from, with its smallest repairs.</summary>
/// <remarks>
/// A fast pair of moments (m, v) and a slow one (m', v'); smoothed means of the second moments, S and S', choose between them.
/// </remarks>
internal sealed class SeedRangerRule<T>(int number, int length) : UpdateRule<T>
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    private readonly Moments<T> fast = new(
        new(number, StateNames.FirstMoment, length),
        new(number, StateNames.SecondMoment, length)
    );

    private readonly Moments<T> slow = new(
        new(number, StateNames.SlowFirstMoment, length),
        new(number, StateNames.SlowSecondMoment, length)
    );

    private readonly Counter mean = new(number, StateNames.MeanSecondMoment);
    private readonly Counter slowMean = new(number, StateNames.SlowMeanSecondMoment);
    private readonly Counter slowCount = new(number, StateNames.SlowStep);

    public override IReadOnlyList<StateVector<T>> Arrays => [fast.First, fast.Second, slow.First, slow.Second];

    public override IReadOnlyList<Counter> Scalars => [mean, slowMean, slowCount];

    public override Vector<T> Step(Vector<T> weights, Vector<T> gradient, in StepScalars<T> step)
    {
        // An empty parameter has no mean to smooth; only its step advances.
        if (weights.Count == 0)
        {
            return weights;
        }

        var recipe = (SeedRanger)step.Recipe;
        var bc1 = BiasCorrection.Of(recipe.Beta1, step.Count);
        var bc2 = BiasCorrection.Of(recipe.Beta2, step.Count);
        var size = step.LearningRate * Math.Sqrt(bc2) / bc1;

        if (Update(gradient, recipe, step.Count, bc2) is { } update)
        {
            weights = step.Move(weights, size, update);
        }

        return recipe.WeightDecay != 0 ? weights.Times(Elementwise.Round<T>(1 - (size * recipe.WeightDecay))) : weights;
    }

    /// <summary>Moves the moments, and returns the update before the step size; null where there is none.</summary>
    private Vector<T>? Update(Vector<T> gradient, SeedRanger recipe, long t, double bc2)
    {
        var epsilon = Elementwise.Round<T>(recipe.Epsilon);
        fast.Advance(gradient, recipe);
        var rises = Smooth(mean, fast, recipe.Blend);
        if (t <= recipe.Period || rises || t <= recipe.Threshold)
        {
            return fast.First.Value.PointwiseDivide(fast.Second.Value.Root().Plus(epsilon));
        }

        if (slowCount.Value == 0)
        {
            slow.First.Value = fast.First.Value;
            slow.Second.Value = fast.Second.Value;
            slowMean.Value = mean.Value;
            slowCount.Value = t;
        }

        slowCount.Value++;
        slow.Advance(gradient, recipe);
        var slowRises = Smooth(slowMean, slow, recipe.Blend);
        if (slowCount.Value <= recipe.Period)
        {
            return null;
        }

        if (slowRises || slowCount.Value <= recipe.Threshold)
        {
            return slow.First.Value.PointwiseDivide(slow.Second.Value.Root().Plus(epsilon));
        }

        var beta2 = Elementwise.Round<T>(recipe.Beta2);
        var rest = Elementwise.Round<T>(1 - recipe.Beta2);
        var second = fast.Second.Value.Times(beta2) + slow.Second.Value.Times(rest);
        var denominator = second.Over(Elementwise.Round<T>(bc2)).Root().Times(Elementwise.Round<T>(2)).Plus(epsilon);
        return (fast.First.Value + slow.First.Value).PointwiseDivide(denominator);
    }

    /// <summary>S ← α·S + (1-α)·mean(v), all in double; returns whether S has risen.</summary>
    private static bool Smooth(Counter smoothed, Moments<T> moments, double alpha)
    {
        var before = smoothed.Scalar;
        var second = moments.Second.Value;
        smoothed.Scalar = (alpha * before) + ((1 - alpha) * (CanonicalSum.Of(second) / second.Count));
        return smoothed.Scalar > before;
    }
}
