namespace NativeRanger.Numerics.Reference;

/// <summary>One Lookahead level of one parameter: its slow weights, and what Pullback remembers.</summary>
/// <remarks>Zhang, Lucas, Hinton, Ba: Lookahead Optimizer: k steps forward, 1 step back, NeurIPS 2019, algorithm 1.</remarks>
/// <param name="slow">φ.</param>
/// <param name="slowMomentum">The momentum at the last sync, 0 before the first; null where it is not pulled back.</param>
/// <param name="counter">The parameter's steps; null where the counter is shared.</param>
internal sealed class LookaheadLevel<T>(StateVector<T> slow, StateVector<T>? slowMomentum, Counter? counter)
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    /// <summary>The parameter's own counter; null where it is shared.</summary>
    public Counter? OwnCounter { get; } = counter;

    public IReadOnlyList<StateVector<T>> Arrays { get; } = slowMomentum is null ? [slow] : [slow, slowMomentum];

    /// <summary>φ ← φ + α(θ-φ);  θ ← φ;  then what the recipe asks of the inner optimizer's state.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="number">The number of this level, 0 the innermost.</param>
    /// <param name="recipe">The options of this level.</param>
    /// <param name="core">The options of the algorithm.</param>
    /// <returns>Whether the optimizer inside has started afresh.</returns>
    public bool Synchronize(ParameterState<T> parameter, int number, Lookahead recipe, GradientOptimizer core)
    {
        var alpha = recipe.Blend;
        slow.Value = slow.Value.Towards(parameter.Weights.Value, alpha);
        parameter.Weights.Value = slow.Value;
        // With α = 1 this is the inner optimizer, and nothing of it may be touched.
        if (alpha < 1 && recipe.InnerState == InnerState.Reset)
        {
            parameter.RestartInside(number, core);
            return true;
        }

        if (recipe.InnerState == InnerState.Pullback)
        {
            PullBack(parameter.Rule.Momentum!, slowMomentum!, alpha);
        }

        return false;
    }

    /// <summary>Sets the level to what it would be if it were bound now.</summary>
    public void Restart(ParameterState<T> parameter)
    {
        slow.Value = parameter.Weights.Value;
        slowMomentum?.Value = slowMomentum.Value.Map(static _ => T.Zero);
        OwnCounter?.Value = 0;
    }

    /// <summary>b ← α·b + (1-α)·(b at the last sync), which is b itself where α is 1.</summary>
    private static void PullBack(StateVector<T> momentum, StateVector<T> last, double alpha)
    {
        if (alpha < 1)
        {
            var (kept, pulled) = (Elementwise.Round<T>(alpha), Elementwise.Round<T>(1 - alpha));
            momentum.Value = (momentum.Value.Times(kept) + last.Value.Times(pulled)).Flushed();
        }

        last.Value = momentum.Value;
    }
}
