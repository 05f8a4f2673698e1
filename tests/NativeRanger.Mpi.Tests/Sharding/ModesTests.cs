using NativeRanger.Mpi.Tests.Support;

namespace NativeRanger.Mpi.Tests.Sharding;

/// <summary>What can be asked of a sharded stepper, against one process that is asked for the same.</summary>
public sealed class ModesTests
{
    private const int Size = 3;
    private const int Length = 9001;

    [Theory]
    [InlineData(GradientCombination.Mean, false)]
    [InlineData(GradientCombination.Sum, false)]
    [InlineData(GradientCombination.Mean, true)]
    [InlineData(GradientCombination.Sum, true)]
    public void Gradients_are_averaged_or_summed_in_their_type_or_in_double(
        GradientCombination combination,
        bool inDouble
    )
    {
        var recipe = new AdamW { LearningRate = 0.1, ClipNorm = 0.5 };
        var alone = new float[Length];
        using var reference = recipe.Bind(alone);
        for (var t = 0; t < 4; t++)
        {
            var combined = new float[Length];
            for (var i = 0; i < Length; i++)
            {
                var contributions = Enumerable.Range(0, Size).Select(rank => Gradient(t, rank, i)).ToArray();
                var factor = combination == GradientCombination.Mean ? 1.0 / Size : 1;
                combined[i] = inDouble
                    ? (float)(contributions.Aggregate(0.0, (sum, g) => sum + g) * factor)
                    : contributions.Aggregate((sum, g) => sum + g) * (float)factor;
            }

            reference.Step(combined);
        }

        var options = new ShardingOptions
        {
            MicroBatches = Size,
            Combination = combination,
            AccumulateInDouble = inDouble,
            BucketBytes = 8192,
        };
        foreach (var values in OnRanks(recipe, options, steps: 4))
        {
            Assert.Equal(alone, values);
        }
    }

    /// <summary>Sums of whole numbers are exact in any order, so that both modes have to give the bits of one process.</summary>
    [Theory]
    [InlineData(ReductionMode.Reproducible, false)]
    [InlineData(ReductionMode.Reproducible, true)]
    [InlineData(ReductionMode.Fast, false)]
    public void Columns_averages_a_group_that_joins_a_norm_that_is_clipped_and_gradients_that_are_zeroed(
        ReductionMode mode,
        bool inDouble
    )
    {
        const int Ranks = 2;
        var recipe = new Ranger { LearningRate = 0.1, Period = 2 };
        float[] Whole(int length, int seed) => [.. Enumerable.Range(0, length).Select(i => (float)((i + seed) % 17))];

        float[][] Run(Stepper<float> stepper, IEnumerable<int> own, Parameter<float>[] parameters)
        {
            stepper.AddAverage(new ExponentialAverage { Decay = 0.8 });
            stepper.AddGroup(new(parameters[1]));
            for (var t = 0; t < 6; t++)
            {
                if (t == 3)
                {
                    stepper.Groups[0].Optimizer = recipe with { ClipNorm = 0.5 };
                }

                foreach (var rank in own)
                {
                    stepper.Accumulate(Whole(900, t + rank), Whole(5001, t - rank + 9));
                }

                stepper.StepAccumulated();
            }

            using (stepper.Averages[0].Use())
            {
                return [.. parameters.Select(p => p.Slice(0, (int)p.Length).ToArray())];
            }
        }

        Parameter<float>[] Parameters() =>
            [
                new("columns", Whole(900, 3), 30, 30) { StorageOrder = StorageOrder.ColumnMajor },
                Parameter.Of("vector", Whole(5001, 4)),
            ];

        var own = Parameters();
        float[][] alone;
        using (var stepper = recipe.Bind([own[0]]))
        {
            alone = Run(stepper, Enumerable.Range(0, Ranks), own);
        }

        var options = new ShardingOptions
        {
            Reduction = mode,
            MicroBatches = Ranks,
            AccumulateInDouble = inDouble,
            BucketBytes = 8192,
        };
        var sharded = Support.Ranks.Run(
            Ranks,
            communicator =>
            {
                var parameters = Parameters();
                using var stepper = recipe.BindSharded([parameters[0]], communicator, options);
                stepper.ZeroGradients = true;
                var end = Run(stepper, [communicator.Rank], parameters);
                float[] gradient = Whole(900, 1);
                stepper.Step([gradient, Whole(5001, 1)]);
                Assert.All(gradient, x => Assert.Equal(0, x));
                Assert.True(stepper.Sharding().BucketBytes > 0);
                return end;
            }
        );

        Assert.All(sharded, end => Assert.Equal(alone, end));
    }

    /// <summary>Then the ranks sum the squares of gradients that are scaled down, as one process does.</summary>
    [Fact]
    public void A_norm_whose_squares_overflow_is_clipped_to_the_bits_of_one_process()
    {
        var recipe = new Sgd { LearningRate = 1, ClipNorm = 2 };
        double[] gradient = [.. Enumerable.Range(1, 9000).Select(i => i * 1e197)];
        var alone = new double[gradient.Length];
        using (var stepper = recipe.Bind(alone))
        {
            stepper.Step(gradient);
        }

        var sharded = Ranks.Run(
            2,
            communicator =>
            {
                var values = new double[gradient.Length];
                using var stepper = recipe.BindSharded([Parameter.Of("p", values)], communicator);
                stepper.Step(gradient);
                return values;
            }
        );

        Assert.InRange(Math.Sqrt(alone.Sum(x => x * x)), 1.999, 2.001);
        Assert.All(sharded, values => Assert.Equal(alone, values));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_fast_mode_gives_the_same_on_all_ranks_and_nearly_the_same_as_one_process(bool inDouble)
    {
        var recipe = new AdamW { LearningRate = 0.1, ClipNorm = 0.5 };
        ShardingOptions Options(ReductionMode mode) =>
            new()
            {
                Reduction = mode,
                AccumulateInDouble = inDouble,
                BucketBytes = 8192,
            };

        var fast = OnRanks(recipe, Options(ReductionMode.Fast), steps: 4);
        var reproducible = OnRanks(recipe, Options(ReductionMode.Reproducible), steps: 4);

        Assert.All(fast, values => Assert.Equal(fast[0], values));
        // Three floats added in another order differ by at most two roundings of their sum; Adam's update is Lipschitz in the
        // gradient with about rate / |g|, where |g| is 0.1 and more, and four steps add up: 4 * 0.1 / 0.1 * 2^-22 < 1e-6.
        for (var i = 0; i < Length; i++)
        {
            Assert.InRange(fast[0][i], reproducible[0][i] - 1e-6f, reproducible[0][i] + 1e-6f);
        }
    }

    [Fact]
    public void Groups_schedules_rates_options_syncs_and_scopes_are_those_of_one_process()
    {
        var recipe = new Ranger { LearningRate = 0.1, Period = 4 };
        Parameter<double>[] Rows() => [Parameter.Of("rows", new double[60 * 50], 60, 50)];
        Parameter<double>[] Vector() => [Parameter.Of("vector", new double[5000])];
        double[][] Gradients(int step, int rank) =>
            [
                .. new[] { 3000, 5000 }.Select(n =>
                    Enumerable.Range(0, n).Select(i => (double)Gradient(step, rank, i)).ToArray()
                ),
            ];

        double[][] Run(Stepper<double> stepper, Action<int> step)
        {
            var seen = new List<double[]>();
            stepper.Schedule = Schedules.FlatAnneal(10);
            stepper.AddGroup(new(Vector()) { Optimizer = recipe with { LearningRate = 0.3, WeightDecay = 0.1 } });
            stepper.AddAverage(new ExponentialAverage { Decay = 0.8 });
            for (var t = 0; t < 10; t++)
            {
                switch (t)
                {
                    case 3:
                        stepper.Groups[0].Optimizer = recipe with { Beta1 = 0.5 };
                        break;
                    case 5:
                        stepper.Synchronize();
                        break;
                    case 7:
                        using (stepper.UseSlowWeights())
                        {
                            seen.Add(stepper.Parameters[0].Slice(0, 3000).ToArray());
                        }

                        using (stepper.Averages[0].Use())
                        {
                            seen.Add(stepper.Parameters[1].Slice(0, 5000).ToArray());
                        }

                        break;
                }

                step(t);
            }

            return [.. seen, .. stepper.Parameters.Select(p => p.Slice(0, (int)p.Length).ToArray())];
        }

        double[][] alone;
        using (var stepper = recipe.Bind(Rows()))
        {
            alone = Run(
                stepper,
                t =>
                {
                    for (var rank = 0; rank < Size; rank++)
                    {
                        stepper.Accumulate(Gradients(t, rank));
                    }

                    stepper.StepAccumulated(t == 8 ? 0.01 : null);
                }
            );
        }

        var together = Ranks.Run(
            Size,
            communicator =>
            {
                using var stepper = recipe.BindSharded(Rows(), communicator, new() { BucketBytes = 8192 });
                return Run(stepper, t => stepper.Step(Gradients(t, communicator.Rank), t == 8 ? 0.01 : null));
            }
        );

        Assert.All(together, values => Assert.Equal(alone, values));
    }

    [Fact]
    public void Micro_batches_that_a_rank_has_none_of_are_asked_for_as_null()
    {
        var failures = Ranks.Try(
            2,
            communicator =>
            {
                using var end = communicator;
                using var stepper = new AdamW().BindSharded(
                    [Parameter.Of("p", new float[10])],
                    communicator,
                    new() { MicroBatches = 3 }
                );
                var g = new float[10];
                var direct = Assert.Throws<RankDisagreementException>(() => stepper.Step([g]));
                Assert.Contains(
                    "A step has 3 micro-batches, which 2 ranks bring in 2 rounds",
                    direct.Message,
                    StringComparison.Ordinal
                );
                stepper.Accumulate(g);
                var early = Assert.Throws<RankDisagreementException>(() => stepper.StepAccumulated());
                Assert.Contains("there have been 1", early.Message, StringComparison.Ordinal);
                var surplus = Assert.Throws<RankDisagreementException>(() => stepper.Accumulate(g));
                Assert.Contains(
                    "rank 1 of 2 has none in round 1: pass null gradients",
                    surplus.Message,
                    StringComparison.Ordinal
                );
                stepper.Accumulate(communicator.Rank == 0 ? g : null);
                Assert.True(stepper.StepAccumulated());
            }
        );

        Assert.All(failures, Assert.Null);
    }

    private static float Gradient(int step, int rank, int i) => (float)(Math.Sin((i * 0.7) + (rank * 2.1) + step) + 2);

    private static float[][] OnRanks(Optimizer recipe, ShardingOptions options, int steps) =>
        Ranks.Run(
            Size,
            communicator =>
            {
                var values = new float[Length];
                using var stepper = recipe.BindSharded([Parameter.Of("p", values)], communicator, options);
                for (var t = 0; t < steps; t++)
                {
                    stepper.Step([
                        Enumerable.Range(0, Length).Select(i => Gradient(t, communicator.Rank, i)).ToArray(),
                    ]);
                }

                return values;
            }
        );
}
