using NativeRanger.Cli.Functions;

namespace NativeRanger.Tests.Functions;

/// <summary>The functions are those of the literature: known minima, and gradients that fit the values.</summary>
public sealed class ProblemTests
{
    public static TheoryData<string> Names { get; } = [.. ProblemCatalogue.Functions.Select(problem => problem.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_are_those_of_finite_differences(string name)
    {
        var problem = ProblemCatalogue.Find(name)!;
        var objective = problem.CreateObjective();
        var random = new Random(1);
        for (var trial = 0; trial < 5; trial++)
        {
            // The start itself is where two functions are not smooth in one direction or symmetric.
            var x = problem.Start.Select(xi => xi + (0.01 * random.NextDouble() * Math.Max(Math.Abs(xi), 1))).ToArray();
            var gradient = new double[x.Length];
            var value = objective(x, gradient);
            for (var i = 0; i < x.Length; i++)
            {
                // Richardson's extrapolation of two central differences: truncation h⁴ = 1e-12 relative to the scale of x, on
                // which these functions vary up to 30 times faster (1e-6); rounding ε·f/h, 2e-11·f where x is 0.01.
                var h = 1e-3 * Math.Abs(x[i]);
                var difference = ((4 * Central(h / 2)) - Central(h)) / 3;
                var scale = Math.Max(Math.Abs(value), gradient.Max(Math.Abs));
                Assert.True(
                    Math.Abs(difference - gradient[i]) <= 1e-6 * Math.Max(scale, 1e-6),
                    $"{name}, derivative {i}: {gradient[i]:R}, by differences {difference:R}"
                );

                double Central(double step)
                {
                    var center = x[i];
                    var (above, below) = (At(center + step), At(center - step));
                    x[i] = center;
                    return (above - below) / (2 * step);
                }

                double At(double xi)
                {
                    x[i] = xi;
                    return objective(x, new double[x.Length]);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_minimum_is_taken_where_it_is_said_to_be(string name)
    {
        var problem = ProblemCatalogue.Find(name)!;
        foreach (var minimizer in problem.Minimizers)
        {
            var gradient = new double[problem.Dimension];
            var value = problem.CreateObjective()(minimizer, gradient);
            // Residuals of rounding only: 1e-10 squared, of numbers up to 1e6 (Brown's).
            Assert.True(value - problem.Minimum < 1e-19 * Math.Max(1, problem.Minimum), $"{value:R}");
        }
    }

    [Theory]
    [InlineData("freudenstein-roth", 400.5)]
    [InlineData("powell-singular", 215)]
    [InlineData("wood", 19192)]
    [InlineData("helical-valley", 2500)]
    [InlineData("brown-dennis", 7926693.336997432)]
    [InlineData("kowalik-osborne", 0.005313172272109427)]
    [InlineData("osborne-1", 0.8790262932949892)]
    [InlineData("watson", 30)]
    [InlineData("broyden-tridiagonal", 21)]
    public void Values_at_the_standard_start_are_those_of_the_literature(string name, double value)
    {
        var problem = ProblemCatalogue.Find(name)!;
        var start = problem.CreateObjective()(problem.Start, new double[problem.Dimension]);
        // As many digits as are published.
        Assert.Equal(value, start, 1e-9 * value);
    }
}
