using System.Diagnostics;

namespace NativeRanger.Cli.Bench;

/// <summary>Something that is timed: seconds of the timed repetitions together.</summary>
/// <param name="Time">Repeats it untimed, then timed.</param>
/// <param name="Cycle">Repetitions that belong together.</param>
/// <param name="Warm">False where its arrays are far larger than the caches, so that there is nothing to warm.</param>
internal sealed record Variant(Func<long, long, double> Time, int Cycle = 1, bool Warm = true)
{
    /// <summary>A variant that calls an action once per repetition.</summary>
    public static Variant Of(Action action, int cycle = 1, bool warm = true) =>
        new(
            (untimed, timed) =>
            {
                for (var i = 0L; i < untimed; i++)
                {
                    action();
                }

                var start = Stopwatch.GetTimestamp();
                for (var i = 0L; i < timed; i++)
                {
                    action();
                }

                return Stopwatch.GetElapsedTime(start).TotalSeconds;
            },
            cycle,
            warm
        );
}

/// <summary>Times variants against each other.</summary>
/// <remarks>
/// Each round runs all variants in an order drawn anew, since what ran before changes what the caches hold, and each variant
/// untimed first. Rounds go on for the given time, and until there are enough for a median.
/// </remarks>
internal static class Interleaved
{
    /// <summary>Much longer than reading the clock, much shorter than a time slice.</summary>
    private const double BatchSeconds = 150e-6;

    private const int FewestRounds = 7;
    private const int MostRounds = 2000;

    /// <summary>Of each variant, the seconds of one repetition in every round.</summary>
    public static double[][] Compare(IReadOnlyList<Variant> variants, double seconds)
    {
        var random = new Random(12345);
        var repetitions = variants.Select(RepetitionsOfBatch).ToArray();
        var order = Enumerable.Range(0, variants.Count).ToArray();
        var times = variants.Select(_ => new List<double>()).ToArray();
        var start = Stopwatch.GetTimestamp();
        for (
            var round = 0;
            round < FewestRounds || (round < MostRounds && Stopwatch.GetElapsedTime(start).TotalSeconds < seconds);
            round++
        )
        {
            random.Shuffle(order);
            foreach (var i in order)
            {
                var variant = variants[i];
                var untimed = variant.Warm ? WholeCycles(repetitions[i] / 4.0, variant.Cycle) : 0;
                times[i].Add(variant.Time(untimed, repetitions[i]) / repetitions[i]);
            }
        }

        return [.. times.Select(t => t.ToArray())];
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    /// <summary>The median over the rounds of a / b.</summary>
    public static double MedianRatio(double[] a, double[] b) => Median(a.Zip(b, (x, y) => x / y));

    private static long RepetitionsOfBatch(Variant variant)
    {
        long repetitions = variant.Cycle;
        var seconds = FastestOfThree();
        while (seconds < BatchSeconds / 4)
        {
            repetitions *= 2;
            seconds = FastestOfThree();
        }

        return WholeCycles(repetitions * BatchSeconds / seconds, variant.Cycle);

        // One of them may be what the compiler was waiting for.
        double FastestOfThree() => Enumerable.Range(0, 3).Min(_ => variant.Time(variant.Cycle, repetitions));
    }

    private static long WholeCycles(double repetitions, int cycle) => Math.Max(1, (long)(repetitions / cycle)) * cycle;
}
