using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NativeRanger.Mpi;

internal sealed unsafe partial class ShardedEngine<T>
{
    private readonly List<BucketStep<T>> steps = [];
    private ShardTransport<T>? transport;
    private SummingCall<T>? summing;

    /// <summary>The scalars of all parameters, this rank's and then every rank's; null where there are none.</summary>
    private AlignedMemory<double>? scalars;
    private Round<T>? round;

    /// <summary>Where the callers' parameters and this rank's ranges of them are during a step, by number.</summary>
    private T** callers;
    private T** own;

    /// <summary>What the groups step, by number.</summary>
    private nr_tensor** tensors;

    /// <summary>The ticks of <see cref="Stopwatch"/> that steps have spent in kernels, and altogether.</summary>
    public long KernelTicks { get; private set; }

    /// <inheritdoc cref="KernelTicks"/>
    public long StepTicks { get; private set; }

    internal override bool Accumulate(ReadOnlySpan<Gradient<T>> gradients)
    {
        communicator.Enter();
        var start = Stopwatch.GetTimestamp();
        try
        {
            round!.Take(gradients, gradientPins);
            round.Compare(consensus.Agree(Operation.Accumulate, 0, consensus.RefuseRound(gradients), round.Presence));
            ReceiveRound();
            round.Complete();
            consensus.Rounds++;
            return true;
        }
        finally
        {
            Leave(start);
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
                round!.Take(request.Gradients, gradientPins);
                round.Compare(
                    consensus.Agree(Operation.Step, call, consensus.RefuseDirect(request.Gradients), round.Presence)
                );
            }

            var stepped = StepTogether(request);
            round!.Clear();
            consensus.Rounds = 0;
            consensus.StepCount += stepped ? 1 : 0;
            return stepped;
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
            Point(withGradients: false);
            foreach (var group in runner.Groups)
            {
                group.PrepareSynchronize();
            }

            StepBuckets();
            foreach (var group in runner.Groups)
            {
                group.CommitSynchronize();
            }
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
            Point(withGradients: false);
            base.Swap([.. shards.Select(s => s.Own)], name);
            for (var bucket = 0; bucket < Transport.Plan.Buckets; bucket++)
            {
                Transport.Parameters.Begin(bucket, callers, own);
            }

            Transport.Parameters.FinishAll(callers);
        }
        finally
        {
            Leave(start);
        }
    }

    private ShardTransport<T> Transport => transport ??= new(communicator, options, shards, runner, instructionSet);

    /// <summary>The steps of each bucket.</summary>
    private List<BucketStep<T>> Steps
    {
        get
        {
            for (var bucket = steps.Count; bucket < Transport.Plan.Buckets; bucket++)
            {
                steps.Add(new(bucket, Transport, runner, shards));
            }

            return steps;
        }
    }

    private bool StepTogether(in StepRequest<T> request)
    {
        var clips = Transport.HasNorms;
        var measures = clips || policy != NonFinitePolicy.Propagate;
        var divisor = consensus.Divisor;
        Point(withGradients: true);
        for (var g = 0; g < runner.Groups.Count; g++)
        {
            runner.Groups[g].Prepare(consensus.Rates[g], Transport.Sums.IsWide ? 1 : divisor, zeroGradients: false);
        }

        try
        {
            if (!measures && !request.Accumulated)
            {
                ReceiveAndStep(1.0 / divisor);
            }
            else
            {
                if (!request.Accumulated)
                {
                    ReceiveRound();
                }

                Transport.Sums.HoldAll();
                for (var bucket = 0; bucket < Transport.Plan.Buckets; bucket++)
                {
                    Transport.Round(bucket, round!, 1.0 / divisor);
                }

                if (measures && !Transport.Norm.Measure(policy, clips))
                {
                    Abandon();
                    return false;
                }

                StepBuckets();
            }
        }
        catch
        {
            Abandon();
            throw;
        }

        foreach (var group in runner.Groups)
        {
            group.Commit();
        }

        if (request.ZeroGradients && !request.Accumulated)
        {
            ClearGradients();
        }

        return true;
    }

    /// <summary>
    /// The gradients of the next bucket and the parameters of the one before are under way while a bucket is stepped. Only where
    /// nothing about the gradients has to be known before the first one is.
    /// </summary>
    private void ReceiveAndStep(double factor)
    {
        summing ??= new(Transport);
        Transport.Gradients.Begin(0, round!);
        for (var bucket = 0; bucket < Transport.Plan.Buckets; bucket++)
        {
            BeginNext(bucket);
            Transport.Gradients.Arrive(bucket, round!);
            Transport.Sums.HoldFrom(Transport.FirstPosition(bucket));
            StepBucket(bucket, summing.For(Steps[bucket], round!, factor));
        }

        FinishBuckets();
    }

    private void ReceiveRound()
    {
        Transport.Sums.HoldAll();
        Transport.Gradients.Begin(0, round!);
        for (var bucket = 0; bucket < Transport.Plan.Buckets; bucket++)
        {
            BeginNext(bucket);
            Transport.Receive(bucket, round!);
        }
    }

    private void BeginNext(int bucket)
    {
        if (bucket + 1 < Transport.Plan.Buckets)
        {
            Transport.Gradients.Begin(bucket + 1, round!);
        }
    }

    private void StepBuckets()
    {
        for (var bucket = 0; bucket < Transport.Plan.Buckets; bucket++)
        {
            StepBucket(bucket, runner);
        }

        FinishBuckets();
    }

    private void FinishBuckets()
    {
        Transport.Parameters.FinishAll(callers);
        if (scalars is not null)
        {
            ShareScalars(scalars);
        }
    }

    /// <summary>Brings the scalars of parameters that one rank steps whole to all ranks.</summary>
    private void ShareScalars(AlignedMemory<double> memory)
    {
        const int Count = NativeTensorTable.ScalarsPerTensor;
        var share = shards.Count * Count;
        foreach (var group in runner.Groups)
        {
            for (var i = 0; i < group.Count; i++)
            {
                Elements.Copy(group.Tensors[i].scalars, memory.Address + ((group.FirstParameter + i) * Count), Count);
            }
        }

        var everybodys = memory.Address + share;
        communicator.AllGather(memory.Address, (long)share * sizeof(double), everybodys);
        foreach (var group in runner.Groups)
        {
            for (var i = 0; i < group.Count; i++)
            {
                var parameter = group.FirstParameter + i;
                var owner = shards[parameter].Owner;
                Elements.Copy(
                    everybodys + ((long)owner * share) + (parameter * Count),
                    group.Tensors[i].scalars,
                    Count
                );
            }
        }
    }

    private void StepBucket(int bucket, NativeCall<T> call)
    {
        Transport.Gradients.Progress();
        Transport.Parameters.Progress();
        AimAtSums(bucket);
        var start = Stopwatch.GetTimestamp();
        NativeStatus.Check(runner.Run(call, Steps[bucket].Pieces));
        KernelTicks += Stopwatch.GetTimestamp() - start;
        Transport.Parameters.Begin(bucket, callers, own);
    }

    /// <summary>Where the parameters are during this call, and whether they have gradients.</summary>
    private void Point(bool withGradients)
    {
        var parameter = 0;
        foreach (var group in runner.Groups)
        {
            for (var i = 0; i < group.Count; i++, parameter++)
            {
                var shard = shards[parameter];
                shard.Load();
                callers[parameter] = parameterPins.Pin(shard.Caller.Buffer);
                own[parameter] = shard.Address(callers[parameter]);
                group.Tensors[i].parameter = own[parameter];

                // Any address: AimAtSums gives those that matter, bucket by bucket.
                group.Tensors[i].gradient = withGradients && round!.IsPresent(parameter) ? (T*)sizeof(T) : null;
            }
        }
    }

    /// <summary>Where the sums of a bucket are, as if those of all of each parameter were there.</summary>
    private void AimAtSums(int bucket)
    {
        foreach (ref readonly var segment in Transport.OwnSegments(bucket).AsSpan())
        {
            var tensor = tensors[segment.Parameter];
            if (segment.Owned && tensor->gradient is not null)
            {
                var before = segment.Range.Start - shards[segment.Parameter].Range.Start;
                tensor->gradient = Transport.Sums.At(segment.Position) - before;
            }
        }
    }

    private void ClearGradients()
    {
        for (var p = 0; p < shards.Count; p++)
        {
            if (round!.Gradients[p] is not null)
            {
                NativeMemory.Clear(round.Gradients[p], (nuint)(shards[p].Caller.Length * sizeof(T)));
            }
        }
    }

    private void Abandon()
    {
        foreach (var group in runner.Groups)
        {
            group.Abandon();
        }
    }

    private void Leave(long start)
    {
        // After a failure MPI may still read and write what is pinned.
        if (!communicator.HasFailed)
        {
            gradientPins.Release();
            parameterPins.Release();
        }

        StepTicks += Stopwatch.GetTimestamp() - start;
        communicator.Exit();
    }
}
