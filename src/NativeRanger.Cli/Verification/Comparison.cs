using System.Numerics;

namespace NativeRanger.Cli.Verification;

/// <summary>Compares replays with what the original did, and with each other. A difference is described, null is none.</summary>
internal static class Comparison
{
    /// <summary>The counterparts of the arrays in a trace's final state, by their original names.</summary>
    private static readonly Dictionary<string, string> ArrayNames = new(StringComparer.Ordinal)
    {
        ["exp_avg"] = StateNames.FirstMoment,
        ["exp_avg_sq"] = StateNames.SecondMoment,
        ["max_exp_avg_sq"] = StateNames.MaximumSecondMoment,
        ["momentum_buffer"] = StateNames.Momentum,
        ["sum"] = StateNames.Accumulator,
        ["slow_buffer"] = StateNames.SlowWeights(0),
        ["cached_params"] = StateNames.SlowWeights(0),
        ["slow_exp_avg"] = StateNames.SlowFirstMoment,
        ["slow_exp_avg_sq"] = StateNames.SlowSecondMoment,
    };

    /// <summary>The counterparts of the scalars, which are kept as the bits of a double.</summary>
    private static readonly Dictionary<string, string> ScalarNames = new(StringComparer.Ordinal)
    {
        ["SMA"] = StateNames.MeanSecondMoment,
        ["slow_SMA"] = StateNames.SlowMeanSecondMoment,
    };

    /// <summary>The counterparts of the counters.</summary>
    private static readonly Dictionary<string, string> CounterNames = new(StringComparer.Ordinal)
    {
        ["step"] = StateNames.Step,
        ["slow_step"] = StateNames.SlowStep,
    };

    /// <summary>The parameters after a step against the original's, within the trace's tolerance.</summary>
    public static string? Parameters<T>(TraceRun<T> run, TraceExpectation expectation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (!expectation.Parameters.TryGetValue(run.Step, out var expected))
        {
            return null;
        }

        for (var i = 0; i < expected.Length; i++)
        {
            if (Close(run.Parameter(i), expected[i], expectation.Tolerance) is { } difference)
            {
                return $"step {run.Step}: parameter {i}{difference}";
            }
        }

        return null;
    }

    /// <summary>The state after the last step against the original's, where it has a counterpart.</summary>
    /// <param name="run">The replay, after its last step.</param>
    /// <param name="expectation">What the original had.</param>
    /// <param name="exact">What it had in float64, for a replay in float32; null for one in float64.</param>
    public static string? FinalState<T>(TraceRun<T> run, TraceExpectation expectation, TraceExpectation? exact)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (var i = 0; i < expectation.FinalState.Count; i++)
        {
            var expected = expectation.FinalState[i];
            foreach (var name in expected.Names)
            {
                if (expected[name] is not { } node)
                {
                    continue;
                }

                var tolerance = Widened(expectation.Tolerance, node, exact?.FinalState.ElementAtOrDefault(i)?[name]);
                if (State(run, i, name, node, tolerance) is { } difference)
                {
                    return $"final state: {name} of parameter {i}{difference}";
                }
            }
        }

        return null;
    }

    /// <summary>Parameters, state and counters of a replay against the managed one, bit for bit; a NaN equals any NaN.</summary>
    public static string? Bits<T>(TraceRun<T> run, TraceRun<T> reference)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (var i = 0; i < run.ParameterCount; i++)
        {
            if (Same(run.Parameter(i), reference.Parameter(i)) is { } difference)
            {
                return $"step {run.Step}: parameter {i}{difference}";
            }
        }

        if (run.Arrays.Count != reference.Arrays.Count || run.Counters.Count != reference.Counters.Count)
        {
            return $"step {run.Step}: {run.Arrays.Count} state arrays and {run.Counters.Count} counters, "
                + $"managed has {reference.Arrays.Count} and {reference.Counters.Count}";
        }

        return Arrays(run, reference) ?? Counters(run, reference);
    }

    private static string? Arrays<T>(TraceRun<T> run, TraceRun<T> reference)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        foreach (var array in run.Arrays)
        {
            var other = reference.Arrays.FirstOrDefault(a =>
                a.Parameter == array.Parameter && Named(a.Name, array.Name)
            );
            if (other?.Length != array.Length)
            {
                return $"step {run.Step}: {array.Name} of bound parameter {array.Parameter} has {array.Length} elements, "
                    + $"managed has {other?.Length ?? 0}";
            }

            var length = checked((int)array.Length);
            if (Same<T>(array.Slice(0, length), other.Slice(0, length)) is { } difference)
            {
                return $"step {run.Step}: {array.Name} of bound parameter {array.Parameter}{difference}";
            }
        }

        return null;
    }

    private static string? Counters<T>(TraceRun<T> run, TraceRun<T> reference)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        foreach (var counter in run.Counters)
        {
            var other = reference.Counters.FirstOrDefault(c => c.Owner == counter.Owner && Named(c.Name, counter.Name));
            var same =
                other is not null
                && (
                    ScalarNames.ContainsValue(counter.Name)
                        ? Same<double>([Scalar(counter)], [Scalar(other)]) is null
                        : counter.Value == other.Value
                );
            if (!same)
            {
                return $"step {run.Step}: {counter.Name} of {counter.Owner} is {counter.Value}, managed has {other?.Value}";
            }
        }

        return null;
    }

    private static bool Named(string name, string other) => string.Equals(name, other, StringComparison.Ordinal);

    private static double Scalar(StateCounter counter) => BitConverter.Int64BitsToDouble(counter.Value);

    private static string? State<T>(TraceRun<T> run, int parameter, string name, TraceNode node, Tolerance tolerance)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (ArrayNames.TryGetValue(name, out var arrayName))
        {
            if (run.Array(parameter, arrayName) is not { } array)
            {
                return null;
            }

            var expected = node.Numbers();
            return array.Length == expected.Length
                ? Close<T>(array.Slice(0, expected.Length), expected, tolerance)
                : $" has {array.Length} elements, expected {expected.Length}";
        }

        if (ScalarNames.TryGetValue(name, out var scalarName))
        {
            return run.Counter(parameter, scalarName) is { } scalar
                ? Close<double>([Scalar(scalar)], node.Numbers(), tolerance)
                : null;
        }

        return
            CounterNames.TryGetValue(name, out var counterName)
            && run.Counter(parameter, counterName) is { } counter
            && counter.Value != node.Number()
            ? $" is {counter.Value}, expected {node.Number():R}"
            : null;
    }

    /// <summary>The tolerance for one array of a final state.</summary>
    /// <remarks>
    /// The float32 tolerances of traces are 8 times the difference between the original's float32 and float64 parameters. An
    /// array of the state can be further from its float64 self than the parameters are: a second moment keeps what large
    /// gradients once were, and the original rounds multiply-adds once where this library never contracts them. So the same
    /// rule is applied to the array itself.
    /// </remarks>
    private static Tolerance Widened(Tolerance tolerance, TraceNode node, TraceNode? exact)
    {
        const int Factor = 8;
        if (exact is null)
        {
            return tolerance;
        }

        var noise = node.Numbers()
            .Zip(exact.Value.Numbers(), (single, exactly) => Math.Abs(single - exactly) / (1 + Math.Abs(exactly)))
            .Where(double.IsFinite)
            .DefaultIfEmpty(0)
            .Max();
        return new(Math.Max(tolerance.Absolute, Factor * noise), Math.Max(tolerance.Relative, Factor * noise));
    }

    private static string? Close<T>(ReadOnlySpan<T> actual, double[] expected, Tolerance tolerance)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (var i = 0; i < expected.Length; i++)
        {
            var got = double.CreateChecked(actual[i]);
            var want = expected[i];
            // Equal infinities have a difference of NaN, and a NaN equals nothing: non-finite values match in kind.
            var matches =
                double.IsFinite(want) && double.IsFinite(got)
                    ? Math.Abs(got - want) <= tolerance.Around(want)
                    : got.Equals(want);
            if (!matches)
            {
                return $"[{i}] is {got:R}, expected {want:R} "
                    + $"(off by {Math.Abs(got - want):0.0e+0}, allowed {tolerance.Around(want):0.0e+0})";
            }
        }

        return null;
    }

    private static string? Same<T>(ReadOnlySpan<T> actual, ReadOnlySpan<T> expected)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (var i = 0; i < actual.Length; i++)
        {
            var same = T.IsNaN(actual[i])
                ? T.IsNaN(expected[i])
                : actual[i] == expected[i] && T.IsNegative(actual[i]) == T.IsNegative(expected[i]);
            if (!same)
            {
                return $"[{i}] is {actual[i]:R}, managed has {expected[i]:R}";
            }
        }

        return null;
    }
}
