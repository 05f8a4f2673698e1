using System.Numerics;
using NativeRanger.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Conformance;

/// <summary>Groups, micro-batches and zeroed gradients on every backend: the same bits.</summary>
public sealed class GroupsTests
{
    /// <summary>A recipe, and the same kind with every option changed.</summary>
    public static TheoryData<Optimizer, Optimizer> Pairs() =>
        new()
        {
            {
                new Sgd { Momentum = 0.9, LearningRate = 0.1 },
                new Sgd
                {
                    Momentum = 0.5,
                    LearningRate = 0.2,
                    Nesterov = true,
                    WeightDecay = 0.1,
                    ClipNorm = 0.1,
                }
            },
            {
                new Sgd { Momentum = 0.9, Dampening = 0.5 },
                new Sgd { LearningRate = 1 }
            },
            {
                new AdaGrad(),
                new AdaGrad
                {
                    RateDecay = 0.1,
                    InitialAccumulator = 1,
                    Epsilon = 1e-3,
                    ClipValue = 0.1,
                }
            },
            {
                new Adam { ClipNorm = 1 },
                new Adam
                {
                    AmsGrad = true,
                    Beta1 = 0.5,
                    Beta2 = 0.9,
                    Epsilon = 1e-2,
                    AdaptiveClip = 0.1,
                }
            },
            {
                new AdamW(),
                new AdamW { WeightDecay = 0, Centralization = Centralization.All }
            },
            {
                new RAdam(),
                new RAdam
                {
                    Threshold = 4,
                    Unrectified = UnrectifiedStep.Skip,
                    DecoupledWeightDecay = true,
                    WeightDecay = 0.1,
                }
            },
            {
                new Ranger(),
                new Ranger
                {
                    Period = 2,
                    Blend = 0.1,
                    Centralization = Centralization.None,
                    Standardize = true,
                }
            },
            {
                new SeedRanger(),
                new SeedRanger
                {
                    Period = 1,
                    Blend = 0.9,
                    Threshold = 4,
                }
            },
            {
                new Lookahead(new Adam()) { Period = 2 },
                new Lookahead(new Adam { LearningRate = 0.1 })
                {
                    Period = 3,
                    Blend = 0.5,
                    InnerState = InnerState.Reset,
                }
            },
        };

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Every_option_of_a_group(Optimizer first, Optimizer second)
    {
        Run<float>(first, second, Bits.Same);
        Run<double>(first, second, Bits.Same);
    }

    [Fact]
    public void Micro_batches_are_summed_in_order_and_multiplied_once()
    {
        foreach (var backend in Registry.Backends())
        {
            float[] accumulated = [1, 2, 3],
                byHand = [1, 2, 3];
            using var a = new Adam().Bind(accumulated, backend);
            using var b = new Adam().Bind(byHand, backend);
            var random = new Random(1);
            for (var t = 0; t < 5; t++)
            {
                var sum = new float[3];
                for (var m = 0; m < 3; m++)
                {
                    float[] g = [random.NextSingle(), random.NextSingle(), random.NextSingle()];
                    a.Accumulate(g);
                    for (var i = 0; i < 3; i++)
                    {
                        sum[i] = m == 0 ? g[i] : sum[i] + g[i];
                    }
                }

                Assert.Equal(3, a.AccumulatedMicroBatches);
                a.StepAccumulated();
                b.Step([.. sum.Select(s => s * (float)(1.0 / 3))]);
                Assert.Equal(0, a.AccumulatedMicroBatches);
                Assert.Null(Bits.Difference<float>("p", byHand, accumulated));
            }

            Assert.Throws<InvalidOperationException>(() => a.StepAccumulated());
        }
    }

    [Fact]
    public void Gradients_are_zeroed_in_the_same_pass()
    {
        foreach (var backend in Registry.Backends())
        {
            foreach (
                var recipe in new Optimizer[]
                {
                    new Ranger(),
                    new SeedRanger(),
                    new Sgd { Centralization = Centralization.All },
                    new Adam { ClipNorm = 1 },
                }
            )
            {
                var (p, q) = (new float[40], new float[40]);
                using var zeroing = recipe.Bind(p, 4, 10, backend);
                using var plain = recipe.Bind(q, 4, 10, backend);
                zeroing.ZeroGradients = true;
                for (var t = 0; t < 8; t++)
                {
                    var g = Enumerable.Range(0, 40).Select(i => (float)((i * 7 % 11) - 5)).ToArray();
                    plain.Step(g);
                    zeroing.Step(g);
                    Assert.All(g, x => Assert.Equal(0, BitConverter.SingleToInt32Bits(x)));
                }

                Assert.Null(Bits.Difference<float>($"{recipe.GetType().Name} on {backend}", q, p));
                Assert.Throws<InvalidOperationException>(() => zeroing.Step(new float[40].AsSpan()));
            }
        }
    }

    [Fact]
    public void Fault_16_the_norm_is_taken_over_all_groups_and_stays_finite_where_squares_overflow()
    {
        foreach (var backend in Registry.Backends())
        {
            float[] a = new float[50],
                b = new float[50];
            var recipe = new Sgd { LearningRate = 1, ClipNorm = 1 };
            using var stepper = recipe.Bind(
                [
                    new ParameterGroup<float>(Parameter.Of("a", a)),
                    new(Parameter.Of("b", b)) { Optimizer = recipe with { ClipNorm = 2 } },
                ],
                backend
            );
            var g = Enumerable.Repeat(1e30f, 50).ToArray();
            stepper.Step([g, (float[])g.Clone()]);

            // 100 elements of 1e30 have the norm 1e31: each becomes 0.1 where 1 is allowed, 0.2 where 2 is. Three roundings.
            Assert.All(a, x => Assert.Equal(-0.1f, x, 3e-8f));
            Assert.All(b, x => Assert.Equal(-0.2f, x, 6e-8f));

            double[] c = new double[4];
            using var wide = new Sgd { LearningRate = 1, ClipNorm = 1 }.Bind(c, backend);
            wide.Step([1e300, -1e300, 1e300, 1e300]);
            Assert.Equal([-0.5, 0.5, -0.5, -0.5], c.Select(x => Math.Round(x, 12)));
        }
    }

    private static void Run<T>(Optimizer first, Optimizer second, Func<T, T, bool> same)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var expected = Trajectory<T>(first, second, Backend.Managed);
        foreach (var backend in Registry.NativeBackends())
        {
            var actual = Trajectory<T>(first, second, backend);
            Assert.True(
                expected.Zip(actual).All(pair => same(pair.First, pair.Second)),
                $"{backend}, {typeof(T).Name}"
            );
        }
    }

    /// <summary>Two groups, a third that joins later, options and rates that change; all parameters after every step.</summary>
    private static T[] Trajectory<T>(Optimizer first, Optimizer second, Backend backend)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var random = new Random(3);
        T[] Values(int n) => [.. Enumerable.Range(0, n).Select(_ => T.CreateTruncating((random.NextDouble() * 2) - 1))];
        T[] a = Values(12),
            b = Values(20),
            c = Values(7);
        using var stepper = first.Bind(
            [
                new ParameterGroup<T>(new Parameter<T>("a", a, 3, 4)),
                new(new Parameter<T>("b", b, 4, 5)) { Optimizer = second },
            ],
            backend
        );
        var seen = new List<T>();
        for (var t = 0; t < 12; t++)
        {
            if (t == 4)
            {
                stepper.AddGroup(new(new Parameter<T>("c", c)) { Optimizer = second });
            }

            if (t == 6)
            {
                stepper.Groups[1].LearningRate *= 0.5;
                stepper.Groups[0].Optimizer = first with { LearningRate = 0.3 };
            }

            Gradient<T>[] g =
            [
                new(Values(12)),
                random.Next(3) == 0 ? Gradient<T>.None : new(Values(20)),
                new(Values(7)),
            ];
            stepper.Step(g.AsSpan(0, stepper.Parameters.Count), learningRate: t % 3 == 2 ? 0.05 : null);
            seen.AddRange([.. a, .. b, .. c]);
        }

        return [.. seen];
    }
}
