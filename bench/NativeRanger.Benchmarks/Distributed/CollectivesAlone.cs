using NativeRanger.Mpi;

namespace NativeRanger.Benchmarks.Distributed;

/// <summary>
/// The collectives of a sharded step and nothing else: the engine's own reduce-scatter and all-gather, with the step's buckets,
/// on arrays as long as the step's.
/// </summary>
internal sealed unsafe class CollectivesAlone : IDisposable
{
    private readonly float[] gradient;
    private readonly PinTable<float> pins = new();
    private readonly NativeRunner<float> noGroups = new(threads: null);
    private readonly Shard<float> shard;
    private readonly ShardTransport<float> transport;
    private readonly Round<float> round;

    /// <summary>The collectives of steps of one parameter.</summary>
    /// <param name="world">The ranks.</param>
    /// <param name="recipe">What steps it.</param>
    /// <param name="parameter">The parameter.</param>
    /// <param name="gradient">Its gradient.</param>
    /// <param name="options">How the step is shared.</param>
    public CollectivesAlone(
        Communicator world,
        Optimizer recipe,
        float[] parameter,
        float[] gradient,
        ShardingOptions options
    )
    {
        this.gradient = gradient;
        shard = Shard<float>
            .Of([Parameter.Of("p", parameter)], NativeRecipe.Of(recipe), 0, world.Rank, new long[world.Size])
            .Single();
        transport = new(world, options, [shard], noGroups, NativeBackend.Instance.InstructionSet);
        round = new(world, 1);
        pins.Reserve(2);
    }

    /// <summary>Brings the gradients to their owners and adds them up there.</summary>
    public void ReduceScatter()
    {
        round.Take([gradient], pins);
        round.Compare(allTheSame: true);
        transport.Sums.HoldAll();
        transport.Gradients.Begin(0, round);
        for (var bucket = 0; bucket < transport.Plan.Buckets; bucket++)
        {
            if (bucket + 1 < transport.Plan.Buckets)
            {
                transport.Gradients.Begin(bucket + 1, round);
            }

            transport.Receive(bucket, round);
        }

        round.Clear();
        pins.Release();
    }

    /// <summary>Brings the parameters of every rank to all.</summary>
    public void AllGather()
    {
        var caller = pins.Pin(shard.Caller.Buffer);
        var own = shard.Address(caller);
        for (var bucket = 0; bucket < transport.Plan.Buckets; bucket++)
        {
            transport.Parameters.Begin(bucket, &caller, &own);
        }

        transport.Parameters.FinishAll(&caller);
        pins.Release();
    }

    public void Dispose()
    {
        transport.Free();
        round.Free();
        noGroups.Dispose();
        pins.Dispose();
    }
}
