using System.Globalization;
using System.Text.RegularExpressions;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;
using NativeRanger.Numerics;
using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Cli;

/// <summary>The README's example compiles and does what it says; the files that the README names exist.</summary>
public sealed partial class ReadmeTests
{
    private static readonly string Root = Headers.Root;

    [Fact]
    public void The_example_of_the_README_is_the_region_below()
    {
        var readme = File.ReadAllText(Path.Combine(Root, "README.md"));
        var region = Region().Match(Source()).Groups["lines"].Value;
        var example = Block().Match(readme).Groups["lines"].Value;

        Assert.NotEmpty(region);
        Assert.Equal(Unindented(region), Unindented(example));
    }

    [Fact]
    public void The_example_approaches_the_minimum()
    {
        var random = new Random(1);
        var target = Matrix<double>.Build.Dense(10, 64, (_, _) => random.NextDouble() - 0.5);

        // Of half the squared distance to the target, and of the bias to 1.
        (Matrix<double>, Vector<double>) Gradients(Matrix<double> w, Vector<double> b) => (w - target, b - 1);

        #region README
        var weights = Matrix<double>.Build.Dense(10, 64); // a row per output
        var bias = Vector<double>.Build.Dense(10);
        var ranger = new Ranger { LearningRate = 0.1 };
        using var model = ranger.Bind([Parameter.Of("weights", weights), Parameter.Of("bias", bias)]);
        model.Schedule = Schedules.FlatAnneal(steps: 600);
        for (var step = 0; step < 600; step++)
        {
            var (dW, db) = Gradients(weights, bias); // any MathNet code
            model.Step([dW, db]); // weights and bias change in place
        }
        #endregion

        // The bias is not centralised: the rate ends at 0, so nothing is left of the start. Centralised rows cannot put right
        // what their updates add to the row's mean, so the weights only come near.
        Assert.True((bias - 1).L2Norm() < 1e-3, $"{bias}");
        Assert.True((weights - target).FrobeniusNorm() < 0.1 * target.FrobeniusNorm(), $"{weights - target}");
    }

    [Fact]
    public void A_MathNet_program_changes_one_line()
    {
        var objective = ObjectiveFunction.Gradient(x => ((x - 1).DotProduct(x - 1) / 2, x - 1));
        var start = Vector<double>.Build.Dense(3);
        Assert.Equal(Vector<double>.Build.Dense(3, 1), Before(), Near);
        Assert.Equal(Vector<double>.Build.Dense(3, 1), After(), Near);

        var block = Diff().Match(File.ReadAllText(Path.Combine(Root, "README.md"))).Groups["lines"].Value.Split('\n');
        Assert.Equal(Lines(Source(), nameof(Before)), Side('-'));
        Assert.Equal(Lines(Source(), nameof(After)), Side('+'));

        // The relative gradient is below 1e-8, and the curvature is 1.
        static bool Near(Vector<double> a, Vector<double> b) => (a - b).L2Norm() < 1e-7;

        string Side(char sign) =>
            string.Join('\n', block.Where(line => line[0] == sign || line[0] == ' ').Select(line => line[1..]));

        static string Lines(string source, string region) =>
            Unindented(
                Regex
                    .Match(
                        source,
                        $@"#region {region}\n(?<lines>.*?)\n\s*#endregion",
                        RegexOptions.Singleline | RegexOptions.ExplicitCapture,
                        TimeSpan.FromSeconds(1)
                    )
                    .Groups["lines"]
                    .Value
            );

        Vector<double> Before()
        {
            #region Before
            var minimizer = new BfgsMinimizer(1e-8, 1e-8, 1e-8);
            var result = minimizer.FindMinimum(objective, start);
            #endregion
            return result.MinimizingPoint;
        }

        Vector<double> After()
        {
            #region After
            var minimizer = new FirstOrderMinimizer(new Adam { LearningRate = 0.05 }, gradientTolerance: 1e-8);
            var result = minimizer.FindMinimum(objective, start);
            #endregion
            return result.MinimizingPoint;
        }
    }

    [Fact]
    public void The_defaults_of_the_table_of_algorithms_are_those_of_the_recipes()
    {
        Optimizer[] recipes =
        [
            new Sgd(),
            new AdaGrad(),
            new Adam(),
            new AdamW(),
            new RAdam(),
            new Lookahead(new Sgd()),
            new Ranger(),
            new SeedRanger(),
        ];
        var rows = File.ReadAllLines(Path.Combine(Root, "docs", "ALGORITHMS.md"))
            .Select(line => line.Split('|'))
            .Where(cells => cells.Length == 6)
            .ToDictionary(cells => cells[1].Trim(), cells => cells[3], StringComparer.Ordinal);
        foreach (var recipe in recipes)
        {
            var defaults = Default().Matches(rows[$"`{recipe.GetType().Name}`"]);
            Assert.NotEmpty(defaults);
            foreach (var match in defaults.Cast<Match>())
            {
                var value = recipe.GetType().GetProperty(match.Groups["name"].Value)!.GetValue(recipe);
                var text = match.Groups["value"].Value;
                Assert.Equal(
                    value is double or int ? double.Parse(text, CultureInfo.InvariantCulture) : text,
                    value is int number ? (double)number
                        : value is double ? value
                        : value!.ToString()
                );
            }
        }
    }

    public static TheoryData<string> Pages { get; } =
    [
        "README.md",
        "CONTRIBUTING.md",
        .. Directory
            .GetFiles(Path.Combine(Headers.Root, "docs"), "*.md")
            .Select(page => Path.GetRelativePath(Headers.Root, page)),
    ];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_file_that_a_page_links_to_exists(string page)
    {
        var text = File.ReadAllText(Path.Combine(Root, page));
        var folder = Path.GetDirectoryName(Path.Combine(Root, page))!;
        var links = Link().Matches(text).Select(match => match.Groups["target"].Value);

        Assert.All(links, link => Assert.True(Path.Exists(Path.Combine(folder, link)), link));
    }

    private static string Source() =>
        File.ReadAllText(Path.Combine(Root, "tests", "NativeRanger.Tests", "Cli", "ReadmeTests.cs"));

    private static string Unindented(string block)
    {
        var lines = block.Split('\n').Where(line => line.Trim().Length > 0).ToArray();
        var indent = lines.Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n', lines.Select(line => line[indent..].TrimEnd()));
    }

    [GeneratedRegex(
        @"#region README\n(?<lines>.*?)\n\s*#endregion",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Region();

    [GeneratedRegex(@"```csharp\n(?<lines>.*?)\n```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Block();

    [GeneratedRegex(@"```diff\n(?<lines>.*?)\n```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Diff();

    [GeneratedRegex(@"`(?<name>\w+)` (?<value>[\w.-]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Default();

    [GeneratedRegex(@"\]\((?<target>[^)#:]+)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();
}
