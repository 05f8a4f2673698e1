using NativeRanger.Cli.Plotting;

namespace NativeRanger.Cli.Bench;

/// <summary>Draws how close each algorithm gets to its limit, over the working set: a panel per type, instruction set and threads.</summary>
internal static class BenchFigure
{
    private const double Mebibyte = 1 << 20;

    public static Figure Of(IReadOnlyList<Measurement> measurements, string processor)
    {
        var sizes = measurements.Select(m => m.WorkingSetBytes / Mebibyte);
        var horizontal = new Axis("working set (MiB)", Scale.Logarithmic(sizes));
        var vertical = new Axis(
            "time of the limit / time of the step",
            Scale.Linear(measurements.Select(m => m.RatioToLimit).Append(0).Append(1))
        );
        return new(
            "How close each step is to the speed of memory",
            processor,
            [
                .. measurements
                    .GroupBy(m => (m.Type, m.Isa, m.Threads))
                    .Select(group => new Panel(
                        $"{group.Key.Type}, {group.Key.Isa}, {BenchTable.Threads(group.Key.Threads)}",
                        horizontal,
                        vertical,
                        [.. group.GroupBy(BenchTable.Name, StringComparer.Ordinal).Select(Line)]
                    )),
            ]
        );
    }

    private static Series Line(IGrouping<string, Measurement> algorithm) =>
        new(
            algorithm.Key,
            [.. algorithm.OrderBy(m => m.WorkingSetBytes).Select(m => (m.WorkingSetBytes / Mebibyte, m.RatioToLimit))],
            Marked: true
        );
}
