using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeRanger.Mpi;

namespace NativeRanger.Benchmarks.Distributed;

/// <summary>Measures steps on the ranks that a launcher started; rank 0 writes a file.</summary>
internal sealed unsafe class DistributedStudy : IDisposable
{
    private static readonly long[] slices =
    [
        64 << 10,
        128 << 10,
        256 << 10,
        512 << 10,
        1 << 20,
        2 << 20,
        4 << 20,
        8 << 20,
    ];
    private const int Rounds = 20;

    private readonly Communicator world;
    private readonly int elements;
    private readonly Ranger recipe = new();
    private readonly float[] gradient;
    private readonly float* bytesOut;
    private readonly float* bytesIn;
    private readonly MessageBatch batch;
    private readonly List<IDisposable> made = [];

    private DistributedStudy(Communicator world, int elements)
    {
        this.world = world;
        this.elements = elements;
        gradient = NewArray();
        bytesOut = (float*)NativeMemory.Alloc((nuint)elements, sizeof(float));
        bytesIn = (float*)NativeMemory.Alloc((nuint)elements, sizeof(float));
        new Span<float>(bytesOut, elements).Fill(1);
        new Span<float>(bytesIn, elements).Fill(1);
        batch = new(world);
    }

    /// <summary>Measures, and adds the result to those in a file.</summary>
    public static void Run(string file, bool quick)
    {
        using var communicator = Communicator.World();
        using var study = new DistributedStudy(communicator, quick ? 1 << 20 : 1 << 23);
        var result = study.Measure(quick ? 2 * Rounds : Rounds);
        if (communicator.Rank == 0)
        {
            var earlier = File.Exists(file) ? Studies.Results.Read<DistributedResult[]>(file) : [];
            Studies.Results.Write(
                file,
                earlier.Where(e => e.Ranks != communicator.Size).Append(result).OrderBy(e => e.Ranks).ToArray()
            );
            Console.WriteLine($"{result.Ranks} ranks, {result.Bytes >> 20} MiB, in milliseconds:");
            Console.WriteLine(
                $"step of a shard {result.ShardStep * 1e3:0.00}, replicated {result.Replicated * 1e3:0.00}"
            );
            Console.WriteLine($"reproducible: {Describe(result, result.Reproducible)}");
            Console.WriteLine($"fast: {Describe(result, result.Fast)}");
        }
    }

    public void Dispose()
    {
        made.ForEach(m => m.Dispose());
        NativeMemory.Free(bytesOut);
        NativeMemory.Free(bytesIn);
    }

    private static string Describe(DistributedResult result, ModeTimes mode) =>
        $"step {mode.Step * 1e3:0.00}, reduce-scatter {mode.ReduceScatter * 1e3:0.00}, all-gather {mode.AllGather * 1e3:0.00}; "
        + $"step / (collectives + 1.1 x step of a shard) = {result.Ratio(mode):0.00}";

    private DistributedResult Measure(int repetitions)
    {
        var reproducible = new ShardingOptions();
        var fast = new ShardingOptions { Reduction = ReductionMode.Fast };
        var stepper = Bind(reproducible);
        var fastStepper = Bind(fast);
        var alone = Collectives(reproducible);
        var fastAlone = Collectives(fast);
        var sized = slices.Select(s => Bind(new() { BucketBytes = (int)(s * world.Size) })).ToArray();
        var shard = Keep(recipe.Bind(new float[elements / world.Size]));
        var accumulating = Keep(recipe.Bind(new float[elements]));
        var replicated = Keep(new ReplicatedStep(world, recipe, [Parameter.Of("p", new float[elements])], [gradient]));
        var shardGradient = gradient.AsMemory(0, elements / world.Size).ToArray();
        Action[] actions =
        [
            world.Barrier,
            ExchangeMessages,
            () => shard.Step(shardGradient),
            alone.ReduceScatter,
            alone.AllGather,
            () => stepper.Step([gradient]),
            fastAlone.ReduceScatter,
            fastAlone.AllGather,
            () => fastStepper.Step([gradient]),
            replicated.Step,
            () => accumulating.Accumulate(gradient),
            .. sized.Select(s => (Action)(() => s.Step([gradient]))),
        ];
        var others = new OtherPrograms(world);
        var times = LeastOf(repetitions, actions);
        var busy = others.Count();
        var sharding = stepper.Sharding();
        var bucketBytes = sharding.BucketBytes;
        stepper.Accumulate(gradient);
        stepper.StepAccumulated();
        return new()
        {
            Ranks = world.Size,
            Bytes = (long)elements * sizeof(float),
            Barrier = times[0],
            Messages = times[1],
            ShardStep = times[2],
            Reproducible = new(times[5], times[3], times[4]),
            Fast = new(times[8], times[6], times[7]),
            Replicated = times[9],
            Add = times[10],
            Processors = Environment.ProcessorCount,
            Others = busy,
            StateBytes = sharding.StateBytes,
            GradientBytes = sharding.GradientBytes,
            MessageBufferBytes = bucketBytes,
            Slices =
            [
                .. slices.Zip(times.Skip(times.Length - slices.Length), (size, time) => new SliceTime(size, time)),
            ],
        };
    }

    /// <summary>One after the other in every round, so that a disturbance meets all alike.</summary>
    private double[] LeastOf(int repetitions, Action[] actions)
    {
        var times = Enumerable.Repeat(double.PositiveInfinity, actions.Length).ToArray();
        for (var round = 0; round < repetitions; round++)
        {
            for (var i = 0; i < actions.Length; i++)
            {
                world.Barrier();
                var start = Stopwatch.GetTimestamp();
                actions[i]();
                var slowest = Slowest(Stopwatch.GetElapsedTime(start).TotalSeconds);
                times[i] = round == 0 ? times[i] : Math.Min(times[i], slowest);
            }
        }

        return times;
    }

    private Stepper<float> Bind(ShardingOptions options) =>
        Keep(recipe.BindSharded([Parameter.Of("p", NewArray())], world, options));

    private CollectivesAlone Collectives(ShardingOptions options) =>
        Keep(new CollectivesAlone(world, recipe, NewArray(), gradient, options));

    private float[] NewArray()
    {
        var array = new float[elements];
        Array.Fill(array, 1e-3f);
        return array;
    }

    private TDisposable Keep<TDisposable>(TDisposable disposable)
        where TDisposable : IDisposable
    {
        made.Add(disposable);
        return disposable;
    }

    /// <summary>What a reproducible step sends and receives, gradients and parameters, bucket by bucket.</summary>
    private void ExchangeMessages()
    {
        var slice = (int)(Math.Min(elements / world.Size, ShardingOptions.DefaultSlice / sizeof(float)));
        foreach (var channel in new[] { Channel.Gradients, Channel.Parameters })
        {
            for (var first = 0; first + (slice * world.Size) <= elements; first += slice * world.Size)
            {
                for (var distance = 1; distance < world.Size; distance++)
                {
                    var (to, from) = (
                        (world.Rank + distance) % world.Size,
                        (world.Rank + world.Size - distance) % world.Size
                    );
                    batch.Receive(bytesIn + first + (from * slice), (long)slice * sizeof(float), from, channel);
                    batch.Send(bytesOut + first + (to * slice), (long)slice * sizeof(float), to, channel);
                }

                batch.Wait();
            }
        }
    }

    private double Slowest(double own)
    {
        var all = stackalloc double[world.Size];
        world.AllGather(&own, sizeof(double), all);
        return new ReadOnlySpan<double>(all, world.Size).ToArray().Max();
    }
}
