using System.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Runtime;

/// <summary>Numbers at the ends of their range.</summary>
public sealed class NumbersFaultTests
{
    public static TheoryData<string> AllBackends => Backends.All();

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Fault_15_a_clipped_norm_of_an_infinite_gradient(string name)
    {
        var recipe = new Ranger { LearningRate = 0.1, ClipNorm = 1 };
        foreach (var bad in new[] { float.PositiveInfinity, float.NegativeInfinity, float.NaN })
        {
            float[] p = [1, 2];
            using var throwing = (recipe with { NonFinite = NonFinitePolicy.Throw }).Bind(p, Backends.Named(name));
            Assert.Throws<NonFiniteGradientException>(() => throwing.Step([1, bad]));
            Assert.Equal([1, 2], p);
            using var skipping = (recipe with { NonFinite = NonFinitePolicy.SkipStep }).Bind(p, Backends.Named(name));
            Assert.False(skipping.Step([1, bad]));
            Assert.True(skipping.Step([1, 1]));
            Assert.All(p, x => Assert.True(float.IsFinite(x)));
            Assert.All(
                skipping.StateArrays,
                a => Assert.All(a.Slice(0, 2).ToArray(), x => Assert.True(float.IsFinite(x)))
            );

            using var propagating = recipe.Bind(p, Backends.Named(name));
            Assert.True(propagating.Step([1, bad]));
        }
    }

    /// <summary>Squares of 1e-30 and less are subnormal or 0 in float32, and so are many moments.</summary>
    [Theory]
    [InlineData(1e-18)]
    [InlineData(1e-22)]
    [InlineData(1e-30)]
    [InlineData(1e-42)]
    public void Fault_17_tiny_gradients_give_the_same_bits(double magnitude)
    {
        foreach (var optimizer in Registry.Optimizers.Keys)
        {
            var random = new Random(17);
            var g = Enumerable.Range(0, 67).Select(_ => (float)(magnitude * (random.NextDouble() - 0.5))).ToArray();
            var results = Registry.Backends().Select(backend => Run(optimizer, backend, g)).ToArray();
            Assert.All(results, result => Assert.Null(results[0].Difference(result)));
            Assert.All(
                results[0].Arrays.Where(a => a.Name.EndsWith("moment", StringComparison.Ordinal)),
                a => Assert.DoesNotContain(a.Values, float.IsSubnormal)
            );
        }

        static Outcome<float> Run(string optimizer, Backend backend, float[] gradient)
        {
            var p = gradient.Select(x => x * 2).ToArray();
            using var stepper = Registry.Optimizers[optimizer].Bind(p, backend);
            for (var t = 0; t < 20; t++)
            {
                stepper.Step(gradient);
            }

            return Outcome<float>.Of(stepper, [p]);
        }
    }

    /// <summary>β^t has long been 0: Adam's step is η m / (√v + ε), with nothing to correct.</summary>
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Fault_19_a_step_count_beyond_int(string name)
    {
        foreach (var step in new[] { (1L << 31) - 1, 1L << 31, 1L << 40, long.MaxValue - 10 })
        {
            double[] p = [0];
            using var stepper = new Adam { LearningRate = 0.5, Epsilon = 1e-300 }.Bind(p, Backends.Named(name));
            SetSteps(stepper, step);
            stepper.Step([3]);
            var (m, v) = ((1 - 0.9) * 3, (1 - 0.999) * (3.0 * 3));
            Assert.Equal(-(0.5 * (m / Math.Sqrt(v))), p[0]);
            Assert.Equal(step + 1, stepper.ParameterSteps(0));
        }
    }

    /// <summary>Every optimizer, also those that compare t with a period or a threshold.</summary>
    [Fact]
    public void Fault_19_every_optimizer_gives_the_same_bits_after_2_to_the_40_steps()
    {
        foreach (var optimizer in Registry.Optimizers.Keys)
        {
            var results = Registry
                .Backends()
                .Select(backend =>
                {
                    float[] p = [1, 2, 3, 4];
                    using var stepper = Registry.Recipe(optimizer, "none", "lookahead").Bind(p, 2, 2, backend);
                    SetSteps(stepper, 1L << 40);
                    for (var t = 0; t < 7; t++)
                    {
                        stepper.Step([1, -1, t, 0.5f]);
                    }

                    return Outcome<float>.Of(stepper, [p]);
                })
                .ToArray();
            Assert.All(results, result => Assert.Null(results[0].Difference(result)));
            Assert.All(results[0].Arrays[0].Values, x => Assert.True(float.IsFinite(x)));
        }
    }

    /// <summary>A float stops counting at 2^24; a counter that is saved and resumed does not either.</summary>
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Fault_20_a_step_count_beyond_what_a_float_holds(string name)
    {
        var recipe = new Ranger();
        var stepper = recipe.Bind(new float[1], Backends.Named(name));
        SetSteps(stepper, 1 << 24);
        for (var t = 1; t <= 3; t++)
        {
            stepper.Step([1]);
            Assert.Equal((1 << 24) + t, stepper.ParameterSteps(0));
            using var file = new MemoryStream();
            stepper.Save(file);
            stepper.Dispose();
            file.Position = 0;
            stepper = recipe.Resume(new float[1], file, Backends.Named(name));
        }

        stepper.Dispose();
    }

    [Fact]
    public void Fault_24_subnormal_numbers_of_managed_code_after_loading()
    {
        var lines = Child.Run("ShowSubnormals").Succeeded().Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.All(lines, line => Assert.Equal("1.1125369292536007E-308 1.1125369292536007E-308", line));
    }

    /// <summary>Less its mean, the gradient of such a row would be 0, and the parameter would never train.</summary>
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Fault_25_centralised_rows_of_length_1_train(string name)
    {
        foreach (var target in Enum.GetValues<CentralizationTarget>())
        {
            var recipe = new Sgd
            {
                LearningRate = 0.5,
                Centralization = Centralization.All,
                CentralizationTarget = target,
            };
            float[] column = [1, 2, 3];
            using var narrow = recipe.Bind(column, rows: 3, columns: 1, Backends.Named(name));
            narrow.Step([2, 4, 6]);
            Assert.Equal([0, 0, 0], column);
            float[] row = [1, 2, 3];
            using var wide = recipe.Bind(row, rows: 1, columns: 3, Backends.Named(name));
            wide.Step([2, 4, 6]);
            Assert.Equal([2, 2, 2], row);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Fault_28b_decoupled_decay_leaves_the_moments_alone(string name)
    {
        GradientOptimizer[] recipes =
        [
            new AdamW { WeightDecay = 0 },
            new AdamW { WeightDecay = 0, AmsGrad = true },
            new RAdam { DecoupledWeightDecay = true },
            new Ranger(),
        ];
        foreach (var recipe in recipes)
        {
            var (plain, plainP) = Run(recipe);
            var (decayed, decayedP) = Run(recipe with { WeightDecay = 0.01 });
            Assert.NotEqual(plainP, decayedP);
            Assert.All(
                plain
                    .Arrays.Zip(decayed.Arrays)
                    .Where(pair => pair.First.Name.Contains("moment", StringComparison.Ordinal)),
                pair => Assert.Equal(pair.First.Values, pair.Second.Values)
            );
        }

        (Outcome<float> Outcome, float[] Values) Run(Optimizer recipe)
        {
            float[] p = [1, -2, 3, 4, 5, -6];
            using var stepper = recipe.Bind(p, rows: 2, columns: 3, Backends.Named(name));
            for (var t = 0; t < 5; t++)
            {
                stepper.Step([t, 1, -1, 0.5f, 2, -t]);
            }

            return (Outcome<float>.Of(stepper, [p]), p);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Fault_30_a_parameter_without_a_gradient_stays_as_it_is(string name)
    {
        foreach (var optimizer in Registry.Optimizers.Keys)
        {
            float[] frozen = [1, 2];
            using var stepper = Registry
                .Recipe(optimizer, "none", "lookahead-own-counter")
                .Bind([Parameter.Of("a", new float[2]), Parameter.Of("frozen", frozen)], Backends.Named(name));
            stepper.Step([
                [1, -1],
                [1, -1],
            ]);
            var before = State(stepper);
            for (var t = 0; t < 3; t++)
            {
                stepper.Step([
                    [1, 2],
                    null,
                ]);
            }

            Assert.Equal(before, State(stepper));
            Assert.Equal(1, stepper.ParameterSteps(1));
            Assert.Equal(4, stepper.ParameterSteps(0));

            string State(Stepper<float> of) =>
                string.Join(
                    ' ',
                    of.StateArrays.Where(a => a.Parameter == 1)
                        .Select(a => $"{a.Name} {string.Join(' ', a.Slice(0, 2).ToArray())}")
                        .Concat(of.StateCounters.Where(c => c.Owner == 1).Select(c => $"{c.Name} {c.Value}"))
                        .Append($"{frozen[0]:R} {frozen[1]:R}")
                );
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Fault_30_a_sync_that_all_share_pulls_it_to_its_slow_weights(string name)
    {
        float[] p = [1];
        using var stepper = new Lookahead(new Sgd { LearningRate = 1 }) { Period = 3, Blend = 0.5 }.Bind(
            [Parameter.Of("a", new float[1]), Parameter.Of("p", p)],
            Backends.Named(name)
        );
        stepper.Step([
            [1],
            [1],
        ]);
        Assert.Equal(0, p[0]);
        stepper.Step([
            [1],
            null,
        ]);
        Assert.Equal(0, p[0]);
        stepper.Step([
            [1],
            null,
        ]);
        Assert.Equal(0.5f, p[0]);
    }

    private static void SetSteps<T>(Stepper<T> stepper, long steps)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        foreach (var counter in stepper.StateCounters.Where(c => c.Name is StateNames.Step))
        {
            counter.Value = steps;
        }
    }
}
