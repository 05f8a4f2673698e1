namespace NativeRanger.Cli.Functions;

/// <summary>
/// What has been computed from some variables, in order, so that derivatives can be taken by going back from a result
/// (reverse accumulation: A. Griewank, A. Walther, Evaluating Derivatives, SIAM 2008).
/// </summary>
internal sealed class Tape
{
    private Entry[] entries = new Entry[64];
    private double[] adjoints = [];
    private int count;
    private int variables;

    /// <summary>The variables of a new computation; those of the last one can no longer be used.</summary>
    public Real[] Start(ReadOnlySpan<double> values)
    {
        count = 0;
        variables = values.Length;
        var reals = new Real[values.Length];
        for (var i = 0; i < reals.Length; i++)
        {
            reals[i] = new(this, Add(default), values[i]);
        }

        return reals;
    }

    /// <summary>Notes a value that depends on two others; an index of -1 is that of a constant.</summary>
    public int Add(in Entry entry)
    {
        if (count == entries.Length)
        {
            Array.Resize(ref entries, 2 * count);
        }

        entries[count] = entry;
        return count++;
    }

    /// <summary>Gives Σ rᵢ², and stores its gradient.</summary>
    public double SumOfSquares(ReadOnlySpan<Real> residuals, Span<double> gradient)
    {
        if (adjoints.Length < count)
        {
            adjoints = new double[entries.Length];
        }

        Array.Clear(adjoints, 0, count);
        var sum = 0.0;
        foreach (var residual in residuals)
        {
            sum += residual.Value * residual.Value;
            if (residual.Index >= 0)
            {
                adjoints[residual.Index] += 2 * residual.Value;
            }
        }

        for (var i = count - 1; i >= variables; i--)
        {
            var entry = entries[i];
            if (entry.Left >= 0)
            {
                adjoints[entry.Left] += adjoints[i] * entry.LeftDerivative;
            }

            if (entry.Right >= 0)
            {
                adjoints[entry.Right] += adjoints[i] * entry.RightDerivative;
            }
        }

        adjoints.AsSpan(0, variables).CopyTo(gradient);
        return sum;
    }

    /// <summary>What a value was computed from, and its derivatives by that.</summary>
    internal readonly record struct Entry(int Left, double LeftDerivative, int Right, double RightDerivative);
}
