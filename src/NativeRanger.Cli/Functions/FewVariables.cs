using static NativeRanger.Cli.Functions.Real;

namespace NativeRanger.Cli.Functions;

/// <summary>Functions of two to four variables that are given by a formula alone.</summary>
internal static class FewVariables
{
    public static Problem Rosenbrock { get; } =
        Problem.Squares("rosenbrock", "Rosenbrock", [-1.2, 1], 0, x => [10 * (x[1] - Sq(x[0])), 1 - x[0]]) with
        {
            Minimizers =
            [
                [1, 1],
            ],
        };

    public static Problem Beale { get; } =
        Problem.Squares(
            "beale",
            "Beale",
            [1, 1],
            0,
            x => [1.5 - (x[0] * (1 - x[1])), 2.25 - (x[0] * (1 - Sq(x[1]))), 2.625 - (x[0] * (1 - (Sq(x[1]) * x[1])))]
        ) with
        {
            Minimizers =
            [
                [3, 0.5],
            ],
        };

    public static Problem Himmelblau { get; } =
        Problem.Squares("himmelblau", "Himmelblau", [-1, -1], 0, x => [Sq(x[0]) + x[1] - 11, x[0] + Sq(x[1]) - 7]) with
        {
            // The first is exact, the others are rounded to double.
            Minimizers =
            [
                [3, 2],
                [-2.805118086952745, 3.131312518250573],
                [-3.779310253377747, -3.283185991286170],
                [3.584428340330492, -1.848126526964404],
            ],
        };

    public static Problem Booth { get; } =
        Problem.Squares("booth", "Booth", [-5, 5], 0, x => [x[0] + (2 * x[1]) - 7, (2 * x[0]) + x[1] - 5]) with
        {
            Minimizers =
            [
                [1, 3],
            ],
        };

    public static Problem FreudensteinRoth { get; } =
        Problem.Squares(
            "freudenstein-roth",
            "Freudenstein and Roth",
            [0.5, -2],
            0,
            x => [-13 + x[0] + ((((5 - x[1]) * x[1]) - 2) * x[1]), -29 + x[0] + ((((x[1] + 1) * x[1]) - 14) * x[1])]
        ) with
        {
            Minimizers =
            [
                [5, 4],
            ],
            Note = "The start lies in the basin of a local minimum, 48.9843.",
        };

    public static Problem PowellBadlyScaled { get; } =
        Problem.Squares(
            "powell-badly-scaled",
            "Powell badly scaled",
            [0, 1],
            0,
            x => [(1e4 * x[0] * x[1]) - 1, Exp(-x[0]) + Exp(-x[1]) - 1.0001]
        );

    public static Problem BrownBadlyScaled { get; } =
        Problem.Squares(
            "brown-badly-scaled",
            "Brown badly scaled",
            [1, 1],
            0,
            x => [x[0] - 1e6, x[1] - 2e-6, (x[0] * x[1]) - 2]
        ) with
        {
            Minimizers =
            [
                [1e6, 2e-6],
            ],
            Note = "The curvatures differ by a factor of 10¹².",
        };

    public static Problem HelicalValley { get; } =
        Problem.Squares(
            "helical-valley",
            "Helical valley",
            [-1, 0, 0],
            0,
            x => [10 * (x[2] - (10 * Turns(x[0], x[1]))), 10 * (Sqrt(Sq(x[0]) + Sq(x[1])) - 1), x[2]]
        ) with
        {
            Minimizers =
            [
                [1, 0, 0],
            ],
        };

    public static Problem PowellSingular { get; } =
        Problem.Squares(
            "powell-singular",
            "Powell singular",
            [3, -1, 0, 1],
            0,
            x =>
                [
                    x[0] + (10 * x[1]),
                    Math.Sqrt(5) * (x[2] - x[3]),
                    Sq(x[1] - (2 * x[2])),
                    Math.Sqrt(10) * Sq(x[0] - x[3]),
                ]
        ) with
        {
            Minimizers =
            [
                [0, 0, 0, 0],
            ],
        };

    public static Problem Wood { get; } =
        Problem.Squares(
            "wood",
            "Wood",
            [-3, -1, -3, -1],
            0,
            x =>
                [
                    10 * (x[1] - Sq(x[0])),
                    1 - x[0],
                    Math.Sqrt(90) * (x[3] - Sq(x[2])),
                    1 - x[2],
                    Math.Sqrt(10) * (x[1] + x[3] - 2),
                    (x[1] - x[3]) / Math.Sqrt(10),
                ]
        ) with
        {
            Minimizers =
            [
                [1, 1, 1, 1],
            ],
        };

    public static IReadOnlyList<Problem> All { get; } =
    [
        Rosenbrock,
        Beale,
        Himmelblau,
        Booth,
        FreudensteinRoth,
        PowellBadlyScaled,
        BrownBadlyScaled,
        HelicalValley,
        PowellSingular,
        Wood,
    ];

    /// <summary>The angle of a point in turns, from -1/4 to 3/4: continuous across the negative half of the first axis.</summary>
    private static Real Turns(Real x, Real y) => (Atan(y / x) / (2 * Math.PI)) + (x.Value < 0 ? 0.5 : 0);
}
