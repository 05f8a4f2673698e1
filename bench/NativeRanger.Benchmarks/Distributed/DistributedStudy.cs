using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeRanger.Mpi;
using NativeRanger.Mpi.Interop;

namespace NativeRanger.Benchmarks.Distributed;

/// <summary>What was measured with some number of ranks; times are those of the slowest rank, each the least of several.</summary>
internal sealed record DistributedResult
{
    public required int Ranks { get; init; }

    public required long Bytes { get; init; }

    public required int BucketBytes { get; init; }

    /// <summary>A barrier of all ranks.</summary>
    public required double Barrier { get; init; }

    /// <summary>The messages of a step, and nothing else.</summary>
    public required double Messages { get; init; }

    /// <summary>A step of one shard by a stepper of one process, on all ranks at once.</summary>
    public required double ShardStep { get; init; }

    /// <summary>Adding gradients to their sums, all of them, on all ranks at once.</summary>
    public required double Add { get; init; }

    /// <summary>The processors of the machine, and how many programs wanted to run on them meanwhile.</summary>
    public required int Processors { get; init; }

    /// <inheritdoc cref="Processors"/>
    public required double Load { get; init; }

    public required double Reproducible { get; init; }

    public required double Fast { get; init; }

    /// <summary>All-reduce of the gradients by the MPI library, and a step of everything on every rank.</summary>
    public required double Replicated { get; init; }

    public required long StateBytes { get; init; }

    public required long GradientBytes { get; init; }

    public required long MessageBufferBytes { get; init; }

    /// <summary>The reproducible step with other sizes of buckets.</summary>
    public required IReadOnlyList<BucketTime> Buckets { get; init; }

    /// <summary>Against the messages alone and 1.1 steps of a shard: at most 1 is what is promised for two ranks.</summary>
    public double Ratio => Reproducible / (Messages + (1.1 * ShardStep));
}

/// <summary>The time of a step with buckets of a size.</summary>
internal sealed record BucketTime(int Bytes, double Seconds);

/// <summary>Measures steps on the ranks that a launcher started; rank 0 writes a file.</summary>
internal sealed unsafe class DistributedStudy : IDisposable
{
    private const int BucketBytes = 16 << 20;
    private static readonly int[] bucketSizes = [256 << 10, 1 << 20, 4 << 20, 64 << 20];
    private const int Rounds = 15;

    private readonly Communicator world;
    private readonly int elements;
    private readonly float[] gradient;
    private readonly float* bytesOut;
    private readonly float* bytesIn;
    private readonly MessageBatch batch;

    private DistributedStudy(Communicator world, int elements)
    {
        this.world = world;
        this.elements = elements;
        gradient = new float[elements];
        Array.Fill(gradient, 1e-3f);
        bytesOut = (float*)NativeMemory.AllocZeroed((nuint)elements, sizeof(float));
        bytesIn = (float*)NativeMemory.AllocZeroed((nuint)elements, sizeof(float));
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
            Console.WriteLine(
                $"{result.Ranks} ranks, {result.Bytes >> 20} MiB: step {result.Reproducible * 1e3:0.00} ms, fast {result.Fast * 1e3:0.00} ms, "
                    + $"messages alone {result.Messages * 1e3:0.00} ms, step of a shard {result.ShardStep * 1e3:0.00} ms, "
                    + $"replicated {result.Replicated * 1e3:0.00} ms"
            );
            Console.WriteLine($"step / (messages alone + 1.1 x step of a shard) = {result.Ratio:0.00}");
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(bytesOut);
        NativeMemory.Free(bytesIn);
    }

    private DistributedResult Measure(int repetitions)
    {
        var recipe = new Ranger();
        using var reproducible = Bind(ReductionMode.Reproducible, BucketBytes);
        using var fast = Bind(ReductionMode.Fast, BucketBytes);
        var sized = bucketSizes.Select(size => Bind(ReductionMode.Reproducible, size)).ToArray();
        using var shard = recipe.Bind(new float[elements / world.Size]);
        using var whole = recipe.Bind(new float[elements]);
        using var accumulating = recipe.Bind(new float[elements]);
        var shardGradient = gradient.AsMemory(0, elements / world.Size).ToArray();
        Action[] actions =
        [
            world.Barrier,
            ExchangeMessages,
            () => shard.Step(shardGradient),
            () => reproducible.Step([gradient]),
            () => fast.Step([gradient]),
            () =>
            {
                AllReduce();
                whole.Step(gradient);
            },
            () => accumulating.Accumulate(gradient),
            .. sized.Select(stepper => (Action)(() => stepper.Step([gradient]))),
        ];

        // One after the other in every round, so that a disturbance meets all alike.
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

        var sharding = reproducible.Sharding();
        foreach (var stepper in sized)
        {
            stepper.Dispose();
        }

        return new()
        {
            Ranks = world.Size,
            Bytes = (long)elements * sizeof(float),
            BucketBytes = BucketBytes,
            Barrier = times[0],
            Messages = times[1],
            ShardStep = times[2],
            Reproducible = times[3],
            Fast = times[4],
            Replicated = times[5],
            Add = times[6],
            Processors = Environment.ProcessorCount,
            Load = Cli.Bench.Machine.Here().Load,
            StateBytes = sharding.StateBytes,
            GradientBytes = sharding.GradientBytes,
            MessageBufferBytes = sharding.BucketBytes,
            Buckets =
            [
                .. bucketSizes.Zip(
                    times.Skip(times.Length - bucketSizes.Length),
                    (size, time) => new BucketTime(size, time)
                ),
                new(BucketBytes, times[3]),
            ],
        };

        Stepper<float> Bind(ReductionMode mode, int bucketBytes) =>
            recipe.BindSharded(
                [Parameter.Of("p", new float[elements])],
                world,
                new() { Reduction = mode, BucketBytes = bucketBytes }
            );
    }

    /// <summary>What a reproducible step sends and receives, gradients and parameters, bucket by bucket.</summary>
    private void ExchangeMessages()
    {
        var slice = Math.Min(elements, BucketBytes / sizeof(float)) / world.Size;
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

    /// <summary>The sums of the gradients on every rank: the MPI library's reduce-scatter, and its all-gather.</summary>
    private void AllReduce()
    {
        var share = elements / world.Size;
        var counts = stackalloc long[world.Size];
        var bytes = stackalloc long[world.Size];
        var offsets = stackalloc long[world.Size];
        for (var rank = 0; rank < world.Size; rank++)
        {
            counts[rank] = share;
            bytes[rank] = (long)share * sizeof(float);
            offsets[rank] = rank * bytes[rank];
        }

        fixed (float* g = gradient)
        {
            batch.ReduceScatter(nr_mpi_type.NR_MPI_FLOAT32, g, counts, bytesIn + ((long)world.Rank * share));
            batch.Wait();
            batch.AllGatherRanges(bytesIn, bytes, offsets);
            batch.Wait();
        }
    }

    private double Slowest(double own)
    {
        var all = stackalloc double[world.Size];
        world.AllGather(&own, sizeof(double), all);
        return new ReadOnlySpan<double>(all, world.Size).ToArray().Max();
    }
}
