namespace NativeRanger;

/// <summary>Stochastic gradient descent with momentum, dampening, Nesterov's look-ahead and L2 weight decay.</summary>
/// <remarks>
/// <code>
/// g ← g + λθ
/// if μ ≠ 0:  b ← g (first step) or μ·b + (1-dampening)·g;  g ← g + μ·b (Nesterov) or b
/// θ ← θ - η·g
/// </code>
/// Sources: Polyak 1964; Nesterov 1983; Sutskever et al., ICML 2013; reproduces <c>torch.optim.SGD</c>.
/// </remarks>
public sealed record Sgd : GradientOptimizer
{
    /// <summary>η 0.01, no momentum, no decay.</summary>
    public Sgd()
        : base(learningRate: 1e-2) { }

    /// <summary>The momentum μ, at least 0 and below 1; 0 by default.</summary>
    public double Momentum
    {
        get;
        init => field = Require.ExponentialRate(value);
    }

    /// <summary>What of the gradient is left out of the momentum buffer after the first step, from 0 to 1; 0 by default.</summary>
    public double Dampening
    {
        get;
        init
        {
            field = Require.Fraction(value);
            RefuseDampenedNesterov();
        }
    }

    /// <summary>Nesterov's form; needs <see cref="Momentum"/> above 0 and <see cref="Dampening"/> 0. Off by default.</summary>
    public bool Nesterov
    {
        get;
        init
        {
            field = value;
            RefuseDampenedNesterov();
        }
    }

    internal override void Validate()
    {
        if (Nesterov && Momentum == 0)
        {
            throw new ArgumentException($"{nameof(Nesterov)} needs {nameof(Momentum)} above 0; it is 0.");
        }
    }

    private void RefuseDampenedNesterov()
    {
        if (Nesterov && Dampening != 0)
        {
            throw new ArgumentException(
                $"{nameof(Nesterov)} needs {nameof(Dampening)} = 0; it is {Dampening:R}. Set one of them."
            );
        }
    }
}
