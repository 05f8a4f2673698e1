using NativeRanger.Samples;
using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Cli;

/// <summary>The samples, scaled down, find what they look for, and say in their first lines what they show.</summary>
public sealed class SampleTests
{
    [Fact]
    public void The_likelihood_has_the_same_maximum_for_both_minimizers()
    {
        var (bfgs, adam) = MaximumLikelihood.Run(TextWriter.Null, observations: 2000);

        // Both met a relative gradient of 1e-8; the curvatures are between 0.1 and 10.
        Assert.Equal(bfgs.Shape, adam.Shape, 1e-6);
        Assert.Equal(bfgs.Rate, adam.Rate, 1e-6);
        // The standard error of the shape is about shape·√(2/n) = 0.08.
        Assert.InRange(adam.Shape, MaximumLikelihood.Shape - 0.25, MaximumLikelihood.Shape + 0.25);
    }

    [Fact]
    public void The_robust_regression_is_nearer_to_the_truth_than_least_squares()
    {
        var (squares, robust) = RobustRegression.Run(TextWriter.Null, measurements: 200);

        Assert.True(Distance(robust) < 0.15, $"{Distance(robust)}");
        Assert.True(Distance(squares) > 2 * Distance(robust), $"{Distance(squares)}");

        static double Distance(double[] found) => found.Zip(RobustRegression.Truth, (a, b) => Math.Abs(a - b)).Max();
    }

    [Fact]
    public void The_network_learns_a_sine()
    {
        var (before, after) = FlatNetwork.Run(TextWriter.Null, steps: 500);

        // The mean square of a sine is a half.
        Assert.True(before > 0.3, $"{before}");
        Assert.True(after < 0.01, $"{after}");
    }

    [Fact]
    public void The_factorisation_explains_the_ratings()
    {
        var (before, after) = Factorisation.Run(TextWriter.Null, users: 400, items: 100, ratings: 8000, steps: 60);

        Assert.True(after < before / 10, $"{before}, {after}");
    }

    [Fact]
    public void Each_says_in_its_first_lines_what_it_shows()
    {
        var folder = Path.Combine(Headers.Root, "src", "NativeRanger.Samples");
        var samples = Directory
            .GetFiles(folder, "*.cs")
            .Where(file => !file.EndsWith("Program.cs", StringComparison.Ordinal));
        Assert.All(
            samples,
            file =>
            {
                var comment = string.Join(
                    ' ',
                    File.ReadLines(file).TakeWhile(l => l.StartsWith("//", StringComparison.Ordinal))
                );
                Assert.Contains(" shows ", comment, StringComparison.Ordinal);
            }
        );
    }
}
