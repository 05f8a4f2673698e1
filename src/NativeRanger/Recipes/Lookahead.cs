namespace NativeRanger;

/// <summary>Lookahead around any optimizer, itself included.</summary>
/// <remarks>
/// <code>
/// φ ← θ when bound;  after every k-th inner step:  φ ← φ + α(θ-φ);  θ ← φ
/// </code>
/// α = 1 is the inner optimizer, bit for bit. At equal learning rate Lookahead looks slower than its inner optimizer, since
/// the effective step is about α·η: sweep the rate before comparing.
/// Source: Zhang, Lucas, Hinton, Ba, Lookahead Optimizer: k steps forward, 1 step back, NeurIPS 2019.
/// </remarks>
public sealed record Lookahead : Optimizer
{
    /// <summary>k 5, α 0.8, inner state kept, one shared counter.</summary>
    /// <param name="inner">The optimizer that makes the fast steps.</param>
    public Lookahead(Optimizer inner) => Inner = inner;

    /// <summary>The optimizer that makes the fast steps.</summary>
    public Optimizer Inner
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Inner));
            value.Validate();
            field = value;
            RefusePullbackWithoutMomentum();
        }
    }

    /// <summary>The inner optimizer's learning rate.</summary>
    public override double LearningRate
    {
        get => Inner.LearningRate;
        init => Inner = Inner with { LearningRate = value };
    }

    /// <summary>The inner optimizer's policy.</summary>
    public override NonFinitePolicy NonFinite
    {
        get => Inner.NonFinite;
        init => Inner = Inner with { NonFinite = value };
    }

    /// <summary>k: the number of inner steps between two syncs, at least 1; 5 by default.</summary>
    public int Period
    {
        get;
        init => field = Require.AtLeastOne(value);
    } = 5;

    /// <summary>α: how far the slow weights move towards the fast ones, from 0 to 1; 0.8 by default.</summary>
    public double Blend
    {
        get;
        init => field = Require.Fraction(value);
    } = 0.8;

    /// <summary>What happens to the inner optimizer's state at a sync; kept by default.</summary>
    public InnerState InnerState
    {
        get;
        init
        {
            field = Require.Defined(value);
            RefusePullbackWithoutMomentum();
        }
    }

    /// <summary>What is counted; one shared counter by default.</summary>
    public SyncCounter Counter
    {
        get;
        init => field = Require.Defined(value);
    }

    internal override void Validate() => Inner.Validate();

    private void RefusePullbackWithoutMomentum()
    {
        if (InnerState != InnerState.Pullback)
        {
            return;
        }

        var core = Inner;
        while (core is Lookahead wrapper)
        {
            core = wrapper.Inner;
        }

        if (core is not Sgd { Momentum: > 0 })
        {
            throw new ArgumentException(
                $"{nameof(InnerState)}.{nameof(InnerState.Pullback)} interpolates a momentum buffer, but the inner optimizer "
                    + $"{core.GetType().Name} has none; use {nameof(Sgd)} with {nameof(Sgd.Momentum)} above 0, or another "
                    + $"{nameof(InnerState)}."
            );
        }
    }
}
