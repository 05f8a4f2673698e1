using NativeRanger.Mpi.Tests.Support;

namespace NativeRanger.Mpi.Tests.Faults;

/// <summary>Tests that let calls of the MPI library fail run alone: the library is one for the whole process.</summary>
[CollectionDefinition(nameof(FailingCalls), DisableParallelization = true)]
public sealed class FailingCalls;

/// <summary>Whichever call of the MPI library fails or never completes: every rank ends in an exception, and none hangs.</summary>
[Collection(nameof(FailingCalls))]
public sealed class FailingCallsTests : IDisposable
{
    private const int Size = 3;

    /// <summary>Every function that communicates, and the mode that calls it.</summary>
    public static TheoryData<string, ReductionMode> Functions =>
        new()
        {
            { "Comm_idup", ReductionMode.Reproducible },
            { "Comm_split", ReductionMode.Reproducible },
            { "Comm_set_errhandler", ReductionMode.Reproducible },
            { "Comm_rank", ReductionMode.Reproducible },
            { "Comm_size", ReductionMode.Reproducible },
            { "Isend", ReductionMode.Reproducible },
            { "Irecv", ReductionMode.Reproducible },
            { "Test", ReductionMode.Reproducible },
            { "Iallgather", ReductionMode.Reproducible },
            { "Ibcast", ReductionMode.Reproducible },
            { "Iallgatherv", ReductionMode.Fast },
            { "Ireduce_scatter", ReductionMode.Fast },
        };

    /// <summary>Those whose operations complete later.</summary>
    public static TheoryData<string, ReductionMode> Operations =>
        new()
        {
            { "Comm_idup", ReductionMode.Reproducible },
            { "Comm_split", ReductionMode.Reproducible },
            { "Isend", ReductionMode.Reproducible },
            { "Irecv", ReductionMode.Reproducible },
            { "Iallgather", ReductionMode.Reproducible },
            { "Iallgatherv", ReductionMode.Fast },
            { "Ireduce_scatter", ReductionMode.Fast },
        };

    public void Dispose() => StandIn.Reset();

    [Theory]
    [MemberData(nameof(Functions))]
    public void A_call_that_fails_is_named_and_no_rank_hangs(string function, ReductionMode mode)
    {
        StandIn.Reset();
        Work(mode, Ranks.Patience);
        // Waiting calls Test as often as it takes.
        var calls = Math.Min(StandIn.Calls(function), 60);
        Assert.True(calls > 0, $"{function} is not called");
        foreach (var after in new[] { 0, calls * 2 / 3 }.Distinct())
        {
            StandIn.Reset();
            StandIn.Fail(function, after);
            var failures = Work(mode, TimeSpan.FromSeconds(1));
            var words = $"MPI_{function}: MPI_ERR_OTHER: injected";
            var named = failures.OfType<MpiException>().Count(f => f.Message.Contains(words, StringComparison.Ordinal));
            Assert.True(
                named == 1,
                $"{function} after {after}: {string.Join(" | ", failures.Select(f => f?.Message))}"
            );
            Assert.All(
                failures.Where(f => f is not null),
                f =>
                    Assert.True(
                        f is MpiException or RankTimeoutException or RankDisagreementException,
                        $"{function}: {f}"
                    )
            );
        }
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void What_never_completes_ends_in_a_timeout(string function, ReductionMode mode)
    {
        StandIn.Reset();
        Work(mode, Ranks.Patience);
        var calls = StandIn.Calls(function);
        foreach (var after in new[] { 0, calls * 2 / 3 }.Distinct())
        {
            StandIn.Reset();
            StandIn.Stall(function, after);
            // A rank that is merely late times out, too, which is what is asserted.
            var failures = Work(mode, TimeSpan.FromMilliseconds(300));
            Assert.Contains(failures, f => f is RankTimeoutException);
            Assert.All(
                failures.Where(f => f is not null),
                f =>
                    Assert.True(
                        f is RankTimeoutException or RankDisagreementException,
                        $"{function} after {after}: {f}"
                    )
            );
        }
    }

    /// <summary>Splits, binds, steps and disagrees; what each rank throws. The time limit begins once all know each other.</summary>
    private static Exception?[] Work(ReductionMode mode, TimeSpan timeout) =>
        Ranks.Try(
            Size,
            communicator =>
            {
                try
                {
                    communicator.Timeout = timeout;
                    using var part = communicator.Split(0);
                    using var stepper = new Ranger { ClipNorm = 1 }.BindSharded(
                        [Parameter.Of("p", new float[9000])],
                        part!,
                        new() { Reduction = mode, BucketBytes = 8192 }
                    );
                    for (var t = 0; t < 3; t++)
                    {
                        stepper.Step([new float[9000]]);
                    }

                    try
                    {
                        stepper.Step([new float[9000]], learningRate: part!.Rank);
                    }
                    catch (RankDisagreementException)
                    {
                        stepper.Step([new float[9000]]);
                    }
                }
                finally
                {
                    communicator.Dispose();
                }
            },
            TimeSpan.FromSeconds(1)
        );
}
