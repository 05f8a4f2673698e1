using System.Text.RegularExpressions;
using NativeRanger.Benchmarks.Studies;
using NativeRanger.Cli.Bench;
using NativeRanger.Cli.Plotting;

namespace NativeRanger.Benchmarks.Report;

/// <summary>Writes the tables of a README, between their markers, and the plots beside the results that they come from.</summary>
/// <param name="folder">The folder of results.</param>
internal sealed partial class ReportWriter(string folder)
{
    /// <summary>Writes everything that there are results of.</summary>
    public void Write(string readme)
    {
        var sections = Sections().ToDictionary(s => s.Name, s => s.Text, StringComparer.Ordinal);
        var text = Marked()
            .Replace(
                File.ReadAllText(readme),
                match =>
                    $"<!-- {match.Groups["name"].Value} -->\n{sections.GetValueOrDefault(match.Groups["name"].Value, "Not measured.\n")}<!-- end -->"
            );
        File.WriteAllText(readme, text);
    }

    private IEnumerable<(string Name, string Text)> Sections()
    {
        if (Read<NativeResults>("native.json") is { } native)
        {
            yield return ("circumstances", Describe(native.Circumstances));
            foreach (var (type, threads) in native.Measurements.Select(m => (m.Type, m.Threads)).Distinct())
            {
                yield return ($"sizes {type} {threads}", Sizes(native, type, threads));
            }

            yield return ("long rows", Layouts(native, "long rows"));
            yield return ("short rows", Layouts(native, "short rows"));
            yield return ("column-major", Layouts(native, "column-major"));
            foreach (var study in native.Comparisons.Select(c => c.Study).Distinct(StringComparer.Ordinal))
            {
                yield return (study, Comparisons(native, study));
            }

            RatioFigure(native).Save(Path.Combine(folder, "ratio.svg"));
        }

        foreach (var (name, file) in new[] { ("managed", "managed.json"), ("native", "peers.json") })
        {
            if (Read<PeerResults>(file) is { } peers)
            {
                yield return ($"peers {name}", Peers(peers));
            }
        }

        if (Read<ScalingResults>("scaling.json") is { } scaling)
        {
            yield return ("scaling models", Models(scaling));
            yield return ("scaling residuals", Residuals(scaling));
            ScalingFigure(scaling).Save(Path.Combine(folder, "scaling.svg"));
        }
    }

    private static string Describe(Circumstances c) =>
        MarkdownTable.Of(
            ["", "where, how and what"],
            [
                ["processor", $"{c.Processor}, {c.Processors} in use; {c.Caches}"],
                ["memory", $"huge pages: {c.HugePages}"],
                ["system", $"{c.OperatingSystem}, {c.Framework}"],
                ["native library", c.Build],
                ["commit", c.Commit],
                ["when", $"{c.Utc:yyyy-MM-dd}, load average before measuring {c.LoadAverage:0.00}"],
            ]
        );

    private static string Sizes(NativeResults results, string type, int threads) =>
        MarkdownTable.Pivot(
            "limit time / step time",
            [
                .. results.Measurements.Where(m =>
                    m.Study is "sizes" && m.Threads == threads && string.Equals(m.Type, type, StringComparison.Ordinal)
                ),
            ],
            m => $"{Name(m)}, {m.Isa}{(m.Kernel is "chosen" ? "" : $" ({m.Kernel})")}",
            m => RoundedBytes(m.WorkingSetBytes),
            found => $"{found.First().RatioToLimit:0.00}"
        );

    private static string Layouts(NativeResults results, string study) =>
        MarkdownTable.Pivot(
            "limit time / step time",
            [.. results.Measurements.Where(m => string.Equals(m.Study, study, StringComparison.Ordinal))],
            m => $"{Name(m)}, {m.Rows} × {m.Columns}, {BenchTable.Threads(m.Threads)}",
            m => m.Isa,
            found => $"{found.First().RatioToLimit:0.00}"
        );

    private static string Comparisons(NativeResults results, string study) =>
        MarkdownTable.Of(
            ["step", "ISA", "type", "elements", "ns", "against", "ns", "ratio"],
            results
                .Comparisons.Where(c => string.Equals(c.Study, study, StringComparison.Ordinal))
                .Select(c =>
                    (IReadOnlyList<string>)
                        [
                            c.Subject,
                            c.Isa,
                            c.Type,
                            $"{c.Elements:#,0}",
                            $"{c.SubjectNs:#,0}",
                            c.Baseline,
                            $"{c.BaselineNs:#,0}",
                            $"{c.Ratio:0.000}",
                        ]
                )
        );

    private static string Peers(PeerResults results) =>
        MarkdownTable.Pivot(
            "peer's time / native step's time",
            results.Peers,
            p => IsNative(p) ? $"native step, {p.Algorithm}: ns/element" : $"{p.Peer}, {p.Algorithm}{Allocates(p)}",
            p => p.Tensors == 1 ? $"{p.Elements:#,0}" : $"{p.Tensors:#,0} × {p.Elements / p.Tensors:#,0}",
            found => IsNative(found.First()) ? $"{found.First().NsPerElement:0.000}" : $"{found.First().Ratio:0.00}"
        ) + string.Concat(results.LeftOut.Select(line => $"\nLeft out: {line}.\n"));

    private static bool IsNative(PeerResult peer) => peer.Peer is PeerStudy.Native;

    private static string Allocates(PeerResult peer) => peer.AllocatedBytes is > 0 ? " (allocates)" : "";

    private static string Models(ScalingResults results) =>
        MarkdownTable.Of(
            ["threads", "fixed (ns)", "per further tensor (ns)", .. ScalingModel.Levels.Select(l => $"{l} (GB/s)")],
            results.Models.Select(m =>
                (IReadOnlyList<string>)
                    [
                        $"{m.Threads}",
                        $"{m.FixedNs:0}",
                        $"{m.NsPerTensor:0.0}",
                        .. m.GigabytesPerSecond.Select(g => g is { } value ? $"{value:0.0}" : MarkdownTable.Nothing),
                    ]
            )
        );

    private static string Residuals(ScalingResults results) =>
        MarkdownTable.Of(
            ["tensors × elements", "threads", "ns/element", "model", "residual"],
            results.Points.Select(p =>
            {
                var model = results.Models.Single(m => m.Threads == p.Threads);
                var expected = model.Nanoseconds(p, results.SecondLevelBytes, results.LastLevelBytes) / p.Elements;
                return (IReadOnlyList<string>)
                    [
                        p.Tensors == 1 ? $"{p.Elements:#,0}" : $"{p.Tensors:#,0} × {p.Elements / p.Tensors:#,0}",
                        $"{p.Threads}",
                        $"{p.NsPerElement:0.000}",
                        $"{expected:0.000}",
                        $"{(p.NsPerElement - expected) / expected:+0 %;-0 %;0 %}",
                    ];
            })
        );

    private static Figure RatioFigure(NativeResults results)
    {
        // One panel per number of threads; the tables have the rest.
        var widest = results.Measurements.Any(m => m.Isa is "avx512") ? "avx512" : "avx2";
        var best = results
            .Measurements.Where(m =>
                m.Study is "sizes"
                && m.Kernel is "chosen"
                && m.Type is "float32"
                && string.Equals(m.Isa, widest, StringComparison.Ordinal)
            )
            .ToArray();
        return BenchFigure.Of(
            [
                .. best.Select(m => new Measurement(
                    m.Algorithm,
                    m.Centralised,
                    m.Type,
                    m.Isa,
                    m.Threads,
                    m.Rows,
                    m.Elements,
                    m.WorkingSetBytes,
                    m.NsPerElement,
                    m.GigabytesPerSecond,
                    m.RatioToLimit
                )),
            ],
            results.Circumstances.Processor
        );
    }

    private static Figure ScalingFigure(ScalingResults results)
    {
        var elements = results.Points.Where(p => p.Tensors == 1 && p.Elements >= 1024).ToArray();
        var tensors = results.Points.Where(p => p.Elements == 100 * p.Tensors).ToArray();
        return new(
            "The cost of a RAdam step as work grows",
            results.Circumstances.Processor,
            [
                Panel("one tensor", "elements", elements, p => p.Elements),
                Panel("tensors of 100 elements", "tensors", tensors, p => p.Tensors),
            ]
        );

        Panel Panel(string title, string label, IReadOnlyList<ScalingPoint> points, Func<ScalingPoint, double> x)
        {
            Series Line(string name, IEnumerable<ScalingPoint> line, Func<ScalingPoint, double> y, bool marked) =>
                new(name, [.. line.Select(p => (x(p), y(p)))], marked);
            return new(
                title,
                new(label, Scale.Logarithmic(points.Select(x))),
                new("ns per element", Scale.Logarithmic(points.Select(p => p.NsPerElement))),
                [
                    .. results.Models.SelectMany(model =>
                    {
                        var line = points.Where(p => p.Threads == model.Threads).ToArray();
                        return new[]
                        {
                            Line(BenchTable.Threads(model.Threads), line, p => p.NsPerElement, marked: true),
                            Line(
                                $"model, {BenchTable.Threads(model.Threads)}",
                                line,
                                p =>
                                    model.Nanoseconds(p, results.SecondLevelBytes, results.LastLevelBytes) / p.Elements,
                                marked: false
                            ),
                        };
                    }),
                ]
            );
        }
    }

    private static string Name(NativeMeasurement m) => m.Algorithm + (m.Centralised ? ", centralised" : "");

    /// <summary>The power of two that the working set, of whole rows, was meant to be.</summary>
    private static string RoundedBytes(long bytes) =>
        BenchTable.Bytes((long)Math.Pow(2, Math.Ceiling(Math.Log2(bytes))));

    private T? Read<T>(string name)
        where T : class => Path.Combine(folder, name) is var path && File.Exists(path) ? Results.Read<T>(path) : null;

    [GeneratedRegex(
        @"<!-- (?<name>[^>]*?) -->\n.*?<!-- end -->",
        RegexOptions.Singleline,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Marked();
}
