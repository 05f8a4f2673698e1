using NativeRanger.Mpi.Tests.Faults;
using NativeRanger.Mpi.Tests.Support;
using NativeRanger.Tests.Checkpoints;
using NativeRanger.Tests.Support;

namespace NativeRanger.Mpi.Tests.Devices;

/// <summary>Ranks that share parameters in the memory of devices, over stand-ins for the driver, for NCCL and for MPI.</summary>
[Collection(nameof(FailingCalls))]
public sealed class DeviceTests : IDisposable
{
    private const int MicroBatches = 5;
    private const int Steps = 7;
    private static readonly Ranger recipe = new() { LearningRate = 0.1, WeightDecay = 0.01 };

    public DeviceTests()
    {
        StandIn.Reset();
        DeviceStandIns.Reset();
    }

    /// <summary>What carries the fast mode.</summary>
    public enum Carrier
    {
        Nccl,
        Mpi,
    }

    public void Dispose()
    {
        StandIn.Reset();
        DeviceStandIns.Reset();
    }

    [Theory]
    [InlineData(1, 8192)]
    [InlineData(2, 8192)]
    [InlineData(3, 8192)]
    [InlineData(7, 8192)]
    [InlineData(2, 1 << 20)]
    [InlineData(3, 1 << 20)]
    public void Reproducible_steps_give_the_bits_of_one_process_on_the_host(int ranks, int bucketBytes)
    {
        var alone = RunAlone(Gradient);

        var sharded = Ranks.Run(
            ranks,
            communicator =>
                RunOnDevice(communicator, new() { MicroBatches = MicroBatches, BucketBytes = bucketBytes }, Gradient)
        );

        Assert.All(sharded, values => Assert.Equal(alone, values));
        Assert.Equal(0, DeviceStandIns.CallsOfNccl("ncclReduceScatter"));
    }

    /// <summary>Sums of whole numbers are exact in any order, so the fast mode has to give the same bits with them.</summary>
    [Theory]
    [InlineData(Carrier.Nccl, 1)]
    [InlineData(Carrier.Nccl, 2)]
    [InlineData(Carrier.Nccl, 3)]
    [InlineData(Carrier.Mpi, 2)]
    [InlineData(Carrier.Mpi, 3)]
    public void Fast_steps_add_up(Carrier carrier, int ranks)
    {
        Use(carrier);
        var alone = RunAlone(WholeGradient);

        var sharded = Ranks.Run(
            ranks,
            communicator => RunOnDevice(communicator, Fast with { MicroBatches = MicroBatches }, WholeGradient)
        );

        Assert.All(sharded, values => Assert.Equal(alone, values));
        Assert.Equal(carrier == Carrier.Nccl, DeviceStandIns.CallsOfNccl("ncclReduceScatter") > 0);
        Assert.Equal(carrier == Carrier.Nccl, DeviceStandIns.CallsOfNccl("ncclAllGather") > 0);
        Assert.Equal(0, DeviceStandIns.Communicators);
    }

    [Fact]
    public void Without_NCCL_and_an_MPI_library_for_devices_the_fast_mode_says_what_is_missing()
    {
        DeviceStandIns.UseNccl("libno-such-nccl.so");

        var message = TheSameOnAllRanks(communicator => Bind(communicator, Fast));

        Assert.Contains("needs NCCL, which cannot be used (libno-such-nccl.so: ", message, StringComparison.Ordinal);
        Assert.Contains("Stand-in for MPI 3.1 does not", message, StringComparison.Ordinal);
        Assert.Contains("ReductionMode.Reproducible", message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_old_NCCL_and_a_library_that_is_none_are_refused_by_name()
    {
        DeviceStandIns.SetNcclVersion(2304);
        DeviceStandIns.UseNccl(Path.Combine(AppContext.BaseDirectory, ".", "libstandin_nccl.so"));
        var old = TheSameOnAllRanks(communicator => Bind(communicator, Fast));
        DeviceStandIns.UseNccl("libm.so.6");
        var foreign = TheSameOnAllRanks(communicator => Bind(communicator, Fast));

        Assert.Contains("it is version 2.3; 2.4 or later is needed", old, StringComparison.Ordinal);
        Assert.Contains("libm.so.6: it has no ncclGetVersion", foreign, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ncclGetUniqueId")]
    [InlineData("ncclCommInitRank")]
    public void NCCL_that_fails_when_ranks_bind_is_named_on_all(string function)
    {
        Use(Carrier.Nccl);
        DeviceStandIns.FailNccl(function, 0, result: 3);

        var message = TheSameOnAllRanks(communicator => Bind(communicator, Fast));

        Assert.Contains("cannot go on with Bind: ", message, StringComparison.Ordinal);
        Assert.Contains(function + " failed: ", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ncclReduceScatter")]
    [InlineData("ncclAllGather")]
    public void NCCL_that_fails_in_a_step_ends_the_stepper_on_all_ranks(string function)
    {
        Use(Carrier.Nccl);
        var failures = Ranks.Try(
            3,
            communicator =>
            {
                using var stepper = Bind(communicator, Fast);
                communicator.Barrier();
                if (communicator.Rank == 0)
                {
                    DeviceStandIns.FailNccl(function, 1, result: 3);
                }

                communicator.Barrier();
                using var a = DeviceStandIns.DeviceOf(communicator).Upload<float>(WholeGradient(0, 0));
                using var b = DeviceStandIns.DeviceOf(communicator).Upload<float>(WholeGradient(0, 1));
                stepper.Step(new Gradient<float>[] { a, b, default });
            }
        );

        Assert.All(failures, f => Assert.IsType<MpiException>(f));
        Assert.Single(failures, f => f!.Message.EndsWith("internal error", StringComparison.Ordinal));
        Assert.All(failures, f => Assert.StartsWith(function + " failed: ", f!.Message, StringComparison.Ordinal));
        Assert.Equal(0, DeviceStandIns.Communicators);
    }

    /// <summary>What devices do not share, and what the message says.</summary>
    public static TheoryData<Optimizer, string> Unsupported =>
        new()
        {
            {
                new Ranger { ClipNorm = 1 },
                "do not support clipping by the global norm"
            },
            {
                new Adam { NonFinite = NonFinitePolicy.SkipStep },
                "do not support the policy SkipStep"
            },
            { new SeedRanger(), "do not support SeedRanger" },
        };

    [Theory]
    [MemberData(nameof(Unsupported))]
    public void What_devices_do_not_share_is_refused(Optimizer optimizer, string words)
    {
        var message = TheSameOnAllRanks(communicator =>
            optimizer.BindSharded(
                [new Parameter<float>("p", DeviceStandIns.DeviceOf(communicator).Allocate<float>(9))],
                communicator
            )
        );

        Assert.Contains(words, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_that_do_not_lie_in_one_piece_are_refused()
    {
        var message = TheSameOnAllRanks(communicator =>
            recipe.BindSharded(
                [
                    new Parameter<float>("columns", DeviceStandIns.DeviceOf(communicator).Allocate<float>(9), 3, 3)
                    {
                        StorageOrder = StorageOrder.ColumnMajor,
                    },
                ],
                communicator
            )
        );

        Assert.Contains("The rows of parameter 'columns' do not lie in one piece", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parameters_and_gradients_of_the_host_among_those_of_a_device_are_refused()
    {
        var parameters = TheSameOnAllRanks(communicator =>
            recipe.BindSharded(
                [
                    new Parameter<float>("p", DeviceStandIns.DeviceOf(communicator).Allocate<float>(9)),
                    Parameter.Of("q", new float[9]),
                ],
                communicator
            )
        );
        var gradients = TheSameOnAllRanks(communicator =>
        {
            var stepper = Bind(communicator, new());
            stepper.Step([new float[Lengths[0]], new float[Lengths[1]], null]);
            return stepper;
        });

        Assert.Contains("Parameter 'q' is in the memory of the host", parameters, StringComparison.Ordinal);
        Assert.Contains("their gradients must be there, too", gradients, StringComparison.Ordinal);
    }

    [Fact]
    public void Three_ranks_on_devices_save_and_one_process_on_the_host_goes_on()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("run");
        var alone = RunAlone(Gradient);
        Ranks.Run(
            3,
            communicator =>
            {
                RunOnDevice(
                    communicator,
                    new() { MicroBatches = MicroBatches },
                    Gradient,
                    steps: ..4,
                    at: stepper => stepper.Save(path)
                );
                return true;
            }
        );

        Assert.Equal(alone, RunAlone(Gradient, 4.., path));
    }

    [Fact]
    public void Three_ranks_on_devices_save_and_two_go_on()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("run");
        var options = new ShardingOptions { MicroBatches = MicroBatches };
        var alone = RunAlone(Gradient);
        Ranks.Run(
            3,
            communicator => RunOnDevice(communicator, options, Gradient, steps: ..4, at: stepper => stepper.Save(path))
        );

        var sharded = Ranks.Run(
            2,
            communicator => RunOnDevice(communicator, options, Gradient, steps: 4.., resumed: path)
        );

        Assert.All(sharded, values => Assert.Equal(alone, values));
    }

    [Fact]
    public void A_device_that_fails_names_the_step_that_the_last_checkpoint_holds()
    {
        using var directory = new TemporaryDirectory();
        var failures = Ranks.Try(
            1,
            communicator =>
            {
                var device = DeviceStandIns.DeviceOf(communicator);
                using var stepper = Bind(communicator, new());
                using var a = device.Upload<float>(Gradient(0, 0));
                stepper.Step(new Gradient<float>[] { a, default, default });
                stepper.Save(directory.File("run"));
                DeviceStandIns.FailDriver("cuLaunchKernel", result: 1);
                stepper.Step(new Gradient<float>[] { a, default, default });
            }
        );

        var failure = Assert.IsType<CudaException>(failures[0]);
        Assert.Contains("the last checkpoint that it saved holds step 1", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Averages, other options, a sync and weights that are swapped with the parameters, between steps.</summary>
    [Fact]
    public void What_is_done_between_steps_gives_the_bits_of_one_process_on_the_host()
    {
        var (alone, sharded) = (new List<float>(), new List<float>[3]);
        var end = RunAlone(Gradient, before: (stepper, t) => Visit(stepper, t, alone));

        var ends = Ranks.Run(
            3,
            communicator =>
            {
                var seen = sharded[communicator.Rank] = [];
                return RunOnDevice(
                    communicator,
                    new() { MicroBatches = MicroBatches },
                    Gradient,
                    before: (stepper, t) => Visit(stepper, t, seen),
                    at: stepper =>
                        Assert.Contains(
                            $", rank {communicator.Rank} of 3, ",
                            stepper.ToString(),
                            StringComparison.Ordinal
                        )
                );
            }
        );

        Assert.NotEmpty(alone);
        Assert.All(ends, values => Assert.Equal(end, values));
        Assert.All(sharded, values => Assert.Equal(alone, values));

        static void Visit(Stepper<float> stepper, int step, List<float> seen)
        {
            switch (step)
            {
                case 1:
                    stepper.AddAverage(new ExponentialAverage { Decay = 0.8 });
                    stepper.AddAverage(new StochasticAverage { Start = 2, Every = 2 });
                    break;
                case 2:
                    stepper.Groups[0].Optimizer = recipe with { Beta1 = 0.5 };
                    break;
                case 4:
                    stepper.Synchronize();
                    break;
                case 5:
                    using (stepper.UseSlowWeights())
                    {
                        seen.AddRange(Values(stepper.Parameters));
                    }

                    break;
                case 6:
                    foreach (var average in stepper.Averages)
                    {
                        using var scope = average.Use();
                        seen.AddRange(Values(stepper.Parameters));
                    }

                    break;
            }
        }
    }

    [Fact]
    public void Options_that_devices_do_not_share_or_that_change_who_has_what_are_refused_between_steps()
    {
        var alone = RunAlone(Gradient);
        var sharded = Ranks.Run(
            2,
            communicator =>
                RunOnDevice(
                    communicator,
                    new() { MicroBatches = MicroBatches },
                    Gradient,
                    before: (stepper, _) =>
                    {
                        var group = stepper.Groups[0];
                        Assert.Throws<NotSupportedException>(() => group.Optimizer = recipe with { ClipNorm = 1 });
                        var refused = Assert.Throws<ArgumentException>(() =>
                            group.Optimizer = recipe with { Centralization = Centralization.None }
                        );
                        Assert.Contains("how ranks share parameters", refused.Message, StringComparison.Ordinal);
                    }
                )
        );

        Assert.All(sharded, values => Assert.Equal(alone, values));
    }

    [Fact]
    public void Gradients_are_zeroed_where_that_is_asked_for()
    {
        Ranks.Run(
            2,
            communicator =>
            {
                var device = DeviceStandIns.DeviceOf(communicator);
                using var stepper = Bind(communicator, new());
                stepper.ZeroGradients = true;
                using var a = device.Upload<float>(Gradient(0, 0));
                using var b = device.Upload<float>(Gradient(0, 1));
                stepper.Step(new Gradient<float>[] { a, b, default });
                Assert.All(a.ToArray(), x => Assert.Equal(0, x));
                Assert.All(b.ToArray(), x => Assert.Equal(0, x));
                return true;
            }
        );
    }

    [Fact]
    public void Memory_is_shared_and_steps_allocate_nothing()
    {
        var allocated = Ranks.Run(
            3,
            communicator =>
            {
                using var stepper = Bind(communicator, new());
                var device = DeviceStandIns.DeviceOf(communicator);
                using var a = device.Upload<float>(Gradient(0, 0));
                using var b = device.Upload<float>(Gradient(0, 1));
                Gradient<float>[] gradients = [a, b, default];
                stepper.Step(gradients);
                stepper.Step(gradients);
                var whole = 3L * (Lengths[0] + Lengths[1]) * sizeof(float);
                // Three states; a row of 70 elements may go to either of two ranks, and a block of 4,096 too.
                Assert.InRange(
                    stepper.Sharding().StateBytes,
                    (whole / 3) - (3 * 4096 * sizeof(float)),
                    (whole / 3) + (3 * 4096 * sizeof(float))
                );
                return Allocations.Of(() => stepper.Step(gradients));
            }
        );

        Assert.Equal([0, 0, 0], allocated);
    }

    /// <summary>Of the last one all ranks but one own nothing.</summary>
    private static readonly int[] Lengths = [60 * 70, 20_000, 1];

    private static ShardingOptions Fast => new() { Reduction = ReductionMode.Fast, BucketBytes = 8192 };

    private static void Use(Carrier carrier)
    {
        DeviceStandIns.UseNccl(carrier == Carrier.Nccl ? DeviceStandIns.Nccl : "libno-such-nccl.so");
        StandIn.TakeDeviceMemory(carrier == Carrier.Mpi);
    }

    private static float[] Gradient(int number, int parameter) =>
        [.. Enumerable.Range(0, Lengths[parameter]).Select(i => (float)Math.Sin((i * 0.37) + number + parameter))];

    private static float[] WholeGradient(int number, int parameter) =>
        [.. Enumerable.Range(0, Lengths[parameter]).Select(i => (float)((i + (3 * number)) % 17))];

    private static string TheSameOnAllRanks(Func<Communicator, Stepper<float>> body)
    {
        var failures = Ranks.Try(
            3,
            communicator =>
            {
                using var end = communicator;
                body(communicator).Dispose();
            }
        );
        Assert.All(failures, f => Assert.IsType<RankDisagreementException>(f));
        return Assert.Single(failures.Select(f => f!.Message).Distinct(StringComparer.Ordinal));
    }

    private static Stepper<float> Bind(Communicator communicator, ShardingOptions options)
    {
        var device = DeviceStandIns.DeviceOf(communicator);
        return recipe.BindSharded(Parameters(device), communicator, options);
    }

    private static Parameter<float>[] Parameters(CudaBackend device) =>
        [
            new("matrix", device.Upload<float>(Start(0)), 60, 70),
            new("vector", device.Upload<float>(Start(1))),
            new("number", device.Upload<float>(Start(2))),
        ];

    private static float[] Start(int parameter) =>
        [.. Enumerable.Range(0, Lengths[parameter]).Select(i => (i % 11) - 5f)];

    /// <summary>The micro-batches of each step belong to the ranks in turn; the second parameter has none of some.</summary>
    private static float[] RunOnDevice(
        Communicator communicator,
        ShardingOptions options,
        Func<int, int, float[]> gradient,
        Range? steps = null,
        Action<Stepper<float>>? at = null,
        string? resumed = null,
        Action<Stepper<float>, int>? before = null
    )
    {
        var device = DeviceStandIns.DeviceOf(communicator);
        var parameters = Parameters(device);
        using var stepper = resumed is null
            ? recipe.BindSharded(parameters, communicator, options)
            : recipe.ResumeSharded(parameters, communicator, resumed, options);
        foreach (var t in Enumerable.Range(0, Steps).Take(steps ?? ..))
        {
            before?.Invoke(stepper, t);
            for (var first = 0; first < MicroBatches; first += communicator.Size)
            {
                var number = first + communicator.Rank;
                using var a = number < MicroBatches ? device.Upload<float>(gradient((t * 10) + number, 0)) : null;
                using var b = HasVector(number) ? device.Upload<float>(gradient((t * 10) + number, 1)) : null;
                using var c = number < MicroBatches ? device.Upload<float>(gradient((t * 10) + number, 2)) : null;
                stepper.Accumulate(new Gradient<float>[] { a, b, c });
            }

            stepper.StepAccumulated();
        }

        at?.Invoke(stepper);
        return [.. Values(parameters)];
    }

    private static IEnumerable<float> Values(IEnumerable<Parameter<float>> parameters) =>
        parameters.SelectMany(p => p.Slice(0, (int)p.Length).ToArray());

    private static float[] RunAlone(
        Func<int, int, float[]> gradient,
        Range? steps = null,
        string? path = null,
        Action<Stepper<float>, int>? before = null
    )
    {
        Parameter<float>[] parameters =
        [
            Parameter.Of("matrix", Start(0), 60, 70),
            Parameter.Of("vector", Start(1)),
            Parameter.Of("number", Start(2)),
        ];
        using var stepper = path is null ? recipe.Bind(parameters) : recipe.Resume(parameters, path);
        foreach (var t in Enumerable.Range(0, Steps).Take(steps ?? ..))
        {
            before?.Invoke(stepper, t);
            for (var number = 0; number < MicroBatches; number++)
            {
                stepper.Accumulate(
                    gradient((t * 10) + number, 0),
                    HasVector(number) ? gradient((t * 10) + number, 1) : null,
                    gradient((t * 10) + number, 2)
                );
            }

            stepper.StepAccumulated();
        }

        return [.. Values(parameters)];
    }

    private static bool HasVector(int number) => number is 1 or 2 or 4;
}
