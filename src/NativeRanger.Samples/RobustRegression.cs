// A nonlinear regression: logistic growth, of which a tenth of the measurements are gross errors. It shows a loss that least
// squares cannot have (log cosh, which outliers hardly move), plain arrays without any vectors, and a progress callback.

using NativeRanger.Numerics;

namespace NativeRanger.Samples;

internal static class RobustRegression
{
    private const int Steps = 3000;

    /// <summary>The spread of the ordinary errors.</summary>
    private const double Spread = 0.1;

    /// <summary>Capacity, growth rate and midpoint of the curve that was measured.</summary>
    public static readonly double[] Truth = [10, 0.8, 5];

    /// <summary>The estimates, of least squares and of log cosh.</summary>
    public static (double[] Squares, double[] Robust) Run(TextWriter output, int measurements = 500)
    {
        var random = new Random(1);
        var t = Enumerable.Range(0, measurements).Select(i => 10.0 * i / measurements).ToArray();
        var y = t.Select(ti => Curve(Truth, ti) + Error(random)).ToArray();

        var squares = Fit("least squares", r => (r * r / 2, r));
        // log cosh r = |r| - log 2 + log(1 + exp(-2|r|)), which does not overflow.
        var robust = Fit("log cosh", r => (Math.Abs(r) + double.LogP1(Math.Exp(-2 * Math.Abs(r))), Math.Tanh(r)));
        return (squares, robust);

        double[] Fit(string name, Func<double, (double Value, double Slope)> loss)
        {
            var minimizer = new FirstOrderMinimizer(
                new Adam { LearningRate = 0.05 },
                gradientTolerance: 1e-8,
                maximumIterations: Steps
            )
            {
                Schedule = Schedules.FlatAnneal(Steps),
                Progress = (in p) =>
                {
                    if (p.Iterations % 500 == 0)
                    {
                        output.WriteLine($"{name}: step {p.Iterations}, loss {p.Value:0.000000}");
                    }

                    return true;
                },
            };
            var result = minimizer.FindMinimum(
                (parameters, gradient) =>
                {
                    var sum = 0.0;
                    for (var i = 0; i < t.Length; i++)
                    {
                        var (value, slope) = loss((Curve(parameters, t[i]) - y[i]) / Spread);
                        sum += value;
                        AddSlopes(parameters, t[i], slope / Spread / t.Length, gradient);
                    }

                    return sum / t.Length;
                },
                [5, 1, 3]
            );
            var found = result.ToArray();
            output.WriteLine(
                $"{name}: capacity {found[0]:0.000}, growth {found[1]:0.000}, midpoint {found[2]:0.000} "
                    + $"(true: {string.Join(", ", Truth)}) after {result.Iterations} steps, {result.StoppedBy}"
            );
            return found;
        }
    }

    private static double Error(Random random) =>
        random.Next(10) == 0 ? 10 * random.NextDouble() : Spread * (random.NextDouble() + random.NextDouble() - 1);

    private static double Curve(double[] p, double t) => p[0] / (1 + Math.Exp(-p[1] * (t - p[2])));

    /// <summary>gradient ← gradient + factor · the derivatives of the curve by its parameters.</summary>
    private static void AddSlopes(double[] p, double t, double factor, double[] gradient)
    {
        var part = Curve(p, t) / p[0];
        var slope = p[0] * part * (1 - part);
        gradient[0] += factor * part;
        gradient[1] += factor * slope * (t - p[2]);
        gradient[2] -= factor * slope * p[1];
    }
}
