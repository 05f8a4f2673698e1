using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Reference;

/// <summary>What theory says about Lookahead around SGD on quadratics, on every backend.</summary>
public sealed class LookaheadTheoryTests
{
    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void The_mean_contracts_per_sync(string backend)
    {
        // (1-α+α(1-γa)^k)^10 from 1: 60 steps on a number below 1, of three roundings each (1.1e-16).
        double[] x = [1];
        var recipe = new Lookahead(new Sgd { LearningRate = 0.2 }) { Period = 6, Blend = 0.5 };
        using var stepper = recipe.Bind(x, Backends.Named(backend));
        for (var t = 0; t < 60; t++)
        {
            stepper.Step([0.3 * x[0]]);
        }

        Assert.Equal(0.185452392842290, x[0], 2e-14);
    }

    [Theory]
    [MemberData(nameof(Backends.Two), MemberType = typeof(Backends))]
    public void The_steady_variance_is_smaller_than_that_of_SGD(string backend)
    {
        Simulate(1, 0.1, 1, 0.5, 5, sgd: 0.0526315789473684, lookahead: 0.0233143665627811);
        Simulate(1.9, 1, 1, 0.5, 6, sgd: 19, lookahead: 8.23952007126835);
        Simulate(0.01, 1, 2, 0.8, 20, sgd: 0.0100502512562814, lookahead: 0.00788229293723438);

        void Simulate(double a, double rate, double noise, double alpha, int k, double sgd, double lookahead)
        {
            // Independent coordinates of f = a/2·(x-c)², c normal with variance σ² at every step. After 60 syncs the start is
            // forgotten (it contracts by 0.86 or less per sync, its square by 1e-7 in all).
            const int Coordinates = 10_000;
            const int Syncs = 60;
            var x = new double[Coordinates];
            var gradient = new double[Coordinates];
            var random = new Random(1);
            var recipe = new Lookahead(new Sgd { LearningRate = rate }) { Period = k, Blend = alpha };
            using var stepper = recipe.Bind(x, Backends.Named(backend));
            for (var t = 0; t < Syncs * k; t++)
            {
                for (var i = 0; i < x.Length; i++)
                {
                    gradient[i] = a * (x[i] - (Math.Sqrt(noise) * Normal(random)));
                }

                stepper.Step(gradient);
            }

            // The estimate of the variance of a normal from n samples has the relative standard error √(2/n) = 1.4 %; five of
            // them are exceeded by less than one run in a million, and the run is the same every time.
            var variance = x.Sum(v => v * v) / Coordinates;
            Assert.Equal(lookahead, variance, lookahead * 5 * Math.Sqrt(2.0 / Coordinates));
            Assert.True(variance < sgd * 0.9);
        }
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void The_optimal_blend_on_a_quadratic(string backend)
    {
        // A = diag(1, 0.1), φ = (1, 1), five steps of rate 0.5 for each curvature: θ_k = (0.5⁵, 0.95⁵).
        double[] a = [1, 0.1];
        double[] fast = [1, 1];
        using (var stepper = new Sgd { LearningRate = 0.5 }.Bind(fast, Backends.Named(backend)))
        {
            for (var t = 0; t < 5; t++)
            {
                stepper.Step([a[0] * fast[0], a[1] * fast[1]]);
            }
        }

        var along = a.Zip(fast, (curvature, theta) => curvature * (1 - theta)).Sum();
        var length = a.Zip(fast, (curvature, theta) => curvature * (1 - theta) * (1 - theta)).Sum();
        // Five roundings of numbers below 1, and a quotient near 1.
        Assert.Equal(1.0506338889779716, along / length, 2e-15);

        // The optimum is beyond 1, so that the loss after the sync falls with every larger blend up to 1.
        var losses = new[] { 0, 0.25, 0.5, 0.75, 1 }.Select(Loss).ToArray();
        Assert.Equal(losses.OrderDescending(), losses);

        double Loss(double blend)
        {
            double[] x = [1, 1];
            var recipe = new Lookahead(new Sgd { LearningRate = 0.5 }) { Period = 5, Blend = blend };
            using var stepper = recipe.Bind(x, Backends.Named(backend));
            for (var t = 0; t < 5; t++)
            {
                stepper.Step([a[0] * x[0], a[1] * x[1]]);
            }

            return a.Zip(x, (curvature, theta) => curvature * theta * theta / 2).Sum();
        }
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void One_sync_with_momentum_is_a_matrix(string backend)
    {
        // z = (x, v), v = -η·b; M = [[1-ηa, β], [-ηa, β]]. The three policies differ in what a sync makes of z and M^k z.
        const double Rate = 0.2;
        const double Curvature = 0.7;
        const double Beta = 0.9;
        const double Alpha = 0.6;
        const int Period = 4;
        foreach (var policy in Enum.GetValues<InnerState>())
        {
            double[] x = [1];
            var recipe = new Lookahead(new Sgd { LearningRate = Rate, Momentum = Beta })
            {
                Period = Period,
                Blend = Alpha,
                InnerState = policy,
            };
            using var stepper = recipe.Bind(x, Backends.Named(backend));
            (double X, double V) z = (1, 0);
            for (var sync = 0; sync < 8; sync++)
            {
                var moved = z;
                for (var t = 0; t < Period; t++)
                {
                    stepper.Step([Curvature * x[0]]);
                    moved = (
                        ((1 - (Rate * Curvature)) * moved.X) + (Beta * moved.V),
                        (-Rate * Curvature * moved.X) + (Beta * moved.V)
                    );
                }

                z.X = ((1 - Alpha) * z.X) + (Alpha * moved.X);
                z.V = policy switch
                {
                    InnerState.Keep => moved.V,
                    InnerState.Pullback => ((1 - Alpha) * z.V) + (Alpha * moved.V),
                    _ => 0,
                };
                // Both sides round differently: 32 steps of a few roundings (1.1e-16) of numbers below 2.
                Assert.Equal(z.X, x[0], 1e-13);
                var momentum = stepper.StateArray(0, StateNames.Momentum)!.Slice(0, 1)[0];
                Assert.Equal(z.V, -Rate * momentum, 1e-13);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Backends.Two), MemberType = typeof(Backends))]
    public void Fault_27_keeping_the_momentum_can_diverge_where_pulling_it_back_cannot(string backend)
    {
        // β = 0.999, k = 20, α = 0.5, η = 1/L, at the curvature 0.6 L: the spectral radius of one sync (see the matrices above) is
        // 1.032 for Keep, 0.10 for Pullback, 0.057 for Reset, and 0.990 for twenty steps of plain momentum.
        Assert.True(AfterSyncs(InnerState.Keep) > 1e6);
        Assert.True(AfterSyncs(InnerState.Pullback) < 1);
        Assert.True(AfterSyncs(InnerState.Reset) < 1);
        Assert.True(AfterSyncs(null) < 1);

        double AfterSyncs(InnerState? policy)
        {
            double[] x = [1];
            Optimizer recipe = new Sgd { LearningRate = 1, Momentum = 0.999 };
            if (policy is { } state)
            {
                recipe = new Lookahead(recipe)
                {
                    Period = 20,
                    Blend = 0.5,
                    InnerState = state,
                };
            }

            using var stepper = recipe.Bind(x, Backends.Named(backend));
            for (var t = 0; t < 1000 * 20; t++)
            {
                stepper.Step([0.6 * x[0]]);
            }

            return Math.Abs(x[0]);
        }
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void A_blend_of_1_is_the_inner_optimizer_whatever_happens_to_its_state(string backend)
    {
        var inner = new Sgd { LearningRate = 0.1, Momentum = 0.9 };
        var scenario = new Scenario<double>(1, 11, GradientKind.Ordinary, skips: true, [7], [3, 5]);
        var expected = scenario.Run(inner, Backends.Named(backend));
        foreach (var policy in Enum.GetValues<InnerState>())
        {
            var recipe = new Lookahead(inner)
            {
                Period = 3,
                Blend = 1,
                InnerState = policy,
            };
            var actual = scenario.Run(recipe, Backends.Named(backend));
            foreach (var (name, values) in expected.Arrays)
            {
                var other = actual.Arrays.Single(a => string.Equals(a.Name, name, StringComparison.Ordinal)).Values;
                Assert.Null(Bits.Difference<double>($"{policy}, {name}", values, other));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void Each_level_remembers_the_momentum_of_its_own_sync(string backend)
    {
        double[] x = [0];
        var inner = new Lookahead(new Sgd { Momentum = 0.9 })
        {
            Period = 1,
            Blend = 1,
            InnerState = InnerState.Pullback,
        };
        var outer = new Lookahead(inner)
        {
            Period = 2,
            Blend = 0.5,
            InnerState = InnerState.Pullback,
        };
        using var stepper = outer.Bind([new Parameter<double>("x", x)], Backends.Named(backend));
        stepper.Step([
            [1.0],
        ]);
        stepper.Step([(double[]?)null]);

        // Without a second gradient the inner sync leaves the buffer at 1; the outer one, after it, pulls it half the way to 0.
        Assert.Equal(1, State(StateNames.SlowMomentum(0)));
        Assert.Equal(0.5, State(StateNames.SlowMomentum(1)));
        Assert.Equal(0.5, State(StateNames.Momentum));

        double State(string name) => stepper.StateArray(0, name)!.Slice(0, 1)[0];
    }

    /// <summary>A standard normal number (Box, Muller 1958).</summary>
    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
