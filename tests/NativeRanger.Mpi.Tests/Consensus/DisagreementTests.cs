using NativeRanger.Mpi.Tests.Support;

namespace NativeRanger.Mpi.Tests.Consensus;

/// <summary>
/// Where ranks disagree, or one fails, all throw the same exception, which names who and what; nothing has changed, and all can
/// go on together.
/// </summary>
public sealed class DisagreementTests
{
    private const int Size = 3;
    private static readonly Ranger Recipe = new() { LearningRate = 0.1 };

    /// <summary>What rank 1 binds otherwise, and what of it the message names.</summary>
    public static TheoryData<string, string[]> Bindings =>
        new()
        {
            { "rate", ["rank 1", "LearningRate: 0.25", "LearningRate: 0.1"] },
            { "recipe", ["rank 1", "Adam"] },
            { "name", ["rank 1", "parameter 'other'", "parameter 'a'"] },
            { "shape", ["rank 1", "[5, 4]", "[4, 5]"] },
            { "order", ["rank 1", "parameter 'b'", "parameter 'a'"] },
            { "more", ["rank 1", "parameter 'c'", "nothing more"] },
            { "groups", ["rank 1", "group 0", "parameter"] },
            { "bucket", ["rank 1", "bucket bytes: 8192"] },
            { "mode", ["rank 1", "reduction: Fast"] },
            { "type", ["rank 1", "element type: Double"] },
            { "fails", ["Rank 1 cannot go on with Bind", "overlap"] },
            { "elsewhere", ["rank 1", "operation: Barrier", "operation: Bind"] },
        };

    [Theory]
    [MemberData(nameof(Bindings))]
    public void Fault_77_ranks_that_bind_something_else(string how, string[] named)
    {
        var failures = Ranks.Try(
            Size,
            communicator =>
            {
                using var end = communicator;
                var message = Assert.Throws<RankDisagreementException>(() =>
                    Bind(communicator, communicator.Rank == 1 ? how : "")
                );
                Assert.Equal(1, message.Rank);
                Assert.All(named, part => Assert.Contains(part, message.Message, StringComparison.OrdinalIgnoreCase));

                // All can go on together.
                using var stepper = Bind(communicator, "");
                Assert.True(stepper!.Step(Gradients(1)));
                throw new InvalidOperationException(message.Message);
            }
        );

        Assert.Single(failures.Select(f => f!.Message).Distinct(StringComparer.Ordinal));
    }

    /// <summary>What rank 1 does otherwise in a step, and what of it the message names.</summary>
    public static TheoryData<string, string[]> Calls =>
        new()
        {
            { "rate", ["rank 1", "learning rate of group 0: 0.5", "learning rate of group 0: 0.1"] },
            { "length", ["Rank 1 cannot go on with Step", "gradient of parameter 'a' has 3 elements"] },
            { "count", ["Rank 1 cannot go on with Step", "gradients"] },
            { "closure", ["Rank 1 cannot go on with Step", "the data have ended"] },
            { "accumulates", ["rank 1", "operation: Accumulate", "operation: Step"] },
            { "barrier", ["rank 1", "operation: Barrier", "operation: Step"] },
            { "other stepper", ["rank 1", "stepper: 1", "stepper: 0"] },
            { "synchronizes", ["rank 1", "operation: Synchronize", "operation: Step"] },
            { "options", ["rank 1", "Period: 3", "Period: 6"] },
            { "evaluates", ["rank 1", "operation: ExchangeWeights", "operation: Step"] },
        };

    [Theory]
    [MemberData(nameof(Calls))]
    public void Fault_77_ranks_that_call_something_else(string how, string[] named)
    {
        var alone = RunAlone();
        var failures = Ranks.Try(
            Size,
            communicator =>
            {
                using var end = communicator;
                using var stepper = Bind(communicator, "")!;
                using var other = Bind(communicator, "")!;
                stepper.Step(Gradients(1));
                var before = State(stepper);
                var message = Assert.Throws<RankDisagreementException>(() =>
                    Call(communicator, stepper, other, communicator.Rank == 1 ? how : "")
                );
                Assert.Equal(1, message.Rank);
                Assert.All(named, part => Assert.Contains(part, message.Message, StringComparison.OrdinalIgnoreCase));
                Assert.Equal(before, State(stepper));

                if (communicator.Rank == 1 && string.Equals(how, "options", StringComparison.Ordinal))
                {
                    stepper.Groups[0].Optimizer = Recipe;
                }

                stepper.Step(Gradients(2));
                Assert.Equal(alone, stepper.Parameters[0].Slice(0, 20).ToArray());
                throw new InvalidOperationException(message.Message);
            }
        );

        Assert.Single(failures.Select(f => f!.Message).Distinct(StringComparer.Ordinal));
    }

    /// <summary>What another version is of on rank 1.</summary>
    public static TheoryData<string> Others =>
        new("NativeRanger.Mpi", "NativeRanger", "libnativeranger", "MPI library");

    [Theory]
    [MemberData(nameof(Others))]
    public void Ranks_of_different_versions_never_get_a_communicator(string what)
    {
        var here = Versions.Here("MPI 3");
        var elsewhere = what switch
        {
            "NativeRanger.Mpi" => here with { Layer = "9.9" },
            "NativeRanger" => here with { Core = "9.9" },
            "libnativeranger" => here with { Native = "9.9" },
            _ => here with { Library = "9.9" },
        };
        var next = 0;

        var failures = Ranks.Try(
            Size,
            handle =>
                Communicator.FromHandle(
                    handle,
                    Ranks.Patience,
                    Interlocked.Increment(ref next) == Size ? elsewhere : here
                )
        );

        Assert.All(failures, f => Assert.IsType<RankDisagreementException>(f));
        var message = Assert.Single(failures.Select(f => f!.Message).Distinct(StringComparer.Ordinal));
        Assert.Contains($"\"{what}: ", message, StringComparison.Ordinal);
        Assert.Contains("9.9\"", message, StringComparison.Ordinal);
        Assert.Contains("disagrees with rank 0", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_NaN_on_one_rank_skips_the_step_on_all()
    {
        var alone = RunAlone();
        Ranks.Run(
            Size,
            communicator =>
            {
                var recipe = Recipe with { NonFinite = NonFinitePolicy.SkipStep };
                using var stepper = recipe.BindSharded(Parameters(), communicator, new() { MicroBatches = Size });
                stepper.Step(Gradients(1));
                var before = State(stepper);
                var poisoned = Gradients(7);
                poisoned[1][2] = communicator.Rank == 2 ? float.NaN : 1;
                Assert.False(stepper.Step(poisoned));
                Assert.Equal(before, State(stepper));
                Assert.Equal((1, 1), (stepper.StepCount, stepper.SkippedSteps));
                stepper.Step(Gradients(2));
                Assert.Equal(alone, stepper.Parameters[0].Slice(0, 20).ToArray());
                return true;
            }
        );
    }

    [Fact]
    public void A_NaN_on_one_rank_throws_on_all_where_the_policy_says_so()
    {
        Ranks.Run(
            Size,
            communicator =>
            {
                var recipe = Recipe with { NonFinite = NonFinitePolicy.Throw };
                using var stepper = recipe.BindSharded(Parameters(), communicator);
                stepper.Step(Gradients(1));
                var before = State(stepper);
                var poisoned = Gradients(7);
                poisoned[0][2] = communicator.Rank == 2 ? float.PositiveInfinity : 1;
                Assert.Throws<NonFiniteGradientException>(() => stepper.Step(poisoned));
                Assert.Equal(before, State(stepper));
                stepper.Step(Gradients(2));
                return true;
            }
        );
    }

    [Fact]
    public void Ranks_that_call_in_different_orders()
    {
        var failures = Ranks.Try(
            2,
            communicator =>
            {
                using var end = communicator;
                using var a = Bind(communicator, "")!;
                using var b = Bind(communicator, "")!;
                var (first, second) = communicator.Rank == 0 ? (a, b) : (b, a);
                var one = Assert.Throws<RankDisagreementException>(() => first.Step(Gradients(1)));
                var two = Assert.Throws<RankDisagreementException>(() => second.Step(Gradients(1)));
                Assert.Equal((0, 0), (a.StepCount, b.StepCount));
                throw new InvalidOperationException(one.Message + two.Message);
            }
        );

        Assert.Single(failures.Select(f => f!.Message).Distinct(StringComparer.Ordinal));
        Assert.Contains(
            "\"stepper: 1\" there, \"stepper: 0\" on rank 0",
            failures[0]!.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_communicator_that_one_rank_frees_in_use()
    {
        var failures = Ranks.Try(
            Size,
            communicator =>
            {
                var stepper = Bind(communicator, "")!;
                stepper.Step(Gradients(1));
                if (communicator.Rank == 1)
                {
                    communicator.Dispose();
                    Assert.Throws<ObjectDisposedException>(() => stepper.Step(Gradients(2)));
                    return;
                }

                var before = State(stepper);
                var left = Assert.Throws<RankDisagreementException>(() => stepper.Step(Gradients(2)));
                Assert.Equal(before, State(stepper));
                Assert.Contains(
                    "\"operation: Close\" there, \"operation: Step\" on rank 0",
                    left.Message,
                    StringComparison.Ordinal
                );
                var again = Assert.Throws<MpiException>(() => stepper.Step(Gradients(2)));
                Assert.Contains("can no longer be used", again.Message, StringComparison.Ordinal);
                stepper.Dispose();
                communicator.Dispose();
                throw new InvalidOperationException(left.Message);
            }
        );

        Assert.Null(failures[1]);
        Assert.Equal(failures[0]!.Message, failures[2]!.Message);
    }

    [Fact]
    public void A_slow_rank_changes_nothing_but_the_time()
    {
        var alone = RunAlone();
        using var others = new CountdownEvent(Size - 1);
        Ranks.Run(
            Size,
            communicator =>
            {
                using var stepper = Bind(communicator, "")!;
                stepper.Step(Gradients(1));
                if (communicator.Rank == 1)
                {
                    others.Wait();
                }
                else
                {
                    others.Signal();
                }

                stepper.Step(Gradients(2));
                Assert.Equal(alone, stepper.Parameters[0].Slice(0, 20).ToArray());
                return true;
            }
        );
    }

    [Fact]
    public void A_rank_that_is_too_slow_is_named_by_the_others_and_told_when_it_comes()
    {
        using var others = new CountdownEvent(Size - 1);
        var failures = Ranks.Try(
            Size,
            communicator =>
            {
                using var stepper = Bind(communicator, "")!;
                stepper.Step(Gradients(1));
                communicator.Timeout = TimeSpan.FromMilliseconds(100);
                if (communicator.Rank == 1)
                {
                    others.Wait();
                }

                var late = Assert.Throws<RankTimeoutException>(() => stepper.Step(Gradients(2)));
                if (communicator.Rank != 1)
                {
                    others.Signal();
                    Assert.Equal([1], late.MissingRanks);
                    Assert.Contains("During Step, rank 1 did not come", late.Message, StringComparison.Ordinal);
                }
                else
                {
                    Assert.Empty(late.MissingRanks);
                    Assert.Contains("came after the others had given up", late.Message, StringComparison.Ordinal);
                }

                Assert.Throws<MpiException>(() => stepper.Step(Gradients(2)));
                communicator.Dispose();
            }
        );

        Assert.All(failures, Assert.Null);
    }

    [Fact]
    public void Another_thread_in_the_same_communicator_is_refused()
    {
        Ranks.Run(
            1,
            communicator =>
            {
                using var stepper = Bind(communicator, "")!;
                communicator.Enter();
                var refused = Assert.Throws<InvalidOperationException>(() => stepper.Step(Gradients(1)));
                communicator.Exit();
                Assert.Contains("Another thread is using this communicator", refused.Message, StringComparison.Ordinal);
                return stepper.Step(Gradients(1));
            }
        );
    }

    private static float[] RunAlone()
    {
        using var stepper = Recipe.Bind(Parameters());
        foreach (var seed in new[] { 1, 2 })
        {
            for (var rank = 0; rank < Size; rank++)
            {
                stepper.Accumulate(Gradients(seed));
            }

            stepper.StepAccumulated();
        }

        return stepper.Parameters[0].Slice(0, 20).ToArray();
    }

    private static Parameter<float>[] Parameters() =>
        [Parameter.Of("a", new float[20], 4, 5), Parameter.Of("b", new float[9000])];

    private static float[][] Gradients(int seed)
    {
        var random = new Random(seed);
        return [.. new[] { 20, 9000 }.Select(n => Enumerable.Range(0, n).Select(_ => random.NextSingle()).ToArray())];
    }

    private static (long, long, string) State(Stepper<float> stepper) =>
        (
            stepper.StepCount,
            stepper.StateCounters.Sum(c => c.Value),
            string.Join(
                ';',
                stepper
                    .StateArrays.Select(a => a.Slice(0, (int)a.Length).ToArray())
                    .Concat(stepper.Parameters.Select(p => p.Slice(0, (int)p.Length).ToArray()))
                    .Select(v => string.Join(' ', v.Select(BitConverter.SingleToInt32Bits)))
            )
        );

    private static Stepper<float>? Bind(Communicator communicator, string how)
    {
        var (a, b) = (new float[20], new float[9000]);
        ShardingOptions options = new() { MicroBatches = null };
        Parameter<float>[] parameters = [Parameter.Of("a", a, 4, 5), Parameter.Of("b", b)];
        switch (how)
        {
            case "rate":
                return (Recipe with { LearningRate = 0.25 }).BindSharded(parameters, communicator, options);
            case "recipe":
                return new Adam { LearningRate = 0.1 }.BindSharded(parameters, communicator, options);
            case "name":
                return Recipe.BindSharded([Parameter.Of("other", a, 4, 5), parameters[1]], communicator, options);
            case "shape":
                return Recipe.BindSharded([Parameter.Of("a", a, 5, 4), parameters[1]], communicator, options);
            case "order":
                return Recipe.BindSharded([parameters[1], parameters[0]], communicator, options);
            case "more":
                return Recipe.BindSharded([.. parameters, Parameter.Of("c", new float[1])], communicator, options);
            case "groups":
                return Recipe.BindSharded(
                    [new ParameterGroup<float>([parameters[0]]), new ParameterGroup<float>([parameters[1]])],
                    communicator,
                    options
                );
            case "bucket":
                return Recipe.BindSharded(parameters, communicator, options with { BucketBytes = 8192 });
            case "mode":
                return Recipe.BindSharded(parameters, communicator, options with { Reduction = ReductionMode.Fast });
            case "type":
                Recipe.BindSharded([Parameter.Of("a", new double[20], 4, 5)], communicator, options);
                return null;
            case "fails":
                return Recipe.BindSharded([parameters[0], Parameter.Of("b", a)], communicator, options);
            case "elsewhere":
                communicator.Barrier();
                return null;
            default:
                return Recipe.BindSharded(parameters, communicator, options);
        }
    }

    private static void Call(Communicator communicator, Stepper<float> stepper, Stepper<float> other, string how)
    {
        var g = Gradients(5);
        switch (how)
        {
            case "rate":
                stepper.Step(g, learningRate: 0.5);
                break;
            case "length":
                stepper.Step([new float[3], g[1]]);
                break;
            case "count":
                stepper.Step([g[0]]);
                break;
            case "closure":
                stepper.Step<int>(() => throw new InvalidDataException("the data have ended"), g);
                break;
            case "accumulates":
                stepper.Accumulate(g);
                break;
            case "barrier":
                communicator.Barrier();
                break;
            case "other stepper":
                other.Step(g);
                break;
            case "synchronizes":
                stepper.Synchronize();
                break;
            case "options":
                stepper.Groups[0].Optimizer = Recipe with { Period = 3 };
                stepper.Step(g);
                break;
            case "evaluates":
                stepper.UseSlowWeights().Dispose();
                break;
            default:
                stepper.Step(g);
                break;
        }
    }
}
