using NativeRanger.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Reference;

/// <summary>What the managed backend promises beside the formulas.</summary>
public sealed class ManagedBackendTests
{
    [Fact]
    public void It_is_selected_like_the_native_one()
    {
        Assert.Same(ManagedBackend.Instance, Backend.Managed);
        Assert.Equal("managed", Backend.Managed.Name);

        using var stepper = new Ranger().Bind(new float[3], Backend.Managed);
        Assert.Equal("Ranger on managed (MathNet.Numerics, provider Managed)", stepper.ToString());
    }

    [Fact]
    public unsafe void Parameters_beyond_one_array_are_refused_by_name()
    {
        // The address is never read: the length is refused first.
        var parameter = new Parameter<float>("huge", (float*)sizeof(float), Array.MaxLength + 1L);
        var exception = Assert.Throws<NotSupportedException>(() => new Sgd().Bind([parameter], Backend.Managed));

        Assert.Contains("'huge'", exception.Message, StringComparison.Ordinal);
        Assert.Contains($"at most {Array.MaxLength} elements", exception.Message, StringComparison.Ordinal);
        Assert.Contains($"has {Array.MaxLength + 1L}", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gradient_that_is_not_finite_is_named_and_changes_nothing()
    {
        float[] first = [1];
        float[] second = [2, 3];
        using var stepper = new Ranger { NonFinite = NonFinitePolicy.Throw }.Bind(
            [new Parameter<float>("first", first), new Parameter<float>("second", second)],
            Backend.Managed
        );
        stepper.Step([
            [0.5f],
            [0.5f, 0.25f],
        ]);
        var before = Outcome<float>.Of(stepper, [first, second]);
        var exception = Assert.Throws<NonFiniteGradientException>(() =>
            stepper.Step([
                [1f],
                [1f, float.NaN],
            ])
        );

        Assert.Contains("'second'", exception.Message, StringComparison.Ordinal);
        Assert.Null(before.Difference(Outcome<float>.Of(stepper, [first, second])));
    }

    [Fact]
    public void A_step_that_fails_midway_changes_nothing()
    {
        float[] first = [1];
        float[] second = [2];
        using var engine = ManagedBackend.Instance.CreateEngine<float>(new Sgd { Momentum = 0.9 });
        engine.AddGroup([new Parameter<float>("first", first)], new Sgd { Momentum = 0.9 });
        engine.AddGroup([new Parameter<float>("second", second)], new Sgd { Momentum = 0.9 });
        // Steppers refuse options of another kind; an engine finds out when it comes to that group.
        engine.SetOptimizer(1, new Adam());
        Assert.Throws<InvalidCastException>(() =>
            engine.Step(
                new StepRequest<float>
                {
                    Gradients = [new float[] { 1 }, new float[] { 1 }],
                    LearningRates = [0.1, 0.1],
                    MicroBatches = 1,
                }
            )
        );

        Assert.Equal([1f], first);
        Assert.Equal([2f], second);
        Assert.All(engine.Arrays, a => Assert.Equal(0, a.Slice(0, 1)[0]));
        Assert.All(engine.Counters, c => Assert.Equal(0, c.Value));
    }

    [Fact]
    public void State_is_listed_per_parameter_then_moments_levels_and_averages()
    {
        var inner = new Lookahead(new Sgd { Momentum = 0.9 }) { Counter = SyncCounter.PerParameter };
        var recipe = new Lookahead(inner) { InnerState = InnerState.Pullback };
        using var stepper = recipe.Bind(
            [new Parameter<double>("a", new double[2]), new Parameter<double>("b", new double[3])],
            Backend.Managed
        );
        stepper.AddAverage(new ExponentialAverage());
        string[] names = ["momentum", "slow_weights.0", "slow_weights.1", "slow_momentum.1", "average.0"];

        Assert.Equal(
            [.. names.Select(name => (0, name, 2L)), .. names.Select(name => (1, name, 3L))],
            stepper.StateArrays.Select(a => (a.Parameter, a.Name, a.Length))
        );
        Assert.Equal(
            [
                (0, "step"),
                (0, "sync_counter.0"),
                (1, "step"),
                (1, "sync_counter.0"),
                (-1, "sync_counter.1"),
                (-1, "average_steps.0"),
            ],
            stepper.StateCounters.Select(c => (c.Owner, c.Name))
        );
    }

    [Theory]
    [MemberData(nameof(Registry.OptimizerNames), MemberType = typeof(Registry))]
    public void State_written_into_another_stepper_continues_with_the_same_bits(string optimizer)
    {
        foreach (var wrapper in Registry.Wrappers.Keys.Where(w => Registry.Allows(optimizer, "none", w)))
        {
            var recipe = Registry.Recipe(optimizer, "none", wrapper);
            var random = new Random(1);
            double[] x = [.. Gradient()];
            using var stepper = Bind(x);
            for (var t = 1; t <= 7; t++)
            {
                stepper.Step(Gradient());
            }

            double[] y = [.. x];
            using var resumed = Bind(y);
            foreach (var (from, to) in stepper.StateArrays.Zip(resumed.StateArrays))
            {
                from.Slice(0, 12).CopyTo(to.Slice(0, 12));
            }

            foreach (var (from, to) in stepper.StateCounters.Zip(resumed.StateCounters))
            {
                to.Value = from.Value;
            }

            for (var t = 8; t <= 14; t++)
            {
                var gradient = Gradient();
                stepper.Step(gradient);
                resumed.Step(gradient);
                Assert.Null(Bits.Difference<double>($"{wrapper}, step {t}", x, y));
            }

            double[] Gradient() => [.. Enumerable.Range(0, 12).Select(_ => (random.NextDouble() * 2) - 1)];

            Stepper<double> Bind(double[] values)
            {
                var bound = recipe.Bind(values, 3, 4, Backend.Managed);
                bound.AddAverage(new StochasticAverage { Start = 3, Every = 2 });
                return bound;
            }
        }
    }

    [Fact]
    public void A_group_added_later_starts_its_slow_weights_then_and_its_shared_counter_with_the_first_group()
    {
        double[] early = [1];
        double[] late = [10];
        var recipe = new Lookahead(new Sgd { LearningRate = 1 }) { Period = 3, Blend = 0.5 };
        using var stepper = recipe.Bind([new Parameter<double>("early", early)], Backend.Managed);
        stepper.Step([
            [1.0],
        ]);
        stepper.AddGroup(new(new Parameter<double>("late", late)));
        Assert.Equal(10, stepper.SlowWeights(1).Slice(0, 1)[0]);

        stepper.Step([
            [1.0],
            [1.0],
        ]);
        Assert.Equal([9.0], late);

        // The third step of the stepper, the second of the late group: -2, and back half the way from 8 to 10.
        stepper.Step([
            [1.0],
            [1.0],
        ]);
        Assert.Equal([9.0], late);
        Assert.Equal([-0.5], early);
    }
}
