namespace NativeRanger.Cli.Bench;

/// <summary>Makes measurements.</summary>
internal static class BenchRunner
{
    /// <summary>Measures a step against the faster of its limit kernels, with and without prefetch.</summary>
    public static Measurement Measure(BenchCase what, LimitTeam team, double seconds)
    {
        using var problem = BenchProblem.Create(what);
        var times = Interleaved.Compare(
            [problem.Limit(team, prefetch: false), problem.Limit(team, prefetch: true), problem.Step],
            seconds
        );
        var limit = times.Take(2).MinBy(Interleaved.Median)!;
        var step = times[2];
        var nanoseconds = 1e9 * Interleaved.Median(step) / what.Elements;
        return new(
            what.Algorithm.Algorithm,
            what.Algorithm.Centralised,
            what.Type,
            BackendChoice.Spelling(what.InstructionSet),
            what.Threads,
            what.Shape.Rows,
            what.Elements,
            what.WorkingSetBytes,
            nanoseconds,
            what.Algorithm.BytesPerElement(what.ElementBytes) / nanoseconds,
            Interleaved.MedianRatio(limit, step)
        );
    }
}
