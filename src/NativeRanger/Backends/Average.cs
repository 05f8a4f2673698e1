namespace NativeRanger;

/// <summary>An average of the weights that a stepper keeps beside them.</summary>
public abstract record Average
{
    private protected Average() { }
}

/// <summary>An exponential moving average: <c>e ← e + (1-d)(θ-e)</c> after every step, starting as the parameters.</summary>
/// <remarks>Source: Polyak, Juditsky 1992; as used in Tarvainen, Valpola, NeurIPS 2017.</remarks>
public sealed record ExponentialAverage : Average
{
    /// <summary>The decay d, at least 0 and below 1; 0.999 by default.</summary>
    public double Decay
    {
        get;
        init => field = Require.ExponentialRate(value);
    } = 0.999;
}

/// <summary>
/// Stochastic weight averaging: the mean of samples of the weights, <c>a ← a + (θ-a)/n</c> at the n-th sample; the
/// parameters as they were until there is a sample.
/// </summary>
/// <remarks>Source: Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization, UAI 2018.</remarks>
public sealed record StochasticAverage : Average
{
    /// <summary>How many steps pass before the first period of <see cref="Every"/> begins, at least 0; 0 by default.</summary>
    public long Start
    {
        get;
        init =>
            field =
                value >= 0
                    ? value
                    : throw new ArgumentOutOfRangeException(
                        nameof(Start),
                        value,
                        $"Start must be at least 0; it is {value}."
                    );
    }

    /// <summary>A sample is taken after every so many steps, at least 1; 1 by default.</summary>
    public int Every
    {
        get;
        init => field = Require.AtLeastOne(value);
    } = 1;
}
