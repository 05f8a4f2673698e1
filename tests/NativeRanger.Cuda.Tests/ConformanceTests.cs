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

    /// <summary>A checkpoint of one backend goes on on another.</summary>
    [Theory]
    [InlineData("ranger", "bare", NonFinitePolicy.Propagate)]
    [InlineData("momentum", "lookahead-pullback", NonFinitePolicy.SkipStep)]
    [InlineData("seed-ranger-branches", "lookahead", NonFinitePolicy.Propagate)]
    public void Fault_75_checkpoints_from_and_to_the_device(string optimizer, string wrapper, NonFinitePolicy policy)
    {
        var recipe = Registry.Recipe(optimizer, "none", wrapper) with { NonFinite = policy };
        Scenario<float> Make(Func<ReadOnlyMemory<float>, DeviceBuffer<float>>? upload) =>
            new Scenario<float>(
                11,
                12,
                policy == NonFinitePolicy.SkipStep ? GradientKind.Hostile : GradientKind.Ordinary,
                true,
                [3, 5],
                [2]
            ).On(upload);
        var gpu = StandIn.Open();
        var expected = Make(null).Run(recipe, Backend.Native);
        foreach (var cut in new[] { 1, 5, 6, 7 })
        {
            foreach (
                var (from, to) in new (Backend, Backend)[] { (gpu, gpu), (gpu, Backend.Native), (Backend.Native, gpu) }
            )
            {
                using var checkpoint = new MemoryStream();
                Make(from == gpu ? Upload : null)
                    .Run(
                        recipe,
                        from,
                        afterStep: (stepper, t) =>
                        {
                            if (t == cut)
                            {
                                stepper.Save(checkpoint);
                            }
                        }
                    );
                checkpoint.Position = 0;
                var resumed = Make(to == gpu ? Upload : null).Resume(recipe, to, checkpoint);
                var difference = expected.Difference(resumed);
                Assert.True(difference is null, $"{from} to {to} after {cut}: {difference}");
            }
        }

        Assert.Equal(0, StandIn.Violations);
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
