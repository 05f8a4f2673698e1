using System.Numerics;
using NativeRanger.Cuda.Tests.Support;
using NativeRanger.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Cuda.Tests;

/// <summary>A device gives the bits of the managed reference: parameters, state and counters.</summary>
public sealed class ConformanceTests
{
    private static readonly long[][] shapes =
    [
        [],
        [0],
        [7],
        [3, 0],
        [1, 5],
        [4, 1],
        [5, 13],
        [3, 4, 3, 3],
        [3, 67],
    ];

    [Theory]
    [MemberData(nameof(Registry.Combinations), MemberType = typeof(Registry))]
    public void Every_combination(string optimizer, string transform, string wrapper)
    {
        var recipe = Registry.Recipe(optimizer, transform, wrapper);
        Compare<float>(recipe, new(1, 7, GradientKind.Ordinary, skips: true, shapes), onDevice: true);
        Compare<double>(recipe, new(2, 7, GradientKind.Hostile, skips: true, shapes), onDevice: true);
    }

    [Theory]
    [InlineData("ranger", "none", "bare")]
    [InlineData("adam-l2", "everything", "lookahead-twice")]
    [InlineData("seed-ranger-branches", "none", "lookahead-reset")]
    public void Arrays_of_the_host(string optimizer, string transform, string wrapper)
    {
        var recipe = Registry.Recipe(optimizer, transform, wrapper);
        Compare<float>(recipe, new(3, 7, GradientKind.Ordinary, skips: true, shapes));
        Compare<double>(recipe, new(4, 7, GradientKind.Hostile, skips: true, shapes));
    }

    /// <summary>Gradients of the host are zeroed there, a group may join when there are averages, and a sync reaches the arrays.</summary>
    [Fact]
    public void Arrays_of_the_host_with_zeroed_gradients_and_a_group_that_joins()
    {
        var gpu = StandIn.Open();
        var recipe = new Lookahead(new Adam { LearningRate = 0.1 }) { Period = 2 };
        var (device, processor) = (Run(gpu), Run(Backend.Native));
        Assert.Equal(processor, device);

        float[] Run(Backend backend)
        {
            float[] a = [1, 2, 3];
            float[] b = [4, 5];
            using var stepper = recipe.Bind([new ParameterGroup<float>(Parameter.Of("a", a))], backend);
            stepper.ZeroGradients = true;
            var average = stepper.AddAverage(new ExponentialAverage { Decay = 0.5 });
            float[] first = [1, -1, 2];
            Assert.True(stepper.Step([first]));
            Assert.Equal([0, 0, 0], first);
            stepper.AddGroup(new(Parameter.Of("b", b)));
            for (var t = 0; t < 4; t++)
            {
                float[] ga = [t, 1, -t];
                float[] gb = [0.5f, t];
                Assert.True(stepper.Step([ga, gb]));
                Assert.Equal([0, 0, 0], ga);
                Assert.Equal([0, 0], gb);
            }

            stepper.Synchronize();
            return [.. a, .. b, .. average.Weights(1).Slice(0, 2)];
        }
    }

    [Theory]
    [InlineData(StorageOrder.ColumnMajor, 0)]
    [InlineData(StorageOrder.ColumnMajor, 1)]
    [InlineData(StorageOrder.RowMajor, 1)]
    public void Every_layout_of_rows(StorageOrder storage, int outputDimension)
    {
        long[][] matrices =
        [
            [1, 5],
            [5, 1],
            [10, 78],
            [65, 70],
        ];
        foreach (var transform in new[] { "centralised", "centralised-update", "standardised", "everything" })
        {
            Compare<float>(
                Registry.Recipe("radam-l2", transform),
                new(5, 3, GradientKind.Ordinary, skips: false, matrices)
                {
                    Storage = storage,
                    OutputDimension = outputDimension,
                    Offset = 3,
                },
                onDevice: true
            );
        }
    }

    [Theory]
    [InlineData(NonFinitePolicy.SkipStep)]
    [InlineData(NonFinitePolicy.Propagate)]
    public void Fault_13_14_skipped_steps_on_a_device(NonFinitePolicy policy)
    {
        var recipe = Registry.Recipe("ranger", "clip-norm", "lookahead") with { NonFinite = policy };
        Compare<float>(recipe, new(6, 14, GradientKind.Hostile, skips: true, [2], [3]), onDevice: true);
        Compare<double>(recipe, new(7, 14, GradientKind.Hostile, skips: true, [2], [3]), onDevice: true);
        Compare<double>(recipe, new(8, 14, GradientKind.Hostile, skips: true, [2], [3]));
    }

    [Theory]
    [InlineData("momentum", "lookahead-pullback")]
    [InlineData("adam", "lookahead-reset")]
    public void Averages_and_synchronising_by_hand(string optimizer, string wrapper)
    {
        Compare<float>(
            Registry.Recipe(optimizer, "none", wrapper),
            new(9, 9, GradientKind.Ordinary, skips: true, [7], [3, 5]),
            onDevice: true,
            stepper =>
            {
                stepper.AddAverage(new ExponentialAverage { Decay = 0.9 });
                stepper.AddAverage(new StochasticAverage { Start = 2, Every = 2 });
            },
            (stepper, t) =>
            {
                if (t is 3 or 4)
                {
                    stepper.Synchronize();
                }
            }
        );
    }

    /// <summary>Evaluating on slow weights swaps them with the parameters, and back.</summary>
    [Fact]
    public void Slow_weights_in_the_place_of_parameters()
    {
        var recipe = Registry.Recipe("ranger", "none", "bare");
        Compare<double>(
            recipe,
            new(10, 8, GradientKind.Ordinary, skips: false, [3, 5]),
            onDevice: true,
            afterStep: (stepper, _) =>
            {
                var before = stepper.Parameters[0].Slice(0, 15).ToArray();
                var slow = stepper.SlowWeights().Slice(0, 15).ToArray();
                using (stepper.UseSlowWeights())
                {
                    Assert.Equal(slow, stepper.Parameters[0].Slice(0, 15).ToArray());
                }

                Assert.Equal(before, stepper.Parameters[0].Slice(0, 15).ToArray());
            }
        );
    }

    /// <summary>A run that is cut after any step goes on on the same device or another backend, with the bits of the whole run.</summary>
    [Theory]
    [MemberData(nameof(Registry.Wrapped), MemberType = typeof(Registry))]
    public void Fault_75_checkpoints_from_and_to_the_device(string optimizer, string wrapper)
    {
        var recipe = Registry.Recipe(optimizer, "none", wrapper);
        CutAtEveryStep<float>(recipe, GradientKind.Ordinary);
        CutAtEveryStep<double>(recipe with { NonFinite = NonFinitePolicy.SkipStep }, GradientKind.Hostile);
        Assert.Equal(0, StandIn.Violations);
    }

    private static void CutAtEveryStep<T>(Optimizer recipe, GradientKind kind)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        // RAdam rectifies from step 6, Ranger synchronises after 6, the other wrappers after 2, 3, 4 and so on.
        const int Steps = 9;
        var gpu = StandIn.Open();
        var scenario = new Scenario<T>(11, Steps, kind, skips: true, [3, 5], [2]);
        var onDevice = scenario.On(Upload);
        var expected = scenario.Run(recipe, Backend.Native);
        var ofDevice = Checkpoints(onDevice, gpu);
        var ofProcessor = Checkpoints(scenario, Backend.Native);
        for (var cut = 0; cut <= Steps; cut++)
        {
            // Whoever saves, the file is the same; so each may take up the other's.
            Assert.Equal(ofProcessor[cut], ofDevice[cut]);
            foreach (var backend in new[] { gpu, Backend.Native })
            {
                var run = backend == gpu ? onDevice : scenario;
                var difference = expected.Difference(run.Resume(recipe, backend, new MemoryStream(ofDevice[cut])));
                Assert.True(difference is null, $"cut after {cut}, resumed by {backend}: {difference}");
            }
        }

        List<byte[]> Checkpoints(Scenario<T> run, Backend backend)
        {
            var all = new List<byte[]>();
            run.Run(recipe, backend, Save, (stepper, _) => Save(stepper));
            return all;

            void Save(Stepper<T> stepper)
            {
                using var checkpoint = new MemoryStream();
                stepper.Save(checkpoint);
                all.Add(checkpoint.ToArray());
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Accumulated_micro_batches(bool onDevice)
    {
        var random = new Random(12);
        var batches = Enumerable
            .Range(0, 9)
            .Select(_ => Enumerable.Range(0, 300).Select(_ => random.NextSingle()).ToArray())
            .ToArray();
        var recipe = new AdamW { LearningRate = 0.1 };
        var gpu = StandIn.Open();
        var expected = new float[300];
        using var reference = recipe.Bind(expected, Backend.Managed);
        using var values = gpu.Upload<float>(new float[300]);
        using var stepper = recipe.Bind(values);
        for (var i = 0; i < batches.Length; i++)
        {
            reference.Accumulate(batches[i]);
            if (onDevice)
            {
                using var batch = gpu.Upload<float>(batches[i]);
                stepper.Accumulate([(Gradient<float>)batch]);
            }
            else
            {
                stepper.Accumulate(batches[i]);
            }

            if (i % 3 == 2)
            {
                reference.StepAccumulated();
                stepper.StepAccumulated();
            }
        }

        Assert.Null(Bits.Difference<float>("values", expected, values.ToArray()));
    }

    private static DeviceBuffer<T> Upload<T>(ReadOnlyMemory<T> values)
        where T : unmanaged, IFloatingPointIeee754<T> => StandIn.Open().Upload(values.Span);

    private static void Compare<T>(
        Optimizer recipe,
        Scenario<T> scenario,
        bool onDevice = false,
        Action<Stepper<T>>? prepare = null,
        Action<Stepper<T>, int>? afterStep = null
    )
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var expected = scenario.Run(recipe, Backend.Managed, prepare, afterStep);
        var actual = scenario.On(onDevice ? Upload : null).Run(recipe, StandIn.Open(), prepare, afterStep);
        var difference = expected.Difference(actual);
        Assert.True(difference is null, $"{typeof(T).Name}: {difference}");
    }
}
