using NativeRanger.Mpi.Tests.Faults;
using NativeRanger.Mpi.Tests.Support;

namespace NativeRanger.Mpi.Tests.Sharding;

/// <summary>Messages are on their way while a rank steps. The log of the stand-in library is one for the whole process.</summary>
[Collection(nameof(FailingCalls))]
public sealed class OverlapTests : IDisposable
{
    public void Dispose() => StandIn.Reset();

    [Fact]
    public void The_next_bucket_is_sent_before_a_bucket_is_stepped_and_its_parameters_after_it()
    {
        StandIn.Reset();
        Ranks.Run(
            2,
            communicator =>
            {
                // Three buckets, of which each rank steps a block.
                using var stepper = new Ranger().BindSharded(
                    [Parameter.Of("p", new float[6 * 4096])],
                    communicator,
                    new() { BucketBytes = 2 * 4096 * sizeof(float) }
                );
                return stepper.Step(new float[6 * 4096]);
            }
        );

        const int Gradients = (int)Channel.Gradients;
        const int Parameters = (int)Channel.Parameters;
        int[] expected = [Gradients, Gradients, Parameters, Gradients, Parameters, Parameters];
        Assert.Equal(expected, StandIn.SentTags(0));
        Assert.Equal(expected, StandIn.SentTags(1));
    }
}
