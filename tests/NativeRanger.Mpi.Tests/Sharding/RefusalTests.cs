using NativeRanger.Mpi.Tests.Support;

namespace NativeRanger.Mpi.Tests.Sharding;

/// <summary>What one rank asks for that cannot be is refused there, and nothing has changed.</summary>
public sealed class RefusalTests
{
    private static readonly Ranger recipe = new() { LearningRate = 0.1 };

    [Fact]
    public void A_colour_is_not_negative()
    {
        Ranks.Run(
            2,
            communicator =>
            {
                var refused = Assert.Throws<ArgumentOutOfRangeException>(() => communicator.Split(-1));
                Assert.Contains("A colour must be at least 0; it is -1.", refused.Message, StringComparison.Ordinal);
                using var part = communicator.Split(communicator.Rank);
                Assert.Equal(1, part!.Size);
                part.Dispose();
                return true;
            }
        );
    }

    [Fact]
    public void Options_that_would_change_who_has_which_rows_are_refused_between_steps()
    {
        float[] Run(bool tries)
        {
            var ends = Ranks.Run(
                2,
                communicator =>
                {
                    var values = Enumerable.Range(0, 90).Select(i => (float)(i % 7)).ToArray();
                    using var stepper = recipe.BindSharded([Parameter.Of("rows", values, 9, 10)], communicator);
                    if (tries)
                    {
                        var refused = Assert.Throws<ArgumentException>(() =>
                            stepper.Groups[0].Optimizer = recipe with { Centralization = Centralization.None }
                        );
                        Assert.Contains("the rows of parameter 'rows'", refused.Message, StringComparison.Ordinal);
                    }

                    stepper.Step([.. values.Select(x => x - 1)]);
                    return values;
                }
            );
            return ends[0];
        }

        Assert.Equal(Run(tries: false), Run(tries: true));
    }

    [Fact]
    public void Micro_batches_beyond_those_of_a_step_are_refused()
    {
        Ranks.Run(
            2,
            communicator =>
            {
                float[] values = [1, 2, 3];
                float[] gradient = [1, 1, 1];
                using var stepper = new Sgd { LearningRate = 1 }.BindSharded(
                    [Parameter.Of("p", values)],
                    communicator,
                    new() { MicroBatches = 4 }
                );
                stepper.Accumulate(gradient);
                Says("rounds of micro-batches have been accumulated", () => stepper.Step(gradient));
                stepper.Accumulate(gradient);
                Says("All 4 micro-batches of the step have been accumulated", () => stepper.Accumulate(gradient));
                stepper.StepAccumulated();
                Assert.Equal([0, 1, 2], values);
                return true;
            }
        );

        static void Says(string words, Action action) =>
            Assert.Contains(words, Assert.ThrowsAny<Exception>(action).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_gradient_of_another_length_on_one_rank_is_refused_on_all()
    {
        var failures = Ranks.Try(
            2,
            communicator =>
            {
                using var stepper = recipe.BindSharded([Parameter.Of("p", new float[3])], communicator);
                stepper.Accumulate(new float[3 - communicator.Rank]);
            }
        );

        Assert.All(failures, f => Assert.IsType<RankDisagreementException>(f));
        Assert.Equal(failures[0]!.Message, failures[1]!.Message);
        Assert.Contains("'p'", failures[0]!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stepper_tells_what_of_it_is_on_this_rank()
    {
        Ranks.Run(
            2,
            communicator =>
            {
                using var stepper = recipe.BindSharded([Parameter.Of("p", new float[10_000])], communicator);
                var sharding = stepper.Sharding();
                Assert.Same(communicator, sharding.Communicator);
                Assert.Equal(ReductionMode.Reproducible, sharding.Options.Reduction);
                Assert.Equal(TimeSpan.Zero, sharding.StepTime);
                stepper.Step(new float[10_000]);
                Assert.True(sharding.KernelTime > TimeSpan.Zero);
                Assert.True(sharding.StepTime >= sharding.KernelTime);
                Assert.True(sharding.BucketBytes > 0);
                Assert.Contains($", rank {communicator.Rank} of 2", stepper.ToString(), StringComparison.Ordinal);
                Assert.StartsWith("mpi, ", stepper.Backend.ToString(), StringComparison.Ordinal);
                return true;
            }
        );
    }
}
