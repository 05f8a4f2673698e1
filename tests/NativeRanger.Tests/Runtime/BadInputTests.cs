using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Runtime;

/// <summary>Each mistake has its exception, which names the argument, the expected and the actual value; nothing changes.</summary>
public sealed class BadInputTests
{
    [Fact]
    public void Fault_1_a_gradient_of_another_length()
    {
        float[] p = [1, 2, 3];
        using var stepper = new Ranger().Bind(p);
        var thrown = Assert.Throws<ArgumentException>(() => stepper.Step(new float[2]));
        Assert.Contains("2 elements", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("has 3", thrown.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => stepper.Step(new float[2].AsSpan()));
        Unchanged(stepper, p, 1, 2, 3);
    }

    [Fact]
    public void Fault_2_null_arrays()
    {
        Assert.Throws<ArgumentNullException>(() => new Ranger().Bind((float[])null!));
        using var stepper = new Ranger().Bind(new float[1]);
        Assert.Throws<ArgumentNullException>(() => stepper.Step((float[])null!));
        Assert.Throws<ArgumentNullException>(() => Parameter.Of<float>(null!, [1]));
        Assert.Throws<ArgumentNullException>(() => new Lookahead(null!));
    }

    [Fact]
    public void Fault_2_a_null_gradient_skips_its_parameter()
    {
        float[] p = [1, 2];
        using var stepper = new Ranger { WeightDecay = 0.5 }.Bind([
            Parameter.Of("p", p),
            Parameter.Of("q", new float[1]),
        ]);
        Assert.True(stepper.Step([null, new float[1]]));
        Assert.Equal([1, 2], p);
        Assert.Equal(0, stepper.ParameterSteps(0));
        Assert.Equal(1, stepper.ParameterSteps(1));
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void Fault_3_empty_arrays(string name)
    {
        foreach (var optimizer in Registry.Optimizers.Keys)
        {
            var recipe = Registry.Recipe(optimizer, "none", "lookahead");
            using var stepper = recipe.Bind(Array.Empty<float>(), Backends.Named(name));
            Assert.True(stepper.Step(Array.Empty<float>()));
            Assert.True(stepper.Step(ReadOnlySpan<float>.Empty));
            Assert.Equal(2, stepper.StepCount);
            Assert.Equal(2, stepper.ParameterSteps(0));
            using var shaped = recipe.Bind(Array.Empty<double>(), 0, 5, Backends.Named(name));
            Assert.True(shaped.Step(Array.Empty<double>()));
            Assert.Throws<ArgumentException>(() => shaped.Step(new double[1]));
        }
    }

    [Fact]
    public void Fault_5_a_shape_whose_product_overflows()
    {
        Assert.Throws<OverflowException>(() => Parameter.Of("p", new float[4], 1L << 40, 1L << 40));
        Assert.Throws<OverflowException>(() => Parameter.Of("p", Array.Empty<float>(), 1L << 62, 1L << 62));
        Assert.Equal(0, Parameter.Of("p", Array.Empty<float>(), 1L << 62, 1L << 62, 0).Length);
    }

    /// <summary>2^62 elements are a size of 2^64 bytes.</summary>
    [Fact]
    public unsafe void Fault_5_a_size_in_bytes_that_overflows()
    {
        float nothing = 1;
        foreach (var length in new[] { 1L << 62, long.MaxValue })
        {
            var beyond = new Parameter<float>("p", &nothing, length);
            Assert.Throws<OverflowException>(() => new Adam().Bind([beyond], NativeBackend.Instance));
        }

        Assert.Equal(1, nothing);
    }

    [Fact]
    public void Another_number_of_gradients()
    {
        float[] a = [1];
        using var stepper = new Ranger().Bind([Parameter.Of("a", a), Parameter.Of("b", new float[2])]);
        var thrown = Assert.Throws<ArgumentException>(() =>
            stepper.Step([
                [1f],
            ])
        );
        Assert.Contains("1 gradients", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("2 parameters", thrown.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => stepper.Step(new float[1].AsSpan()));
        Unchanged(stepper, a, 1);
    }

    [Fact]
    public unsafe void Fault_37_38_a_gradient_that_is_or_overlaps_a_parameter()
    {
        var all = new float[10];
        using var stepper = new Ranger().Bind([
            Parameter.Of("a", all.AsMemory(0, 4)),
            Parameter.Of("b", all.AsMemory(4, 4)),
        ]);
        var clear = new float[4];
        Assert.Contains(
            "'b'",
            Assert.Throws<ArgumentException>(() => stepper.Step([all.AsMemory(6, 4), clear])).Message,
            StringComparison.Ordinal
        );
        Assert.True(stepper.Step([clear, clear]));
        using var single = new Ranger().Bind(all);
        Assert.Throws<ArgumentException>(() => single.Step(all));
        Assert.Throws<ArgumentException>(() => single.Step(all.AsSpan()));
        fixed (float* address = all)
        {
            using var pointed = new Ranger().Bind([new Parameter<float>("p", address, 4)]);
            var overlapping = new Gradient<float>(address + 3, 4);
            Assert.Throws<ArgumentException>(() => pointed.Step([overlapping]));
        }
    }

    /// <summary>It was clear of every parameter in the step before.</summary>
    [Fact]
    public void Fault_37_a_gradient_that_has_been_added_as_a_parameter()
    {
        var gradient = new float[4];
        using var stepper = new Ranger().Bind(new float[4]);
        Assert.True(stepper.Step(gradient));
        stepper.AddGroup(new(Parameter.Of("late", gradient)));
        Names(Assert.Throws<ArgumentException>(() => stepper.Step([gradient, new float[4]])), "'late'");
        Assert.Equal(1, stepper.StepCount);
    }

    /// <summary>The second would read what the first has been zeroed to.</summary>
    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void Fault_38_gradients_that_share_memory_and_are_zeroed(string name)
    {
        float[] a = [0, 0];
        float[] b = [0, 0];
        float[] g = [1, 2, 3];
        using var stepper = new Sgd { LearningRate = 1 }.Bind(
            [Parameter.Of("a", a), Parameter.Of("b", b)],
            Backends.Named(name)
        );
        Assert.True(stepper.Step([g.AsMemory(0, 2), g.AsMemory(1, 2)]));
        Assert.Equal([-2, -3], b);
        stepper.ZeroGradients = true;
        Names(
            Assert.Throws<ArgumentException>(() => stepper.Step([g.AsMemory(0, 2), g.AsMemory(1, 2)])),
            "'a' and 'b'",
            "ZeroGradients"
        );
        Assert.Equal([1, 2, 3], g);
        Assert.Equal(1, stepper.StepCount);
        float[] apart = [1, 2, 3, 4];
        Assert.True(stepper.Step([apart.AsMemory(2, 2), apart.AsMemory(0, 2)]));
        Assert.Equal([-3, -5], b);
        Assert.Equal([0, 0, 0, 0], apart);
    }

    [Fact]
    public void Fault_38_39_parameters_that_overlap_or_share_a_name()
    {
        var all = new float[10];
        Assert.Throws<ArgumentException>(() => new Ranger().Bind([Parameter.Of("a", all), Parameter.Of("b", all)]));
        var thrown = Assert.Throws<ArgumentException>(() =>
            new Ranger().Bind([Parameter.Of("a", all.AsMemory(0, 5)), Parameter.Of("b", all.AsMemory(4, 5))])
        );
        Assert.Contains("'a' and 'b'", thrown.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() =>
            new Ranger().Bind([Parameter.Of("a", new float[1]), Parameter.Of("a", new float[1])])
        );
        using var stepper = new Ranger().Bind([
            Parameter.Of("a", all.AsMemory(0, 5)),
            Parameter.Of("b", all.AsMemory(5, 5)),
        ]);
        Assert.Throws<ArgumentException>(() => stepper.AddGroup(new(Parameter.Of("c", all.AsMemory(9, 1)))));
        Assert.Equal(2, stepper.Parameters.Count);
    }

    [Fact]
    public void Fault_12_a_shape_that_does_not_multiply_to_the_length()
    {
        var thrown = Assert.Throws<ArgumentException>(() => new Ranger().Bind(new float[10], rows: 3, columns: 3));
        Assert.Contains("9 elements", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("10 values", thrown.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Parameter.Of("p", new float[2], -1, -2));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new Parameter<float>("p", new float[4], 2, 2) { OutputDimension = 2 }
        );
    }

    public static TheoryData<string, Action> OutOfRange() =>
        new()
        {
            { "LearningRate", () => _ = new Ranger { LearningRate = -1 } },
            { "LearningRate", () => _ = new Sgd { LearningRate = double.NaN } },
            { "LearningRate", () => _ = new Lookahead(new Sgd()) { LearningRate = double.PositiveInfinity } },
            { "Beta1", () => _ = new Ranger { Beta1 = 1 } },
            { "Beta2", () => _ = new Adam { Beta2 = -0.1 } },
            { "Beta2", () => _ = new RAdam { Beta2 = double.NaN } },
            { "Epsilon", () => _ = new AdaGrad { Epsilon = 0 } },
            { "Epsilon", () => _ = new Ranger { Epsilon = double.PositiveInfinity } },
            { "WeightDecay", () => _ = new AdamW { WeightDecay = -1e-9 } },
            { "Threshold", () => _ = new RAdam { Threshold = 3.9 } },
            { "Period", () => _ = new Ranger { Period = 0 } },
            { "Period", () => _ = new Lookahead(new Sgd()) { Period = -5 } },
            { "Blend", () => _ = new Ranger { Blend = 1.01 } },
            { "Blend", () => _ = new Lookahead(new Sgd()) { Blend = double.NaN } },
            { "Momentum", () => _ = new Sgd { Momentum = 1 } },
            { "Dampening", () => _ = new Sgd { Dampening = -0.5 } },
            { "ClipValue", () => _ = new Sgd { ClipValue = 0 } },
            { "ClipNorm", () => _ = new Sgd { ClipNorm = double.NaN } },
            { "AdaptiveClip", () => _ = new Sgd { AdaptiveClip = -1 } },
            { "RateDecay", () => _ = new AdaGrad { RateDecay = -1 } },
            { "Centralization", () => _ = new Sgd { Centralization = (Centralization)9 } },
            { "NonFinite", () => _ = new Sgd { NonFinite = (NonFinitePolicy)(-1) } },
        };

    [Theory]
    [MemberData(nameof(OutOfRange))]
    public void Fault_6_7_9_10_an_option_out_of_range(string name, Action create)
    {
        var thrown = Assert.Throws<ArgumentOutOfRangeException>(create);
        Assert.Equal(name, thrown.ParamName);
        Assert.Contains("it is ", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(-1e-9)]
    public void Fault_6_a_rate_that_is_set_between_steps(double rate)
    {
        float[] p = [1];
        using var stepper = new Ranger().Bind(p);
        Assert.Throws<ArgumentOutOfRangeException>(() => stepper.Groups[0].LearningRate = rate);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            stepper.Groups[0].Optimizer = new Ranger { WeightDecay = rate }
        );
        Assert.Equal(new Ranger(), stepper.Groups[0].Optimizer);
        Unchanged(stepper, p, 1);
    }

    [Fact]
    public void Fault_9_an_epsilon_that_is_zero_in_the_parameters_type()
    {
        var recipe = new Adam { Epsilon = 1e-60 };
        using var fine = recipe.Bind(new double[1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => recipe.Bind(new float[1]));
    }

    [Fact]
    public void Options_that_contradict_each_other_name_both_sides()
    {
        Names(
            Assert.Throws<ArgumentException>(() =>
                new Sgd
                {
                    Momentum = 0.9,
                    Nesterov = true,
                    Dampening = 0.1,
                }
            ),
            "Nesterov",
            "Dampening"
        );
        Names(
            Assert.Throws<ArgumentException>(() => new Sgd { Nesterov = true }.Bind(new float[1])),
            "Nesterov",
            "Momentum"
        );
        Names(
            Assert.Throws<ArgumentException>(() => new Lookahead(new Sgd { Nesterov = true })),
            "Nesterov",
            "Momentum"
        );
        Names(
            Assert.Throws<ArgumentException>(() => new Lookahead(new Adam()) { InnerState = InnerState.Pullback }),
            "Pullback",
            "Adam"
        );
        Names(
            Assert.Throws<ArgumentException>(() =>
                new Adam { Standardize = true, CentralizationTarget = CentralizationTarget.Update }
            ),
            "Standardize",
            "Update"
        );
        Assert.Throws<ArgumentException>(() => new ParameterGroup<float>());
    }

    [Fact]
    public void A_group_of_another_kind_or_policy()
    {
        using var stepper = new Ranger().Bind(new float[1]);
        Names(
            Assert.Throws<ArgumentException>(() =>
                stepper.AddGroup(new(Parameter.Of("q", new float[1])) { Optimizer = new Adam() })
            ),
            "Ranger",
            "Adam"
        );
        Names(
            Assert.Throws<ArgumentException>(() =>
                stepper.AddGroup(
                    new(Parameter.Of("q", new float[1]))
                    {
                        Optimizer = new Ranger { NonFinite = NonFinitePolicy.Throw },
                    }
                )
            ),
            "Propagate",
            "Throw"
        );
        using var momentum = new Sgd { Momentum = 0.9 }.Bind(new float[1]);
        Assert.Throws<ArgumentException>(() => momentum.Groups[0].Optimizer = new Sgd());
    }

    [Fact]
    public void Fault_35_36_a_disposed_stepper()
    {
        var p = new float[] { 1 };
        var stepper = new Ranger().Bind(p);
        stepper.Dispose();
        stepper.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stepper.Step(new float[1]));
        Assert.Throws<ObjectDisposedException>(() => stepper.Step(new float[1].AsSpan()));
        Assert.Throws<ObjectDisposedException>(() => stepper.Step([new float[1]]));
        Assert.Throws<ObjectDisposedException>(() => stepper.Synchronize());
        Assert.Equal(1, p[0]);
    }

    [Fact]
    public void Fault_51_a_step_within_a_step_of_the_same_stepper()
    {
        using var stepper = new Sgd().Bind(new float[] { 1 });
        stepper.Schedule = _ =>
        {
            Assert.Contains(
                "concurrent Step",
                Assert.Throws<InvalidOperationException>(() => stepper.Step(new float[1])).Message,
                StringComparison.Ordinal
            );
            Assert.Throws<InvalidOperationException>(stepper.Dispose);
            return 1;
        };
        Assert.True(stepper.Step(new float[1]));
        Assert.Equal(1, stepper.StepCount);
    }

    [Fact]
    public async Task Fault_46_two_threads_that_step_one_stepper()
    {
        using var stepper = new Sgd().Bind(new float[] { 1 });
        using var inside = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        stepper.Schedule = _ =>
        {
            inside.Set();
            leave.Wait();
            return 1;
        };
        var other = Task.Run(() => stepper.Step(new float[1]));
        inside.Wait();
        Assert.Throws<InvalidOperationException>(() => stepper.Step(new float[1]));
        leave.Set();
        Assert.True(await other);
        Assert.Equal(1, stepper.StepCount);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Fault_13_14_a_non_finite_gradient_changes_nothing_under_throw_and_skip(float bad)
    {
        float[] p = [1, 2];
        using var throwing = new Ranger { NonFinite = NonFinitePolicy.Throw }.Bind(p);
        Assert.Throws<NonFiniteGradientException>(() => throwing.Step([1, bad]));
        Unchanged(throwing, p, 1, 2);
        using var skipping = new Ranger { NonFinite = NonFinitePolicy.SkipStep }.Bind(p);
        Assert.False(skipping.Step([1, bad]));
        Assert.Equal(1, skipping.SkippedSteps);
        Unchanged(skipping, p, 1, 2);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(-1)]
    public void A_rate_or_a_schedule_out_of_range(double rate)
    {
        float[] p = [1];
        using var stepper = new Ranger().Bind(p);
        Assert.Throws<ArgumentOutOfRangeException>(() => stepper.Step(new float[1], learningRate: rate));
        stepper.Schedule = _ => rate;
        Assert.Throws<InvalidOperationException>(() => stepper.Step(new float[1]));
        Unchanged(stepper, p, 1);
    }

    [Fact]
    public void Fault_50_a_closure_that_throws()
    {
        float[] p = [1];
        using var stepper = new Ranger().Bind(p);
        Assert.Throws<NotSupportedException>(() =>
            stepper.Step<float>(() => throw new NotSupportedException(), new float[1])
        );
        Unchanged(stepper, p, 1);
        Assert.Equal(3, stepper.Step(() => 3, new float[] { 1 }));
        Assert.Equal(1, stepper.StepCount);
    }

    [Fact]
    public void A_step_while_other_weights_are_in_the_parameters()
    {
        float[] p = [1];
        using var stepper = new Lookahead(new Sgd { LearningRate = 1 }) { Period = 10 }.Bind(p);
        stepper.Step([0.25f]);
        using (stepper.UseSlowWeights())
        {
            Assert.Equal(1, p[0]);
            Assert.Throws<InvalidOperationException>(() => stepper.Step(new float[1]));
            Assert.Throws<InvalidOperationException>(() => stepper.UseSlowWeights());
            Assert.Throws<InvalidOperationException>(stepper.Synchronize);
        }

        Assert.Equal(0.75f, p[0]);
        using var plain = new Sgd().Bind(new float[1]);
        Assert.Throws<InvalidOperationException>(() => plain.UseSlowWeights());
        Assert.Throws<InvalidOperationException>(plain.Synchronize);
    }

    [Fact]
    public void Element_types_without_kernels() =>
        Assert.Throws<NotSupportedException>(() => new Parameter<Half>("p", new Half[1]));

    private static void Unchanged(Stepper<float> stepper, float[] p, params float[] expected)
    {
        Assert.Equal(expected, p);
        Assert.Equal(0, stepper.StepCount);
        Assert.All(stepper.StateCounters, c => Assert.Equal(0, c.Value));
        Assert.All(
            stepper.StateArrays.Where(a => !a.Name.StartsWith("slow_weights", StringComparison.Ordinal)),
            a => Assert.All(a.Slice(0, (int)a.Length).ToArray(), v => Assert.Equal(0, v))
        );
    }

    private static void Names(ArgumentException thrown, params string[] sides) =>
        Assert.All(sides, side => Assert.Contains(side, thrown.Message, StringComparison.Ordinal));
}
