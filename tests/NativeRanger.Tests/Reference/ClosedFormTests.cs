using System.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Reference;

/// <summary>What the papers' formulas give where they can be solved, on every backend.</summary>
public sealed class ClosedFormTests
{
    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void Fault_29_Ranger_on_a_parabola(string backend)
    {
        // f = x²/2 from 1. The values are printed to 16 digits; a step's scalars are the only rounded ones, and differ from the
        // exact ones by a few units of 1.1e-16.
        var expected = new Dictionary<int, double>
        {
            [1] = 0.999,
            [2] = 0.9980005128205128,
            [5] = 0.9950052116971447,
            [6] = 0.9974896988770281,
            [7] = 0.9974569680437095,
            [12] = 0.997351806641192,
        };
        double[] x = [1];
        using var stepper = new Ranger().Bind(x, Backends.Named(backend));
        for (var t = 1; t <= 12; t++)
        {
            stepper.Step([x[0]]);
            if (expected.TryGetValue(t, out var value))
            {
                Assert.Equal(value, x[0], 1e-15);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void The_rectification_of_RAdam(string backend)
    {
        // With a constant gradient the bias corrections cancel: the step is η·r, but for ε. The values have 12 decimals.
        var expected = new Dictionary<int, double>
        {
            [6] = 0.025821112802,
            [10] = 0.048998013447,
            [100] = 0.215335436538,
            [1000] = 0.645325652338,
        };
        double[] x = [0];
        using var stepper = new RAdam { LearningRate = 1, Epsilon = 1e-300 }.Bind(x, Backends.Named(backend));
        for (var t = 1; t <= 1000; t++)
        {
            x[0] = 0;
            stepper.Step([1]);
            if (expected.TryGetValue(t, out var r))
            {
                Assert.Equal(-r, x[0], 1e-12);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void The_first_rectified_step(string backend)
    {
        foreach (var beta2 in new[] { 0.9, 0.99, 0.999, 0.9999 })
        {
            Assert.Equal(6, FirstStepThatMoves<float>(beta2, 5, backend));
            Assert.Equal(6, FirstStepThatMoves<double>(beta2, 5, backend));
            Assert.Equal(5, FirstStepThatMoves<float>(beta2, 4, backend));
            Assert.Equal(5, FirstStepThatMoves<double>(beta2, 4, backend));
        }

        Assert.Null(FirstStepThatMoves<double>(2.0 / 3, 5, backend));
        Assert.Null(FirstStepThatMoves<double>(0.6, 4, backend));
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void The_first_step_of_Adam(string backend)
    {
        // |Δ| = η|g|/(|g|+ε): at t = 1 the bias corrections undo the averages, up to a few roundings (2.2e-16 each).
        const double Eta = 0.1;
        const double Epsilon = 0.01;
        double[] g = [1e-6, -0.01, 1, -1e6];
        var x = new double[g.Length];
        using var stepper = new Adam { LearningRate = Eta, Epsilon = Epsilon }.Bind(x, Backends.Named(backend));
        stepper.Step(g);
        for (var i = 0; i < g.Length; i++)
        {
            var expected = -Eta * g[i] / (Math.Abs(g[i]) + Epsilon);
            Assert.Equal(expected, x[i], 2e-15 * Math.Abs(expected));
        }
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void AdaGrad_with_a_constant_gradient(string backend)
    {
        // η·Σ t^(-1/2), t = 1 … 100. A hundred additions to a sum below 2 err by at most 1e2 · 2.2e-16.
        double[] x = [0];
        using var stepper = new AdaGrad { LearningRate = 0.1, Epsilon = 1e-300 }.Bind(x, Backends.Named(backend));
        for (var t = 0; t < 100; t++)
        {
            stepper.Step([3]);
        }

        Assert.Equal(-1.8589603824784153, x[0], 2.2e-14);
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void Momentum_with_a_constant_gradient(string backend)
    {
        // x_T = -η[T/(1-β) - β(1-β^T)/(1-β)²]. A hundred additions to a sum below 128 err by at most 1e2 · 1.4e-14.
        double[] x = [0];
        using var stepper = new Sgd { LearningRate = 0.1, Momentum = 0.9 }.Bind(x, Backends.Named(backend));
        for (var t = 0; t < 100; t++)
        {
            stepper.Step([1]);
        }

        Assert.Equal(-91.00023905259, x[0], 1e-11);
        Assert.Equal(-0.1 * ((100 / 0.1) - (0.9 * (1 - Math.Pow(0.9, 100)) / 0.01)), x[0], 1.4e-12);
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void Centralised_SGD_conserves_row_sums(string backend)
    {
        const int Rows = 3;
        const int Columns = 13;
        var random = new Random(1);
        var x = Enumerable.Range(0, Rows * Columns).Select(_ => (random.NextDouble() * 2) - 1).ToArray();
        var before = RowSums(x);
        using var stepper = new Sgd { LearningRate = 0.01, Centralization = Centralization.All }.Bind(
            x,
            Rows,
            Columns,
            Backends.Named(backend)
        );
        for (var t = 0; t < 1000; t++)
        {
            stepper.Step(Enumerable.Range(0, x.Length).Select(_ => (random.NextDouble() * 2) - 1).ToArray());
        }

        // Every element of a row errs by at most 1,000 roundings of a number below 2 (2.2e-16 each), of either sign.
        foreach (var (sum, start) in RowSums(x).Zip(before))
        {
            Assert.Equal(start, sum, Columns * 1000 * 2.2e-16);
            Assert.NotEqual(0, start);
        }

        static double[] RowSums(double[] values) => [.. values.Chunk(Columns).Select(row => row.Sum())];
    }

    private static int? FirstStepThatMoves<T>(double beta2, double threshold, string backend)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T[] x = [T.One];
        using var stepper = new RAdam
        {
            Beta2 = beta2,
            Threshold = threshold,
            Unrectified = UnrectifiedStep.Skip,
        }.Bind(x, Backends.Named(backend));
        for (var t = 1; t <= 100; t++)
        {
            stepper.Step([T.One]);
            if (x[0] != T.One)
            {
                return t;
            }
        }

        return null;
    }
}
