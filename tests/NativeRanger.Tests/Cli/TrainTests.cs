using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using NativeRanger.Cli;
using NativeRanger.Cli.Data;
using NativeRanger.Cli.Training;

namespace NativeRanger.Tests.Cli;

/// <summary>Training: what it writes, and that it reaches what it should.</summary>
public sealed class TrainTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void Micro_batches_are_accumulated_and_recorded()
    {
        using var output = new TemporaryFolder();
        var shell = Shell.Run([
            .. "train --optimizer adam --lr 0.01 --epochs 1 --micro-batches 2 --output".Split(' '),
            output.Path,
        ]);

        Assert.Equal("", shell.Error);
        Assert.Equal(0, shell.ExitCode);
        Assert.Contains(
            Directory.EnumerateFiles(output.Path, "*", SearchOption.AllDirectories),
            file => File.ReadAllText(file).Contains("\"microBatches\": 2", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void A_single_run_prints_plain_lines_a_table_and_where_the_files_are()
    {
        using var folder = new TemporaryFolder();
        var shell = Train(folder, "--optimizer ranger --lr 0.03 --epochs 2");

        Assert.Equal(0, shell.ExitCode);
        Assert.StartsWith("epoch 1/2  step 30  loss ", shell.Lines[0], StringComparison.Ordinal);
        Assert.StartsWith("epoch 2/2  step 60  loss ", shell.Lines[1], StringComparison.Ordinal);
        Assert.Matches(@"ETA \d\d:\d\d$", shell.Lines[0]);
        Assert.Contains(shell.Lines, line => line.StartsWith("Ranger ", StringComparison.Ordinal));
        Assert.Contains("0.239988623381097", shell.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', shell.Output);
        Assert.Equal($"Wrote summary.json, loss.csv, loss.svg, schedule.svg to {folder.Path}", shell.Lines[^1]);
    }

    [Fact]
    public void The_summary_has_exactly_the_documented_keys()
    {
        using var folder = new TemporaryFolder();
        Train(folder, "--optimizer sgd lookahead-adam --lr 0.1 --epochs 1 --schedule constant --seed 7 --batch 64");

        var runs = JsonNode.Parse(File.ReadAllText(folder.File("summary.json")))!["runs"]!.AsArray();

        Assert.Equal(["sgd", "lookahead-adam"], runs.Select(run => (string?)run!["optimizer"]), StringComparer.Ordinal);
        foreach (var run in runs.Select(run => run!.AsObject()))
        {
            Assert.Equal(
                [
                    "optimizer",
                    "hyperParameters",
                    "backend",
                    "isa",
                    "finalLoss",
                    "gap",
                    "trainAccuracy",
                    "testAccuracy",
                    "steps",
                    "seconds",
                    "stepShare",
                ],
                run.Select(member => member.Key),
                StringComparer.Ordinal
            );
            var options = run["hyperParameters"]!;
            Assert.Equal(0.1, (double)options["learningRate"]!);
            Assert.Equal("constant", (string?)options["schedule"]);
            Assert.Equal(7, (int)options["seed"]!);
            Assert.Equal(64, (int)options["batch"]!);
            // 1,500 examples are 23 batches of 64 and one of 28.
            Assert.Equal(24, (long)run["steps"]!);
            Assert.Equal("native", (string?)run["backend"]);
            Assert.Equal((double)run["finalLoss"]! - Digits.SoftmaxOptimum, (double)run["gap"]!);
            Assert.InRange((double)run["testAccuracy"]!, 0.5, 1);
            Assert.InRange((double)run["stepShare"]!, 0, 1);
        }

        var lookahead = runs[1]!["hyperParameters"]!;
        Assert.Equal(5, (int)lookahead["period"]!);
        Assert.Equal(0.5, (double)lookahead["blend"]!);
        Assert.Equal("Adam", (string?)lookahead["inner"]!["optimizer"]);
        Assert.Equal(0.9, (double)lookahead["inner"]!["beta1"]!);
    }

    [Fact]
    public void The_gap_is_null_where_no_optimum_is_known()
    {
        using var folder = new TemporaryFolder();
        Train(folder, "--model mlp --hidden 8 --optimizer adam --lr 0.01 --epochs 1");

        var run = JsonNode.Parse(File.ReadAllText(folder.File("summary.json")))!["runs"]![0]!.AsObject();

        Assert.True(run.ContainsKey("gap"));
        Assert.Null(run["gap"]);
        Assert.Equal(8, (int)run["hyperParameters"]!["hidden"]!);
    }

    [Fact]
    public void The_losses_have_a_line_per_run_and_epoch()
    {
        using var folder = new TemporaryFolder();
        Train(folder, "--optimizer sgd --lr 0.1 0.3 --epochs 2 --schedule constant");

        var lines = File.ReadAllLines(folder.File("loss.csv"));

        Assert.Equal("optimizer,schedule,learningRate,seed,epoch,step,loss,gap", lines[0]);
        Assert.Equal(2 * TrainingPlan.ComparedSeeds * 3, lines.Length - 1);
        var first = lines[1].Split(',');
        Assert.Equal(["sgd", "constant", "0.1", "1", "0", "0"], first[..6], StringComparer.Ordinal);
        // All classes are equally likely to the model that is all zeros. Sums of 1,500 logarithms are off by far less.
        Assert.Equal(Math.Log(10), double.Parse(first[6], CultureInfo.InvariantCulture), 1e-12);
    }

    [Fact]
    public void The_picture_has_axes_with_units_a_legend_and_a_line_per_optimizer()
    {
        using var folder = new TemporaryFolder();
        Train(folder, "--optimizer sgd adam --lr 0.1 0.3 --epochs 3 --schedule constant flat-cosine");

        var root = XDocument.Load(folder.File("loss.svg")).Root!;
        var texts = root.Descendants(Svg + "text").Select(text => text.Value).ToArray();

        Assert.Equal(Svg + "svg", root.Name);
        Assert.Contains("epoch (30 steps each)", texts, StringComparer.Ordinal);
        Assert.Contains(texts, text => text.Contains("nats", StringComparison.Ordinal));
        Assert.Contains("SGD", texts, StringComparer.Ordinal);
        Assert.Contains("Adam", texts, StringComparer.Ordinal);
        Assert.Contains("schedule: constant", texts, StringComparer.Ordinal);
        Assert.Contains("0.1", texts, StringComparer.Ordinal);
        Assert.Equal(4, root.Descendants(Svg + "polyline").Count());
        // The start and three epochs.
        Assert.All(
            root.Descendants(Svg + "polyline"),
            line => Assert.Equal(4, line.Attribute("points")!.Value.Split(' ').Length)
        );
        Assert.True(File.Exists(folder.File("sweep.svg")));
        Assert.True(File.Exists(folder.File("schedule.svg")));
    }

    [Fact]
    public void The_same_seed_gives_the_same_numbers_on_either_backend()
    {
        var losses = new[] { BackendChoice.Single(BackendChoice.Native), BackendChoice.ManagedBackend() }.Select(
            backend =>
                Trainer
                    .Train(
                        Digits.Load(),
                        Run("ranger", "flat-cosine", 0.1) with
                        {
                            Epochs = 2,
                            Backend = backend,
                        },
                        _ => { },
                        default
                    )
                    .Losses
        );

        Assert.Single(losses.Distinct(new SequenceComparer()));
    }

    [Fact]
    public void Another_seed_gives_other_numbers()
    {
        var losses = new[] { 1, 2 }.Select(seed =>
            Trainer
                .Train(Digits.Load(), Run("sgd", "constant", 0.1) with { Epochs = 1, Seed = seed }, _ => { }, default)
                .FinalLoss
        );

        Assert.Equal(2, losses.Distinct().Count());
    }

    [Fact]
    public void A_cancelled_run_stops()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();

        Assert.Throws<OperationCanceledException>(() =>
            Trainer.Train(Digits.Load(), Run("sgd", "constant", 0.1), _ => { }, cancelled.Token)
        );
    }

    /// <summary>
    /// What each optimizer reaches in 20 epochs of batches of 50 at its best rate of the sweep, as means over seeds that were
    /// computed once with other shuffles.
    /// </summary>
    public static TheoryData<string, string, double, double> Reached() =>
        new()
        {
            { "sgd", "constant", 1, 6.6e-3 },
            { "nesterov", "constant", 0.1, 3.8e-3 },
            { "adagrad", "constant", 0.3, 7.5e-3 },
            { "adam", "constant", 0.03, 9.0e-3 },
            { "radam", "constant", 0.03, 1.6e-2 },
            { "lookahead-nesterov", "constant", 0.3, 2.1e-3 },
            { "lookahead-adam", "constant", 0.03, 5.2e-3 },
            { "lookahead-radam", "constant", 0.1, 6.3e-3 },
            { "ranger", "constant", 0.1, 8.2e-3 },
            { "sgd", "flat-cosine", 3, 7.4e-4 },
            { "nesterov", "flat-cosine", 0.3, 3.6e-4 },
            { "adam", "flat-cosine", 0.03, 9.2e-4 },
            { "lookahead-adam", "flat-cosine", 0.1, 6.7e-4 },
        };

    [Theory]
    [MemberData(nameof(Reached))]
    public void Training_reaches_the_known_distance_from_the_optimum(
        string optimizer,
        string schedule,
        double rate,
        double expected
    )
    {
        var data = Digits.Load();
        var gap = Enumerable
            .Range(1, TrainingPlan.ComparedSeeds)
            .Average(seed =>
                Trainer.Train(data, Run(optimizer, schedule, rate) with { Seed = seed }, _ => { }, default).Gap!.Value
            );

        // The end of a run at a constant rate depends on the last batches: means of three seeds spread by a third.
        Assert.InRange(gap, expected / 1.5, expected * 1.5);
    }

    [Theory]
    [InlineData("lookahead-adam", "Lookahead(Adam)")]
    [InlineData("Lookahead(Adam)", "Lookahead(Adam)")]
    [InlineData("lookahead-lookahead-sgd", "Lookahead(Lookahead(SGD))")]
    [InlineData("RANGER", "Ranger")]
    public void Optimizers_are_found_by_name(string name, string label) =>
        Assert.Equal(label, OptimizerCatalogue.Find(name)?.Label);

    [Fact]
    public void Every_schedule_starts_above_0_and_stays_within_the_full_rate() =>
        Assert.All(
            ScheduleCatalogue.All,
            choice =>
            {
                var schedule = choice.Create(100);
                Assert.True(schedule(0) > 0, choice.Name);
                Assert.All(Enumerable.Range(0, 101), t => Assert.InRange(schedule(t), 0, 1));
            }
        );

    private static TrainingRun Run(string optimizer, string schedule, double rate) =>
        new()
        {
            Optimizer = OptimizerCatalogue.Find(optimizer)!,
            Schedule = ScheduleCatalogue.Find(schedule)!,
            LearningRate = rate,
            Seed = 1,
            Epochs = 20,
            BatchSize = 50,
            Model = ModelKind.Softmax,
            HiddenUnits = 1,
            Backend = BackendChoice.Single(BackendChoice.Native),
        };

    private static Shell Train(TemporaryFolder folder, string arguments) =>
        Shell.Run(["train", .. arguments.Split(' '), "--output", folder.Path]);

    private sealed class SequenceComparer : IEqualityComparer<IReadOnlyList<LossPoint>>
    {
        public bool Equals(IReadOnlyList<LossPoint>? x, IReadOnlyList<LossPoint>? y) => x!.SequenceEqual(y!);

        public int GetHashCode(IReadOnlyList<LossPoint> obj) => obj.Count;
    }
}
