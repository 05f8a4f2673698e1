using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using NativeRanger.Checkpoints;

namespace NativeRanger.Mpi;

/// <summary>
/// One rank's side of a sharded stepper whose parameters are in the memory of a device: it steps its own ranges there, with the
/// engine of one process, between the exchanges with the other ranks.
/// </summary>
internal sealed unsafe class DeviceShardedEngine<T> : StepEngine<T>, ISharded<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Communicator communicator;
    private readonly CudaBackend backend;
    private readonly ShardConsensus<T> consensus;
    private readonly ShardedSave<T> save;
    private readonly CudaEngine<T> inner;
    private readonly PinTable<T> noPins = new();
    private DeviceCollectives? collectives;
    private DeviceExchange<T>? exchange;
    private Round<T>? round;
    private DeviceBuffer<T>[] sums = [];
    private Gradient<T>[] gradients = [];
    private T** callers;
    private long[] owned;

    /// <summary>An engine without groups.</summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="options">How steps are shared.</param>
    /// <param name="number">The number of the stepper on the communicator.</param>
    /// <param name="backend">The device.</param>
    public DeviceShardedEngine(Communicator communicator, ShardingOptions options, int number, CudaBackend backend)
    {
        this.communicator = communicator;
        this.backend = backend;
        consensus = new(communicator, options, number);
        save = new(consensus);
        inner = new(backend);
        owned = new long[communicator.Size];
    }

    public Communicator Communicator => communicator;

    public ShardingOptions Options => consensus.Options;

    public IReadOnlyList<Shard<T>> Shards => consensus.Shards;

    public long StateBytes => inner.Arrays.Sum(a => a.Length) * sizeof(T);

    public long GradientBytes => exchange?.GradientBytes ?? 0;

    public long BucketBytes => exchange?.BucketBytes ?? 0;

    /// <summary>The device works on after a call has returned, so kernels have no time of their own here.</summary>
    public long KernelTicks => 0;

    public long StepTicks { get; private set; }

    public override IReadOnlyList<StateArray<T>> Arrays => inner.Arrays;

    public override IReadOnlyList<StateCounter> Counters => inner.Counters;

    public override string Description =>
        $"{inner.Description}, rank {communicator.Rank} of {communicator.Size}, {consensus.Carrier}";

    internal override bool HoldsAll => false;

    internal override ArrayRange RangeOf(int parameter, StateArray<T> array) => consensus.RangeOf(parameter);

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
        if (Unsupported(optimizer) is { } reason)
        {
            throw reason;
        }

        var recipe = NativeRecipe.Of(optimizer);
        if (consensus.Shards.Exists(s => !s.Fits(recipe)))
        {
            throw new ArgumentException(
                "The new options transform rows and the old ones did not, or the other way round; that decides how ranks share "
                    + "parameters and cannot be changed between steps. Resume from a checkpoint.",
                nameof(optimizer)
            );
        }

        inner.SetOptimizer(group, optimizer);
        consensus.Optimizers[group] = optimizer;
        consensus.Changed();
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
            DoAndAgree(Operation.AddAverage, () => inner.AddAverage(average));
            consensus.Averages.Add(average);
            StateChanged();
        }
        finally
        {
            communicator.Exit();
        }
    }

    public override bool Step(in StepRequest<T> request)
    {
        communicator.Enter();
        var start = Stopwatch.GetTimestamp();
        try
        {
            consensus.StepCount = request.StepCount;
            request.LearningRates.CopyTo(consensus.Rates);
            var call = consensus.FingerprintOf(request);
            if (request.Accumulated)
            {
                consensus.Agree(Operation.Step, call, consensus.RefuseAccumulated());
            }
            else
            {
                var refusal = Take(request.Gradients) ?? (Exception?)consensus.RefuseDirect(request.Gradients);
                round!.Compare(consensus.Agree(Operation.Step, call, refusal, round.Presence));
                Exchange.Receive(round);
            }

            for (var p = 0; p < gradients.Length; p++)
            {
                gradients[p] = round!.IsPresent(p) ? sums[p] : Gradient<T>.None;
            }

            _ = inner.Step(
                new StepRequest<T>
                {
                    Gradients = gradients,
                    LearningRates = request.LearningRates,
                    MicroBatches = consensus.Divisor,
                    StepCount = request.StepCount,
                }
            );
            ShareParameters();
            if (request.ZeroGradients && !request.Accumulated)
            {
                ClearGradients(request.Gradients);
            }

            round!.Clear();
            consensus.Rounds = 0;
            consensus.StepCount++;
            return true;
        }
        finally
        {
            Leave(start);
        }
    }

    public override void Synchronize()
    {
        communicator.Enter();
        var start = Stopwatch.GetTimestamp();
        try
        {
            consensus.Agree(Operation.Synchronize, 0);
            inner.Synchronize();
            ShareParameters();
        }
        finally
        {
            Leave(start);
        }
    }

    internal override bool Accumulate(ReadOnlySpan<Gradient<T>> gradients)
    {
        communicator.Enter();
        var start = Stopwatch.GetTimestamp();
        try
        {
            var refusal = Take(gradients) ?? (Exception?)consensus.RefuseRound(gradients);
            round!.Compare(consensus.Agree(Operation.Accumulate, 0, refusal, round.Presence));
            Exchange.Receive(round);
            round.Complete();
            consensus.Rounds++;
            return true;
        }
        finally
        {
            Leave(start);
        }
    }

    internal override void Swap(IReadOnlyList<Parameter<T>> parameters, string name)
    {
        communicator.Enter();
        var start = Stopwatch.GetTimestamp();
        try
        {
            consensus.Agree(Operation.ExchangeWeights, Fingerprint.Of(name));
            base.Swap([.. consensus.Shards.Select(s => s.Own)], name);
            ShareParameters();
        }
        finally
        {
            Leave(start);
        }
    }

    internal override bool Save(Stepper<T> stepper, string? path, SaveOptions options, Exception? refusal)
    {
        save.Save(stepper, path, options, refusal);
        inner.Saved(stepper.StepCount);
        return true;
    }

    internal override void ConfirmResume(uint checksum) => save.ConfirmResume(checksum);

    internal override void Refuse(Exception reason) => consensus.Refuse(reason);

    protected override void Dispose(bool disposing)
    {
        // First: after a failure it ends what the device waits for.
        collectives?.Dispose();
        inner.Dispose();
        if (!communicator.HasFailed)
        {
            exchange?.Dispose();
            save.Free();
            round?.Free();
            NativeMemory.Free(callers);
        }

        noPins.Dispose();
        base.Dispose(disposing);
    }

    private DeviceExchange<T> Exchange => exchange ??= NewExchange();

    private DeviceExchange<T> NewExchange()
    {
        ShardedParameter[] cuts = [.. consensus.Shards.Select(s => s.Cut)];
        var plan = new ShardPlan(
            cuts,
            communicator.Size,
            Options.BucketBytesFor(communicator.Size) / sizeof(T),
            norms: false
        );
        DeviceExchange<T> made = collectives is null
            ? new OrderedDeviceExchange<T>(communicator, backend, plan, cuts)
            : new FastDeviceExchange<T>(communicator, backend, plan, cuts, collectives);
        sums = [.. Enumerable.Range(0, cuts.Length).Select(made.SumsOf)];
        return made;
    }

    /// <summary>Compares, then makes everything for a group; where that fails on a rank, the stepper is of no use on any.</summary>
    private void AddTogether(IReadOnlyList<Parameter<T>> parameters, Optimizer optimizer)
    {
        var loads = owned.ToArray();
        Shard<T>[] added = [];
        var refusal = consensus.RefuseWhileAccumulating() ?? (Exception?)Unsupported(parameters, optimizer);
        if (refusal is null)
        {
            try
            {
                if (Options.Reduction == ReductionMode.Fast)
                {
                    collectives ??= DeviceCollectives.Choose(communicator, backend);
                }

                var first = consensus.Shards.Count;
                added = Shard<T>.Of(parameters, NativeRecipe.Of(optimizer), first, communicator.Rank, loads);
            }
            catch (Exception failure)
            {
                refusal = failure;
            }
        }

        var joins = collectives is not null && consensus.Optimizers.Count == 0;
        consensus.Carrier = collectives?.Name ?? "the memory of the host";
        consensus.Shards.AddRange(added);
        consensus.Optimizers.Add(optimizer);
        consensus.Changed();
        try
        {
            consensus.Agree(Operation.Bind, 0, refusal);
            DoAndAgree(
                Operation.Bind,
                () =>
                {
                    if (joins)
                    {
                        collectives!.Join();
                    }

                    inner.AddGroup([.. added.Select(s => s.Own)], optimizer);
                }
            );
        }
        catch
        {
            consensus.Shards.RemoveRange(consensus.Shards.Count - added.Length, added.Length);
            consensus.Optimizers.RemoveAt(consensus.Optimizers.Count - 1);
            consensus.Changed();
            throw;
        }

        owned = loads;
        MakeRoom();
        StateChanged();
    }

    /// <summary>Does what may fail on one rank; then all fail.</summary>
    private void DoAndAgree(Operation operation, Action action)
    {
        Exception? failure = null;
        try
        {
            action();
        }
        catch (Exception thrown)
        {
            failure = thrown;
        }

        consensus.Agree(operation, 0, failure);
    }

    private void MakeRoom()
    {
        var count = consensus.Shards.Count;
        exchange?.Dispose();
        exchange = null;
        round?.Free();
        round = new(communicator, count);
        gradients = new Gradient<T>[count];
        NativeMemory.Free(callers);
        callers = (T**)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(T*));
        consensus.Rates = [.. consensus.Optimizers.Select(o => o.LearningRate)];
    }

    private void StateChanged()
    {
        consensus.Counters = [.. inner.Counters];
        consensus.Changed();
    }

    /// <summary>Where the gradients are; or why they cannot be stepped with.</summary>
    private NotSupportedException? Take(ReadOnlySpan<Gradient<T>> given)
    {
        foreach (ref readonly var gradient in given)
        {
            if (gradient.IsNone)
            {
                continue;
            }

            if (gradient.Buffer.Owner is not DeviceBuffer<T> buffer)
            {
                return new("The parameters are in the memory of a device; their gradients must be there, too.");
            }

            _ = buffer.Ready();
        }

        round!.Take(given, noPins);
        return null;
    }

    private void ShareParameters()
    {
        for (var p = 0; p < consensus.Shards.Count; p++)
        {
            var shard = consensus.Shards[p];
            _ = ((DeviceBuffer<T>)shard.Own.Buffer.Owner!).Ready();
            callers[p] = ((DeviceBuffer<T>)shard.Caller.Buffer.Owner!).Ready();
        }

        Exchange.Share(callers);
    }

    private void ClearGradients(ReadOnlySpan<Gradient<T>> given)
    {
        foreach (ref readonly var gradient in given)
        {
            if (gradient.Buffer.Owner is DeviceBuffer<T> buffer)
            {
                backend.Queue.Clear(buffer.Ready(), gradient.Length * sizeof(T));
            }
        }
    }

    private void Leave(long start)
    {
        StepTicks += Stopwatch.GetTimestamp() - start;
        communicator.Exit();
    }

    private NotSupportedException? Unsupported(IReadOnlyList<Parameter<T>> parameters, Optimizer optimizer)
    {
        if (Unsupported(optimizer) is { } reason)
        {
            return reason;
        }

        var recipe = NativeRecipe.Of(optimizer);
        foreach (var parameter in parameters)
        {
            if (parameter.Buffer.Owner is not DeviceBuffer<T>)
            {
                return new(
                    $"Parameter '{parameter.Name}' is in the memory of the host and others are on a device; ranks share either."
                );
            }

            if (Shard<T>.CutsByRows(parameter, recipe))
            {
                return new(
                    $"The rows of parameter '{parameter.Name}' do not lie in one piece; on devices ranks share only those that do."
                );
            }
        }

        return null;
    }

    /// <summary>What needs all gradients, or a whole parameter, before a step.</summary>
    private NotSupportedException? Unsupported(Optimizer optimizer)
    {
        var recipe = NativeRecipe.Of(optimizer);
        var what =
            recipe.ClipNorm is not null ? "clipping by the global norm"
            : optimizer.NonFinite != NonFinitePolicy.Propagate
                ? $"the policy {optimizer.NonFinite} for gradients that are not finite"
            : recipe.HasScalars ? optimizer.GetType().Name
            : Options.AccumulateInDouble ? nameof(ShardingOptions.AccumulateInDouble)
            : null;
        return what is null
            ? null
            : new($"Ranks that share parameters on devices do not support {what}; bind arrays of the host.");
    }
}
