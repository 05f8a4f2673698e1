using System.Globalization;
using MathNet.Numerics.Optimization;
using NativeRanger.Cli.Functions;
using NativeRanger.Cli.Minimizing;
using NativeRanger.Cli.Training;
using NativeRanger.Numerics;
using NativeRanger.Tests.Cli;
using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Functions;

/// <summary>What the committed page of results says is what runs give.</summary>
public sealed class StudyTests
{
    private static readonly Lazy<List<Row>> page = new(() =>
        Row.Read(File.ReadAllLines(Path.Combine(Headers.Root, "docs", "FUNCTIONS.md")))
    );

    /// <summary>What first-order steps must reach.</summary>
    public static TheoryData<string, string> Reachable()
    {
        var data = new TheoryData<string, string>();
        foreach (
            var function in new[]
            {
                "rosenbrock",
                "beale",
                "himmelblau",
                "booth",
                "powell-singular",
                "wood",
                "helical-valley",
            }
        )
        {
            foreach (var optimizer in new[] { "adam", "radam", "ranger" })
            {
                data.Add(function, optimizer);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Reachable))]
    public void A_minimum_is_reached_to_a_millionth_at_the_rate_of_the_page(string function, string optimizer)
    {
        var problem = ProblemCatalogue.Find(function)!;
        var choice = OptimizerCatalogue.Find(optimizer)!;
        var row = page.Value.Single(r => r.Is(function, choice.Label));
        Assert.True(row.Gap < 1e-6, $"The page has {row.Gap}.");

        var result = MinimizationStudy.Run(problem, choice, row.Rate!.Value, problem.Settings, default);

        Assert.True(result.Gap < 1e-6, $"{result}");
        Assert.Equal(row.EndedBy, result.EndedBy);
        if (function is not "helical-valley")
        {
            // The arctangent may be rounded differently elsewhere; the others are arithmetic, the same everywhere.
            Assert.Equal(row.Steps, result.Iterations);
        }
    }

    [Fact]
    public void The_page_has_every_function_and_every_recipe_with_a_true_reason()
    {
        Assert.Equal(
            ProblemCatalogue.All.Select(p => p.Name),
            page.Value.Select(r => r.Problem).Distinct(StringComparer.Ordinal),
            StringComparer.Ordinal
        );
        foreach (var rows in page.Value.GroupBy(r => r.Problem, StringComparer.Ordinal))
        {
            Assert.Equal(
                [.. MinimizationStudy.References, .. OptimizerCatalogue.OnVectors.Select(o => o.Label)],
                rows.Select(r => r.Minimizer),
                StringComparer.Ordinal
            );
        }

        var reasons = Enum.GetNames<StopReason>()
            .Concat(Enum.GetNames<ExitCondition>())
            .ToHashSet(StringComparer.Ordinal);
        Assert.All(
            page.Value,
            r => Assert.True(reasons.Contains(r.EndedBy) || r.EndedBy.StartsWith("throws ", StringComparison.Ordinal))
        );
    }

    [Fact]
    public void No_value_of_the_page_is_below_the_minimum_but_for_rounding()
    {
        // f* is known to 13 digits.
        Assert.All(
            page.Value.Where(r => !double.IsNaN(r.Gap)),
            r => Assert.True(r.Gap > -1e-12 * Math.Max(1, ProblemCatalogue.Find(r.Problem)!.Minimum), $"{r}")
        );
    }

    [Fact]
    public void All_optimizers_that_converge_at_all_fit_the_digits_to_a_hundred_millionth()
    {
        var rows = page.Value.Where(r => r.Problem is "digits").ToArray();
        // AdamW's decay is a part of what it minimises; AdaGrad's steps vanish; Lookahead(SGD), at half of SGD's, is too slow.
        Assert.All(
            rows.Where(r => r.Minimizer is not ("AdamW" or "AdaGrad" or "Lookahead(AdaGrad)" or "Lookahead(SGD)")),
            r => Assert.True(r.Gap < 1e-8, $"{r}")
        );

        var problem = ProblemCatalogue.Find("digits")!;
        var row = rows.Single(r => r.Minimizer is "Nesterov");
        var result = MinimizationStudy.Run(
            problem,
            OptimizerCatalogue.Find("nesterov")!,
            row.Rate!.Value,
            problem.Settings,
            default
        );
        Assert.True(result.Gap is < 1e-8 and > -1e-12, $"{result}");
    }

    [Fact]
    public void The_command_writes_the_page()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("page.md");
        var shell = Shell.Run([
            "minimize",
            "--function",
            "booth,beale",
            "--optimizer",
            "sgd",
            "adam",
            "--steps",
            "300",
            "--page",
            file,
        ]);
        Assert.Equal("", shell.Error);
        Assert.Equal(0, shell.ExitCode);
        Assert.Contains("booth", shell.Output, StringComparison.Ordinal);

        var rows = Row.Read(File.ReadAllLines(file));
        Assert.Equal(8, rows.Count);
        var booth = rows.Single(r => r is { Problem: "booth", Minimizer: "SGD" });
        Assert.Equal("RelativeGradient", booth.EndedBy);
        // At rate 0.1 the errors along the two axes of the ellipse are multiplied by -0.8 and 0.8.
        Assert.Equal(0.1, booth.Rate);
        Assert.All(
            rows.Where(r => r.Minimizer.StartsWith("MathNet", StringComparison.Ordinal)),
            r => Assert.Null(r.Rate)
        );
        Assert.All(rows.Where(r => r.Rate is not null), r => Assert.True(r.Steps <= 300));
    }

    [Fact]
    public void A_run_that_overflows_says_so_and_keeps_the_best_point()
    {
        var result = MinimizationStudy.Run(
            ProblemCatalogue.Find("wood")!,
            OptimizerCatalogue.Find("sgd")!,
            rate: 1,
            StudySettings.Default,
            default
        );
        Assert.Equal("NonFinite", result.EndedBy);
        Assert.Equal(19192, result.Value, 1e-9);
    }

    /// <summary>A row of a page.</summary>
    private sealed record Row(string Problem, string Minimizer, double? Rate, double Gap, int Steps, string EndedBy)
    {
        public bool Is(string problem, string minimizer) =>
            string.Equals(Problem, problem, StringComparison.Ordinal)
            && string.Equals(Minimizer, minimizer, StringComparison.Ordinal);

        public static List<Row> Read(string[] lines)
        {
            var rows = new List<Row>();
            var problem = "";
            foreach (var line in lines)
            {
                if (line.StartsWith('`') && line.Contains("`, start", StringComparison.Ordinal))
                {
                    problem = line.Split('`')[1];
                }

                var cells = line.Split('|').Select(cell => cell.Trim()).ToArray();
                if (problem.Length > 0 && cells.Length > 6 && cells[1] is not ("minimizer" or "---"))
                {
                    rows.Add(
                        new(
                            problem,
                            cells[1],
                            cells[2].Length == 0 ? null : Number(cells[2]),
                            cells[3] is "–" ? double.NaN : Number(cells[3]),
                            (int)Number(cells[5]),
                            cells[^2]
                        )
                    );
                }
            }

            return rows;
        }

        private static double Number(string text) => double.Parse(text, NumberStyles.Any, CultureInfo.InvariantCulture);
    }
}
