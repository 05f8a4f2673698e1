namespace NativeRanger.Numerics.Reference;

/// <summary>How far an average moves towards the weights.</summary>
internal static class AverageWeight
{
    /// <summary>The weight of the parameters as they are after the count-th step; null where they are no sample.</summary>
    /// <remarks>
    /// Polyak, Juditsky 1992 (exponential); Izmailov, Podoprikhin, Garipov, Vetrov, Wilson, UAI 2018, algorithm 1 (stochastic).
    /// </remarks>
    public static double? At(Average average, long count)
    {
        switch (average)
        {
            case ExponentialAverage exponential:
                return 1 - exponential.Decay;
            case StochasticAverage stochastic:
                var (sample, rest) = long.DivRem(count - stochastic.Start, stochastic.Every);
                return sample > 0 && rest == 0 ? 1.0 / sample : null;
            default:
                throw new NotSupportedException(
                    $"The managed backend does not know the average {average.GetType().Name}."
                );
        }
    }
}
