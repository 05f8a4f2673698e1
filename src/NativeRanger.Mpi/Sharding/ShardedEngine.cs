using System.Numerics;
using System.Runtime.InteropServices;
using NativeRanger.Checkpoints;

namespace NativeRanger.Mpi;

/// <summary>
/// One rank's side of a sharded stepper: the state of its own ranges, and the steps on them. Before anything changes, the ranks
/// compare what they are about to do.
/// </summary>
internal sealed unsafe partial class ShardedEngine<T> : StepEngine<T>, ISharded<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Communicator communicator;
    private readonly ShardingOptions options;
    private readonly ShardConsensus<T> consensus;
    private readonly ShardedSave<T> save;
    private readonly InstructionSet instructionSet = NativeBackend.Instance.InstructionSet;
    private readonly NativeRunner<T> runner = new(threads: null);
    private readonly List<Shard<T>> shards;
    private readonly PinTable<T> parameterPins = new();
    private readonly PinTable<T> gradientPins = new();
    private long[] owned;
    private NonFinitePolicy policy;
    private List<StateArray<T>> arrays = [];
    private List<StateCounter> counters = [];

    /// <summary>An engine without groups.</summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="options">How steps are shared.</param>
    /// <param name="number">The number of the stepper on the communicator.</param>
    public ShardedEngine(Communicator communicator, ShardingOptions options, int number)
    {
        this.communicator = communicator;
        this.options = options;
        consensus = new(communicator, options, number);
        save = new(consensus);
        shards = consensus.Shards;
        owned = new long[communicator.Size];
    }

    public Communicator Communicator => communicator;

    public ShardingOptions Options => options;

    public override IReadOnlyList<StateArray<T>> Arrays => arrays;

    public override IReadOnlyList<StateCounter> Counters => counters;

    public override string Description =>
        $"{NativeBackend.NameOf(instructionSet)}, rank {communicator.Rank} of {communicator.Size}";

    /// <summary>This rank's range of each parameter.</summary>
    public IReadOnlyList<Shard<T>> Shards => shards;

    /// <summary>The bytes of the state arrays.</summary>
    public long StateBytes => arrays.Sum(a => a.Length) * sizeof(T);

    /// <summary>The bytes of the gradient sums.</summary>
    public long GradientBytes => transport?.GradientBytes ?? 0;

    /// <summary>The bytes of messages on their way, and of copies of rows.</summary>
    public long BucketBytes => (transport?.BucketBytes ?? 0) + shards.Sum(s => s.Bytes);

    public override void AddGroup(IReadOnlyList<Parameter<T>> parameters, Optimizer optimizer)
    {
        communicator.Enter();
        try
        {
            AddTogether(parameters, optimizer);
        }
        finally
        {
            communicator.Exit();
        }
    }

    public override void SetOptimizer(int group, Optimizer optimizer)
    {
        var recipe = NativeRecipe.Of(optimizer);
        foreach (var shard in shards.Skip(runner.Groups[group].FirstParameter).Take(runner.Groups[group].Count))
        {
            if (!shard.Fits(recipe))
            {
                throw new ArgumentException(
                    $"The new options transform the rows of parameter '{shard.Caller.Name}' and the old ones did not, or the other "
                        + "way round; that decides how ranks share it and cannot be changed between steps. Resume from a checkpoint.",
                    nameof(optimizer)
                );
            }
        }

        runner.Groups[group].SetOptimizer(optimizer);
        consensus.Optimizers[group] = optimizer;
        policy = optimizer.NonFinite;
        StateChanged();
    }

    public override void AddAverage(Average average)
    {
        communicator.Enter();
        try
        {
            consensus.Agree(
                Operation.AddAverage,
                Fingerprint.Of(ShardConsensus<T>.Describe(average)),
                consensus.RefuseWhileAccumulating()
            );
            foreach (var shard in shards)
            {
                shard.Load();
            }

            foreach (var group in runner.Groups)
            {
                group.AddAverage(average, consensus.Averages.Count);
            }

            consensus.Averages.Add(average);
            StateChanged();
        }
        finally
        {
            communicator.Exit();
        }
    }

    internal override bool HoldsAll => false;

    internal override ArrayRange RangeOf(int parameter, StateArray<T> array) => consensus.RangeOf(parameter);

    internal override bool Save(Stepper<T> stepper, string? path, SaveOptions options, Exception? refusal)
    {
        save.Save(stepper, path, options, refusal);
        return true;
    }

    internal override void ConfirmResume(uint checksum) => save.ConfirmResume(checksum);

    internal override void Refuse(Exception reason) => consensus.Refuse(reason);

    protected override void Dispose(bool disposing)
    {
        runner.Dispose();

        // After a failure MPI may still read and write the buffers, and what is pinned: they stay.
        if (!communicator.HasFailed)
        {
            steps.ForEach(s => s.Dispose());
            transport?.Free();
            scalars?.Free();
            save.Free();
            round?.Free();
            foreach (var shard in shards)
            {
                shard.Free();
            }

            NativeMemory.Free(callers);
            NativeMemory.Free(own);
            NativeMemory.Free(tensors);
            parameterPins.Dispose();
            gradientPins.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Makes everything for a group, compares with the other ranks, and only then keeps it.</summary>
    private void AddTogether(IReadOnlyList<Parameter<T>> parameters, Optimizer optimizer)
    {
        var loads = owned.ToArray();
        Shard<T>[] added = [];
        NativeGroup<T>? group = null;
        Exception? refusal = consensus.RefuseWhileAccumulating();
        try
        {
            added = Shard<T>.Of(parameters, NativeRecipe.Of(optimizer), shards.Count, communicator.Rank, loads);
            group = new(
                [.. added.Select(s => s.Own)],
                shards.Count,
                runner.Groups.Count,
                optimizer,
                instructionSet,
                runner.Groups.Count > 0 ? runner.Groups[0] : null
            );
            for (var a = 0; a < consensus.Averages.Count; a++)
            {
                group.AddAverage(consensus.Averages[a], a);
            }
        }
        catch (Exception failure)
        {
            refusal = failure;
        }

        shards.AddRange(added);
        consensus.Optimizers.Add(optimizer);
        consensus.Changed();
        try
        {
            consensus.Agree(Operation.Bind, 0, refusal);
        }
        catch
        {
            shards.RemoveRange(shards.Count - added.Length, added.Length);
            consensus.Optimizers.RemoveAt(consensus.Optimizers.Count - 1);
            consensus.Changed();
            group?.Dispose();
            foreach (var shard in added)
            {
                shard.Free();
            }

            throw;
        }

        runner.Add(group!);
        owned = loads;
        policy = optimizer.NonFinite;
        MakeRoom();
        StateChanged();
    }

    /// <summary>Room for what each parameter needs during a step.</summary>
    private void MakeRoom()
    {
        parameterPins.Reserve(shards.Count);
        gradientPins.Reserve(shards.Count);
        consensus.Rates = [.. consensus.Optimizers.Select(o => o.LearningRate)];
        round?.Free();
        round = new(communicator, shards.Count);
        NativeMemory.Free(callers);
        NativeMemory.Free(own);
        callers = (T**)NativeMemory.AllocZeroed((nuint)shards.Count, (nuint)sizeof(T*));
        own = (T**)NativeMemory.AllocZeroed((nuint)shards.Count, (nuint)sizeof(T*));
        NativeMemory.Free(tensors);
        tensors = (nr_tensor**)NativeMemory.AllocZeroed((nuint)shards.Count, (nuint)sizeof(nr_tensor*));
        foreach (var group in runner.Groups)
        {
            for (var i = 0; i < group.Count; i++)
            {
                tensors[group.FirstParameter + i] = group.Tensors + i;
            }
        }

        DropTransport();
        scalars?.Free();
        scalars = runner.Groups.Exists(g => g.IsWhole)
            ? new((communicator.Size + 1L) * shards.Count * NativeTensorTable.ScalarsPerTensor)
            : null;
    }

    /// <summary>After a change of groups, options or consensus.Averages.</summary>
    private void StateChanged()
    {
        arrays = [.. runner.Groups.SelectMany(g => g.Arrays).OrderBy(a => a.Parameter)];
        counters = [.. runner.Groups.SelectMany(g => g.Counters)];
        consensus.Counters = counters;
        consensus.Changed();
        runner.Invalidate();
        steps.ForEach(s => s.Dispose());
        steps.Clear();
        if (transport is not null && transport.HasNorms != ShardTransport<T>.NeedsNorms(runner))
        {
            DropTransport();
        }
    }

    private void DropTransport()
    {
        transport?.Free();
        transport = null;
        summing = null;
    }
}
