using NativeRanger.Mpi.Tests.Support;
using NativeRanger.Tests.Support;

namespace NativeRanger.Mpi.Tests.Sharding;

/// <summary>What a rank holds, and that its steps allocate nothing.</summary>
public sealed class MemoryTests
{
    public static TheoryData<Optimizer, ShardingOptions> Ways =>
        new()
        {
            { new Ranger(), new() },
            {
                new Ranger { ClipNorm = 1 },
                new() { BucketBytes = 4096 }
            },
            {
                new AdamW { NonFinite = NonFinitePolicy.SkipStep },
                new() { AccumulateInDouble = true }
            },
            {
                new AdamW { ClipNorm = 1 },
                new() { Reduction = ReductionMode.Fast, BucketBytes = 4096 }
            },
            {
                new SeedRanger(),
                new() { Reduction = ReductionMode.Fast, AccumulateInDouble = true }
            },
        };

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_step_allocates_nothing(Optimizer recipe, ShardingOptions options)
    {
        var allocated = Ranks.Run(
            3,
            communicator =>
            {
                using var stepper = recipe.BindSharded(
                    [Parameter.Of("rows", new float[6000], 60, 100), Parameter.Of("vector", new float[9000])],
                    communicator,
                    options
                );
                stepper.AddAverage(new ExponentialAverage());
                var (a, b) = (new float[6000], new float[9000]);
                void Steps()
                {
                    for (var i = 0; i < 8; i++)
                    {
                        stepper.Step([a, b]);
                        stepper.Accumulate(a, null);
                        stepper.Accumulate(a, communicator.Rank == 1 ? null : b);
                        stepper.StepAccumulated();
                    }
                }

                Steps();
                return Allocations.Of(Steps);
            }
        );

        Assert.Equal([0, 0, 0], allocated);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(7)]
    public void State_is_shared_equally_to_within_two_percent(int ranks)
    {
        static Parameter<float>[] Parameters() =>
            [
                Parameter.Of("hidden", new float[400 * 784], 400, 784),
                Parameter.Of("bias", new float[400]),
                Parameter.Of("output", new float[400 * 100], 100, 400),
            ];
        var recipe = new Ranger();
        using var alone = recipe.Bind(Parameters());
        var whole = alone.StateArrays.Sum(a => a.Length) * sizeof(float);

        var sharded = Ranks.Run(
            ranks,
            communicator =>
            {
                using var stepper = recipe.BindSharded(Parameters(), communicator);
                var sharding = stepper.Sharding();
                Assert.Equal(0, sharding.BucketBytes);
                var gradients = Parameters().Select(p => new float[p.Length]).ToArray();
                stepper.Step(gradients);
                Assert.Equal(0, sharding.GradientBytes);
                Assert.InRange(sharding.BucketBytes, 1, MostBucketBytes(ranks));
                stepper.Accumulate(gradients);
                stepper.StepAccumulated();
                return (sharding.StateBytes, sharding.GradientBytes);
            }
        );

        // Two buckets arrive from the other ranks and two are sent, one is summed; short parameters are gathered twice more.
        static long MostBucketBytes(int ranks) => 8 * ShardingOptions.DefaultSlice * ranks;

        Assert.Equal(whole, sharded.Sum(s => s.StateBytes));
        Assert.All(sharded, s => Assert.InRange(s.StateBytes, 0.98 * whole / ranks, 1.02 * whole / ranks));
        // Three state arrays, one array of gradient sums, but for what aligns them.
        Assert.All(sharded, s => Assert.InRange(s.GradientBytes, s.StateBytes / 3, (s.StateBytes / 3) + 1024));
    }

    [Fact]
    public void More_ranks_than_rows_leaves_some_with_nothing_and_changes_no_bit()
    {
        var recipe = new Ranger { LearningRate = 0.1 };
        var alone = new float[20];
        using var reference = recipe.Bind(alone, rows: 2, columns: 10);
        var g = Enumerable.Range(0, 20).Select(i => (float)Math.Sin(i)).ToArray();
        for (var t = 0; t < 7; t++)
        {
            reference.Step(g);
        }

        var ranges = Ranks.Run(
            5,
            communicator =>
            {
                var values = new float[20];
                using var stepper = recipe.BindSharded(
                    [Parameter.Of("p", values, 2, 10)],
                    communicator,
                    new() { MicroBatches = 1 }
                );
                for (var t = 0; t < 7; t++)
                {
                    stepper.Step([communicator.Rank == 0 ? g : null]);
                }

                Assert.Equal(alone, values);
                return stepper.Sharding().Range(0).Length;
            }
        );

        Assert.Equal(3, ranges.Count(length => length == 0));
        Assert.Equal(20, ranges.Sum());
    }
}
