namespace NativeRanger;

/// <summary>An optimizer with exponential averages of the gradient and of its square.</summary>
/// <remarks><c>m ← β1·m + (1-β1)·g;  v ← β2·v + (1-β2)·g²</c>, both 0 at the start.</remarks>
public abstract record MomentOptimizer : GradientOptimizer
{
    private protected MomentOptimizer(double learningRate, double beta1, double epsilon)
        : base(learningRate)
    {
        Beta1 = beta1;
        Epsilon = epsilon;
    }

    /// <summary>The decay rate β1 of the first moment, at least 0 and below 1.</summary>
    public double Beta1
    {
        get;
        init => field = Require.ExponentialRate(value);
    }

    /// <summary>The decay rate β2 of the second moment, at least 0 and below 1; 0.999 by default.</summary>
    public double Beta2
    {
        get;
        init => field = Require.ExponentialRate(value);
    } = 0.999;

    /// <summary>ε, above 0 (also once rounded to the parameter's type).</summary>
    public double Epsilon
    {
        get;
        init => field = Require.Positive(value);
    }

    internal override double? DivisionEpsilon => Epsilon;
}
