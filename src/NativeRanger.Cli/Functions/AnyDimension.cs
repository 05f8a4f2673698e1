using static NativeRanger.Cli.Functions.Real;

namespace NativeRanger.Cli.Functions;

/// <summary>Functions that exist in any number of variables.</summary>
internal static class AnyDimension
{
    private static readonly double Slight = Math.Sqrt(1e-5);

    public static IReadOnlyList<Problem> All { get; } =
    [
        Problem.Squares(
            "extended-rosenbrock",
            "Extended Rosenbrock, n = 10",
            [.. Enumerable.Range(0, 10).Select(i => i % 2 == 0 ? -1.2 : 1)],
            0,
            x => [.. x.Chunk(2).SelectMany(p => new[] { 10 * (p[1] - Sq(p[0])), 1 - p[0] })]
        ) with
        {
            Minimizers = [Constant(10, 1)],
        },
        Problem.Squares(
            "extended-powell",
            "Extended Powell singular, n = 12",
            [.. Enumerable.Range(0, 3).SelectMany(_ => new double[] { 3, -1, 0, 1 })],
            0,
            x =>
                [
                    .. x.Chunk(4)
                        .SelectMany(p =>
                            new[]
                            {
                                p[0] + (10 * p[1]),
                                Math.Sqrt(5) * (p[2] - p[3]),
                                Sq(p[1] - (2 * p[2])),
                                Math.Sqrt(10) * Sq(p[0] - p[3]),
                            }
                        ),
                ]
        ) with
        {
            Minimizers = [Constant(12, 0)],
        },
        Problem.Squares(
            "penalty-1",
            "Penalty I, n = 10",
            [.. Enumerable.Range(1, 10).Select(j => (double)j)],
            7.08765146709037e-5,
            x => [.. x.Select(xi => Slight * (xi - 1)), Sum(x.Select(Sq)) - 0.25]
        ),
        Problem.Squares("penalty-2", "Penalty II, n = 10", Constant(10, 0.5), 2.93660537456423e-4, Penalty2),
        Problem.Squares(
            "variably-dimensioned",
            "Variably dimensioned, n = 10",
            [.. Enumerable.Range(1, 10).Select(j => 1 - (j / 10.0))],
            0,
            x =>
            {
                var sum = Sum(x.Select((xj, j) => (j + 1) * (xj - 1)));
                return [.. x.Select(xi => xi - 1), sum, Sq(sum)];
            }
        ) with
        {
            Minimizers = [Constant(10, 1)],
        },
        Problem.Squares(
            "trigonometric",
            "Trigonometric, n = 10",
            Constant(10, 0.1),
            0,
            x =>
            {
                var cosines = Sum(x.Select(Cos));
                return [.. x.Select((xi, i) => x.Length - cosines + ((i + 1) * (1 - Cos(xi))) - Sin(xi))];
            }
        ) with
        {
            Note = "There is a local minimum, 2.7951e-5.",
        },
        Problem.Squares(
            "brown-almost-linear",
            "Brown almost-linear, n = 10",
            Constant(10, 0.5),
            0,
            x =>
            {
                var sum = Sum(x) - (x.Length + 1);
                return [.. x[..^1].Select(xi => xi + sum), x.Aggregate((a, b) => a * b) - 1];
            }
        ) with
        {
            Minimizers = [Constant(10, 1)],
            Note = "There is a local minimum, 1.",
        },
        Problem.Squares("boundary-value", "Discrete boundary value, n = 10", BoundaryStart(10), 0, BoundaryValue),
        Problem.Squares("integral-equation", "Discrete integral equation, n = 10", BoundaryStart(10), 0, Integral),
        Problem.Squares(
            "broyden-tridiagonal",
            "Broyden tridiagonal, n = 10",
            Constant(10, -1),
            0,
            x => [.. x.Select((xi, i) => ((3 - (2 * xi)) * xi) - At(x, i - 1) - (2 * At(x, i + 1)) + 1)]
        ),
        Problem.Squares("broyden-banded", "Broyden banded, n = 10", Constant(10, -1), 0, BroydenBanded),
        Problem.Squares(
            "linear-full-rank",
            "Linear, full rank, n = 5, m = 10",
            Constant(5, 1),
            5,
            x =>
            {
                var mean = (Sum(x) * 2 / 10) + 1;
                return [.. x.Select(xi => xi - mean), .. Enumerable.Repeat(-mean, 10 - x.Length)];
            }
        ) with
        {
            Minimizers = [Constant(5, -1)],
        },
        Problem.Squares(
            "linear-rank-1",
            "Linear, rank 1, n = 5, m = 10",
            Constant(5, 1),
            15.0 / 7,
            x =>
            {
                var sum = Sum(x.Select((xj, j) => (j + 1) * xj));
                return [.. Enumerable.Range(1, 10).Select(i => (i * sum) - 1)];
            }
        ),
        Problem.Squares(
            "linear-rank-1-zeros",
            "Linear, rank 1, zero columns and rows, n = 5, m = 10",
            Constant(5, 1),
            62.0 / 17,
            x =>
            {
                var sum = Sum(x[1..^1].Select((xj, j) => (j + 2) * xj));
                return [-1, .. Enumerable.Range(1, 8).Select(i => (i * sum) - 1), -1];
            }
        ),
        Problem.Squares(
            "chebyquad",
            "Chebyquad, n = 8",
            [.. Enumerable.Range(1, 8).Select(j => j / 9.0)],
            3.51687372567895e-3,
            Chebyquad
        ),
    ];

    private static Real[] Penalty2(Real[] x)
    {
        var n = x.Length;
        double Y(int i) => Math.Exp(i / 10.0) + Math.Exp((i - 1) / 10.0);
        return
        [
            x[0] - 0.2,
            .. Enumerable.Range(2, n - 1).Select(i => Slight * (Exp(x[i - 1] / 10) + Exp(x[i - 2] / 10) - Y(i))),
            .. x[1..].Select(xi => Slight * (Exp(xi / 10) - Math.Exp(-0.1))),
            Sum(x.Select((xj, j) => (n - j) * Sq(xj))) - 1,
        ];
    }

    private static double[] BoundaryStart(int n) =>
        [.. Enumerable.Range(1, n).Select(j => (double)j / (n + 1)).Select(t => t * (t - 1))];

    private static Real[] BoundaryValue(Real[] x)
    {
        var h = 1.0 / (x.Length + 1);
        return
        [
            .. x.Select((xi, i) => (2 * xi) - At(x, i - 1) - At(x, i + 1) + (h * h / 2 * Cube(xi + ((i + 1) * h) + 1))),
        ];
    }

    private static Real[] Integral(Real[] x)
    {
        var h = 1.0 / (x.Length + 1);
        double T(int i) => (i + 1) * h;
        var cubes = x.Select((xj, j) => Cube(xj + T(j) + 1)).ToArray();
        return
        [
            .. x.Select(
                (xi, i) =>
                {
                    var before = Sum(cubes[..(i + 1)].Select((c, j) => T(j) * c));
                    var after = Sum(cubes[(i + 1)..].Select((c, j) => (1 - T(i + 1 + j)) * c));
                    return xi + (h / 2 * (((1 - T(i)) * before) + (T(i) * after)));
                }
            ),
        ];
    }

    private static Real[] BroydenBanded(Real[] x)
    {
        var terms = x.Select(xj => xj * (1 + xj)).ToArray();
        return
        [
            .. x.Select(
                (xi, i) =>
                {
                    var (first, last) = (Math.Max(0, i - 5), Math.Min(x.Length - 1, i + 1));
                    return (xi * (2 + (5 * Sq(xi)))) + 1 - (Sum(terms[first..(last + 1)]) - terms[i]);
                }
            ),
        ];
    }

    private static Real[] Chebyquad(Real[] x)
    {
        var n = x.Length;
        var previous = Enumerable.Repeat((Real)1, n).ToArray();
        var argument = x.Select(xj => (2 * xj) - 1).ToArray();
        var polynomial = argument;
        var residuals = new Real[n];
        for (var i = 1; i <= n; i++)
        {
            residuals[i - 1] = (Sum(polynomial) / n) + (i % 2 == 0 ? 1.0 / ((i * i) - 1) : 0);
            var next = polynomial.Select((p, j) => (2 * argument[j] * p) - previous[j]).ToArray();
            (previous, polynomial) = (polynomial, next);
        }

        return residuals;
    }

    private static Real Cube(Real x) => x * Sq(x);

    /// <summary>An element, or 0 beyond either end.</summary>
    private static Real At(Real[] x, int i) => i >= 0 && i < x.Length ? x[i] : 0;

    private static double[] Constant(int n, double value) => [.. Enumerable.Repeat(value, n)];
}
