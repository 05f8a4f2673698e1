using System.Text.RegularExpressions;
using MathNet.Numerics.LinearAlgebra;
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
        var source = File.ReadAllText(Path.Combine(Root, "tests", "NativeRanger.Tests", "Cli", "ReadmeTests.cs"));

        var region = Region().Match(source).Groups["lines"].Value;
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
    public void Every_file_that_the_README_links_to_exists()
    {
        var readme = File.ReadAllText(Path.Combine(Root, "README.md"));
        var links = Link().Matches(readme).Select(match => match.Groups["target"].Value).ToArray();

        Assert.NotEmpty(links);
        Assert.All(links, link => Assert.True(Path.Exists(Path.Combine(Root, link)), link));
    }

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

    [GeneratedRegex(@"\]\((?<target>[^)#:]+)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();
}
