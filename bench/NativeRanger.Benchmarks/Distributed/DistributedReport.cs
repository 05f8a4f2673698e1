using System.Text;
using NativeRanger.Benchmarks.Studies;
using NativeRanger.Cli.Plotting;
using NativeRanger.Mpi;

namespace NativeRanger.Benchmarks.Distributed;

/// <summary>Takes the model's parameters from parts that were measured alone, checks it against whole steps, and extrapolates.</summary>
internal sealed class DistributedReport
{
    private const double Slice = ShardingOptions.DefaultSlice;
    private const int ElementSize = 4;

    /// <summary>A link of 200 Gb/s, and 2 µs: what vendors state for present clusters, not measured here.</summary>
    private static readonly Link cluster = new(2e-6, 25e9);
    private static readonly int[] ranks = [8, 64, 1024];
    private static readonly double[] parameters = [1e9, 10e9, 100e9];

    private readonly IReadOnlyList<DistributedResult> results;
    private readonly StepModel here;
    private readonly StepModel there;

    private DistributedReport(IReadOnlyList<DistributedResult> results)
    {
        this.results = results;
        var two = results.Single(r => r.Ranks == 2);
        var buckets = Math.Ceiling(two.Bytes / (Slice * two.Ranks));
        var latency = two.Barrier;
        var moved = two.Bytes / 2.0 * 2;
        var link = new Link(latency, moved / Math.Max(1e-9, two.Messages - (2 * buckets * latency)));
        var perByte = two.ShardStep / (two.Bytes / 2.0);
        var add = two.Add / two.Bytes;
        here = new(link, perByte, add, two.Processors);
        there = new(cluster, perByte, add, Processors: null);
    }

    /// <summary>Writes the tables into a README between its marks, and the plot beside it.</summary>
    public static void Write(string file, string readme)
    {
        var report = new DistributedReport(Results.Read<DistributedResult[]>(file));
        report.Plot().Save(Path.Combine(Path.GetDirectoryName(readme)!, "model.svg"));
        const string Begin = "<!-- tables -->\n";
        const string End = "<!-- end of tables -->";
        var text = File.ReadAllText(readme);
        var (begin, end) = (text.IndexOf(Begin, StringComparison.Ordinal), text.IndexOf(End, StringComparison.Ordinal));
        File.WriteAllText(readme, text[..(begin + Begin.Length)] + report.Tables() + text[end..]);
    }

    private string Tables()
    {
        var text = new StringBuilder();
        text.Append(
            $"Measured with two ranks, each part alone: α = {here.Link.Latency * 1e6:0} µs, β = {here.Link.Bandwidth / 1e9:0.0} GB/s, s = {here.SecondsPerByte * 1e9:0.00} ns/B, "
                + $"a = {here.AddSecondsPerByte * 1e9:0.00} ns/B; P = {here.Processors}.\n\n"
        );
        text.Append(
            "Measured on one machine, in milliseconds, the least of several; others is the number of processors that other programs kept busy meanwhile:\n\n"
        );
        text.Append(
            "| ranks | others | mode | step | reduce-scatter alone | all-gather alone | step of a shard | step / (collectives + 1.1 steps of a shard) |\n"
        );
        text.Append("|---|---|---|---|---|---|---|---|\n");
        foreach (var r in results)
        {
            Row(r, "reproducible", r.Reproducible);
            Row(r, "fast", r.Fast);
        }

        text.Append(
            "\n| ranks | reproducible step | model | messages alone | all-reduce and replicated step |\n|---|---|---|---|---|\n"
        );
        foreach (var r in results)
        {
            var model = here.Seconds(r.Ranks, r.Bytes, Slice * r.Ranks);
            text.Append(
                $"| {r.Ranks} | {Ms(r.Reproducible.Step)} | {Ms(model)} ({model / r.Reproducible.Step - 1:+0 %;-0 %}) | {Ms(r.Messages)} | {Ms(r.Replicated)} |\n"
            );
        }

        text.Append(
            "\nThe reproducible step, in milliseconds, by how many bytes of a bucket every rank steps; 512 KiB is the default:\n\n| ranks |"
        );
        text.Append(string.Concat(results[0].Slices.Select(s => $" {s.Bytes >> 10} KiB |"))).Append('\n');
        text.Append('|').Append(string.Concat(Enumerable.Repeat("---|", results[0].Slices.Count + 1))).Append('\n');
        foreach (var r in results)
        {
            text.Append($"| {r.Ranks} |{string.Concat(r.Slices.Select(s => $" {Ms(s.Seconds)} |"))}\n");
        }

        text.Append("\nBytes on a rank, by the library's own counters:\n\n");
        text.Append(
            "| ranks | parameters | state | state x ranks / parameters | gradient sums | buckets |\n|---|---|---|---|---|---|\n"
        );
        foreach (var r in results)
        {
            text.Append(
                $"| {r.Ranks} | {r.Bytes:#,0} | {r.StateBytes:#,0} | {r.StateBytes * (double)r.Ranks / r.Bytes:0.000} | {r.GradientBytes:#,0} | {r.MessageBufferBytes:#,0} |\n"
            );
        }

        text.Append(
            $"\n**A model, not a measurement**: a cluster with {cluster.Latency * 1e6:0} µs and {cluster.Bandwidth / 1e9:0} GB/s between ranks (stated by vendors, "
                + "not measured here), s and a as above, buckets of 512 KiB for each rank, float32:\n\n"
        );
        text.Append(
            "| parameters | ranks | step | messages alone | memory per rank | replicated: memory |\n|---|---|---|---|---|---|\n"
        );
        foreach (var count in parameters)
        {
            foreach (var w in ranks)
            {
                var bytes = count * ElementSize;
                text.Append(
                    $"| {count / 1e9:0} G | {w} | {Seconds(there.Seconds(w, bytes, Slice * w))} | {Seconds(there.MessageSeconds(w, bytes, Slice * w))} | "
                        + $"{RankMemory.Bytes(w, bytes, Slice * w) / 1e9:0.0} GB | {RankMemory.Replicated(bytes) / 1e9:0.0} GB |\n"
                );
            }
        }

        var least = Enumerable
            .Range(1, 12)
            .Select(i => 1 << i)
            .MinBy(w => there.Seconds(w, 10e9 * ElementSize, Slice * w));
        text.Append(
            $"\nWhere it stops scaling: with 10 G parameters the modelled step is shortest at {least} ranks. The messages of a rank approach 2n/β and the additions an, "
                + "whatever W: beyond the number of ranks at which they take longer than the rest, ranks save memory and no time.\n\n"
        );
        return text.ToString();

        void Row(DistributedResult r, string name, ModeTimes mode) =>
            text.Append(
                $"| {r.Ranks} | {r.Others:0.0} | {name} | {Ms(mode.Step)} | {Ms(mode.ReduceScatter)} | {Ms(mode.AllGather)} | {Ms(r.ShardStep)} | {r.Ratio(mode):0.00} |\n"
            );
    }

    private Figure Plot()
    {
        var all = Enumerable.Range(1, 12).Select(i => 1 << i).ToArray();
        Series[] lines =
        [
            .. parameters.Select(count => new Series(
                $"{count / 1e9:0} G parameters",
                [.. all.Select(w => ((double)w, there.Seconds(w, count * ElementSize, Slice * w)))],
                Marked: true
            )),
            .. parameters.Select(count => new Series(
                $"{count / 1e9:0} G, messages alone",
                [.. all.Select(w => ((double)w, there.MessageSeconds(w, count * ElementSize, Slice * w)))]
            )),
        ];
        var points = lines.SelectMany(line => line.Points).ToArray();
        return new(
            "The time of a sharded step: a model",
            $"{cluster.Bandwidth / 1e9:0} GB/s, {cluster.Latency * 1e6:0} µs, buckets of 512 KiB for each rank; kernels as measured on one machine",
            [
                new(
                    "",
                    new("ranks", Scale.Logarithmic(points.Select(p => p.X))),
                    new("seconds", Scale.Logarithmic(points.Select(p => p.Y))),
                    lines
                ),
            ]
        );
    }

    private static string Ms(double seconds) => $"{seconds * 1e3:0.00}";

    private static string Seconds(double seconds) => seconds < 1 ? $"{seconds * 1e3:0} ms" : $"{seconds:0.0} s";
}
