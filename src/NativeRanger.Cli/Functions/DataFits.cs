using static NativeRanger.Cli.Functions.Real;

namespace NativeRanger.Cli.Functions;

/// <summary>Functions whose residuals are the errors of a model at given data.</summary>
internal static class DataFits
{
    public static IReadOnlyList<Problem> All { get; } =
    [
        Problem.Squares(
            "jennrich-sampson",
            "Jennrich and Sampson",
            [0.3, 0.4],
            124.362182355615,
            x => Each(10, i => 2 + (2 * i) - (Exp(i * x[0]) + Exp(i * x[1])))
        ),
        Problem.Squares("bard", "Bard", [1, 1, 1], 8.21487730657897e-3, Bard),
        Problem.Squares("gaussian", "Gaussian", [0.4, 1, 0], 1.12793276961871e-8, Gaussian),
        Problem.Squares("meyer", "Meyer", [0.02, 4000, 250], 87.9458551709186, Meyer),
        Problem.Squares("gulf", "Gulf research and development", [5, 2.5, 0.15], 0, Gulf) with
        {
            Minimizers =
            [
                [50, 25, 1.5],
            ],
        },
        Problem.Squares("box", "Box three-dimensional", [0, 10, 20], 0, Box) with
        {
            Minimizers =
            [
                [1, 10, 1],
            ],
        },
        Problem.Squares(
            "kowalik-osborne",
            "Kowalik and Osborne",
            [0.25, 0.39, 0.415, 0.39],
            3.07505603849238e-4,
            KowalikOsborne
        ),
        Problem.Squares("brown-dennis", "Brown and Dennis", [25, 5, -5, -1], 85822.2016263563, BrownDennis),
        Problem.Squares("osborne-1", "Osborne 1", [0.5, 1.5, -1, 0.01, 0.02], 5.46489469748294e-5, Osborne1),
        Problem.Squares("biggs", "Biggs EXP6", [1, 2, 1, 1, 1, 1], 0, Biggs) with
        {
            Minimizers =
            [
                [1, 10, 1, 5, 4, 3],
            ],
            Note = "There is a local minimum, 5.6556e-3.",
        },
        Problem.Squares(
            "osborne-2",
            "Osborne 2",
            [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5],
            4.01377362935478e-2,
            Osborne2
        ),
        Problem.Squares("watson", "Watson, n = 6", new double[6], 2.28767005355235e-3, Watson),
    ];

    private static Real[] Bard(Real[] x)
    {
        double[] y = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39];
        return Each(15, u => y[u - 1] - (x[0] + (u / (((16 - u) * x[1]) + (Math.Min(u, 16 - u) * x[2])))));
    }

    private static Real[] Gaussian(Real[] x)
    {
        double[] half = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989];
        return Each(15, i => (x[0] * Exp(-x[1] * Sq(((8 - i) / 2.0) - x[2]) / 2)) - half[Math.Min(i, 16 - i) - 1]);
    }

    private static Real[] Meyer(Real[] x)
    {
        double[] y =
        [
            34780,
            28610,
            23650,
            19630,
            16370,
            13720,
            11540,
            9744,
            8261,
            7030,
            6005,
            5147,
            4427,
            3820,
            3307,
            2872,
        ];
        return Each(16, i => (x[0] * Exp(x[1] / (45 + (5 * i) + x[2]))) - y[i - 1]);
    }

    private static Real[] Gulf(Real[] x) =>
        Each(
            99,
            i =>
            {
                var t = i / 100.0;
                var y = 25 + Math.Cbrt(Math.Pow(-50 * Math.Log(t), 2));
                return Exp(-Pow(Abs(y - x[1]), x[2]) / x[0]) - t;
            }
        );

    private static Real[] Box(Real[] x) =>
        Each(
            10,
            i =>
            {
                var t = i / 10.0;
                return Exp(-t * x[0]) - Exp(-t * x[1]) - (x[2] * (Math.Exp(-t) - Math.Exp(-10 * t)));
            }
        );

    private static Real[] KowalikOsborne(Real[] x)
    {
        double[] y = [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246];
        double[] u = [4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625];
        return [.. y.Zip(u, (yi, ui) => yi - (x[0] * ((ui * ui) + (ui * x[1])) / ((ui * ui) + (ui * x[2]) + x[3])))];
    }

    private static Real[] BrownDennis(Real[] x) =>
        Each(
            20,
            i =>
            {
                var t = i / 5.0;
                return Sq(x[0] + (t * x[1]) - Math.Exp(t)) + Sq(x[2] + (x[3] * Math.Sin(t)) - Math.Cos(t));
            }
        );

    private static Real[] Osborne1(Real[] x)
    {
        double[] y =
        [
            .. new[] { 0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751 },
            .. new[] { 0.718, 0.685, 0.658, 0.628, 0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490 },
            .. new[] { 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420, 0.414, 0.411, 0.406 },
        ];
        return Each(
            33,
            i =>
            {
                var t = 10.0 * (i - 1);
                return y[i - 1] - (x[0] + (x[1] * Exp(-t * x[3])) + (x[2] * Exp(-t * x[4])));
            }
        );
    }

    private static Real[] Biggs(Real[] x) =>
        Each(
            13,
            i =>
            {
                var t = i / 10.0;
                var y = Math.Exp(-t) - (5 * Math.Exp(-10 * t)) + (3 * Math.Exp(-4 * t));
                return (x[2] * Exp(-t * x[0])) - (x[3] * Exp(-t * x[1])) + (x[5] * Exp(-t * x[4])) - y;
            }
        );

    private static Real[] Osborne2(Real[] x)
    {
        double[] y =
        [
            .. new[] { 1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608 },
            .. new[] { 0.655, 0.616, 0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661 },
            .. new[] { 0.612, 0.558, 0.533, 0.495, 0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428 },
            .. new[] { 0.429, 0.523, 0.562, 0.607, 0.653, 0.672, 0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559 },
            .. new[] { 0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098, 0.054 },
        ];
        return Each(
            65,
            i =>
            {
                var t = (i - 1) / 10.0;
                return y[i - 1]
                    - (
                        (x[0] * Exp(-t * x[4]))
                        + (x[1] * Exp(-Sq(t - x[8]) * x[5]))
                        + (x[2] * Exp(-Sq(t - x[9]) * x[6]))
                        + (x[3] * Exp(-Sq(t - x[10]) * x[7]))
                    );
            }
        );
    }

    private static Real[] Watson(Real[] x) =>
        [
            .. Each(
                29,
                i =>
                {
                    var t = i / 29.0;
                    // The derivative of the polynomial with coefficients x, and its value, by Horner's rule.
                    Real slope = 0;
                    Real value = 0;
                    for (var j = x.Length - 1; j >= 0; j--)
                    {
                        slope = (slope * t) + value;
                        value = (value * t) + x[j];
                    }

                    return slope - Sq(value) - 1;
                }
            ),
            x[0],
            x[1] - Sq(x[0]) - 1,
        ];

    /// <summary>The residuals 1 to m.</summary>
    private static Real[] Each(int m, Func<int, Real> residual) => [.. Enumerable.Range(1, m).Select(residual)];
}
