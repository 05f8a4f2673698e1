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
    private double[] rates = [];

    /// <summary>Where the callers' parameters and this rank's ranges of them are during a step, by number.</summary>
    private T** callers;
    private T** own;

    /// <summary>What the groups step, by number.</summary>
    private nr_tensor** tensors;

    private long stepCount;
    private int rounds;

    /// <summary>The ticks of <see cref="Stopwatch"/> that steps have spent in kernels, and altogether.</summary>
    public long KernelTicks { get; private set; }

    /// <inheritdoc cref="KernelTicks"/>
    public long StepTicks { get; private set; }

    /// <summary>The rounds of one step; as many as there have been, where M follows from them.</summary>
    private int RoundsPerStep =>
        options.MicroBatches is { } m ? ((m - 1) / communicator.Size) + 1 : Math.Max(1, rounds);

    internal override bool Accumulate(ReadOnlySpan<Gradient<T>> gradients)
    {
        communicator.Enter();
        var start = Stopwatch.GetTimestamp();
        try
        {
            round!.Take(gradients, gradientPins);
            round.Compare(Agree(Operation.Accumulate, 0, RefuseRound(gradients), round.Presence));
            ReceiveRound();
            round.Complete();
            rounds++;
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
            stepCount = request.StepCount;
            request.LearningRates.CopyTo(rates);
            var call = FingerprintOf(request);
            if (request.Accumulated)
            {
                Agree(Operation.Step, call, RefuseAccumulated());
            }
            else
            {
                round!.Take(request.Gradients, gradientPins);
                round.Compare(Agree(Operation.Step, call, RefuseDirect(request.Gradients), round.Presence));
            }

            var stepped = StepTogether(request);
            round!.Clear();
            rounds = 0;
            stepCount += stepped ? 1 : 0;
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
            Agree(Operation.Synchronize, 0);
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
            Agree(Operation.ExchangeWeights, Fingerprint.Of(name));
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
        var microBatches = options.MicroBatches ?? communicator.Size * RoundsPerStep;
        var divisor = options.Combination == GradientCombination.Mean ? microBatches : 1;
        Point(withGradients: true);
        for (var g = 0; g < runner.Groups.Count; g++)
        {
            runner.Groups[g].Prepare(rates[g], Transport.Sums.IsWide ? 1 : divisor, zeroGradients: false);
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

    /// <summary>A hash of what must be the same on all ranks in this step only.</summary>
    private ulong FingerprintOf(in StepRequest<T> request)
    {
        var fingerprint = new Fingerprint();
        foreach (var rate in rates)
        {
            fingerprint.Add(rate);
        }

        foreach (var counter in counters)
        {
            fingerprint.Add(counter.Value);
        }

        fingerprint.Add(request.Accumulated ? 1L : 0);
        return fingerprint.Value;
    }

    /// <summary>Why a round of micro-batches cannot be accumulated, or null.</summary>
    private InvalidOperationException? RefuseRound(ReadOnlySpan<Gradient<T>> gradients)
    {
        if (options.MicroBatches is not { } m)
        {
            return null;
        }

        if (rounds == RoundsPerStep)
        {
            return new($"All {m} micro-batches of the step have been accumulated; step with them first.");
        }

        return RefuseSurplus(gradients, m);
    }

    /// <summary>Why the gradients cannot be all of a step, or null.</summary>
    private InvalidOperationException? RefuseDirect(ReadOnlySpan<Gradient<T>> gradients)
    {
        if (rounds > 0)
        {
            return new(
                $"{rounds} rounds of micro-batches have been accumulated; step with them by {nameof(Stepper<>.StepAccumulated)}."
            );
        }

        return options.MicroBatches is not { } m ? null
            : RoundsPerStep > 1
                ? new(
                    $"A step has {m} micro-batches, which {communicator.Size} ranks bring in {RoundsPerStep} rounds: call "
                        + $"{nameof(Stepper<>.Accumulate)} for each and then {nameof(Stepper<>.StepAccumulated)}."
                )
            : RefuseSurplus(gradients, m);
    }

    /// <summary>Why there cannot be a step with what has been accumulated, or null.</summary>
    private InvalidOperationException? RefuseAccumulated() =>
        options.MicroBatches is { } m && rounds != RoundsPerStep
            ? new(
                $"A step has {m} micro-batches, which {communicator.Size} ranks bring in {RoundsPerStep} rounds; there have been "
                    + $"{rounds}."
            )
            : null;

    /// <summary>Micro-batch j is rank j mod W's: in the last round some ranks may have none, and must not pass gradients.</summary>
    private InvalidOperationException? RefuseSurplus(ReadOnlySpan<Gradient<T>> gradients, int m)
    {
        if (((long)rounds * communicator.Size) + communicator.Rank < m)
        {
            return null;
        }

        foreach (ref readonly var gradient in gradients)
        {
            if (!gradient.IsNone)
            {
                return new(
                    $"A step has {m} micro-batches, and rank {communicator.Rank} of {communicator.Size} has none in round {rounds}: "
                        + "pass null gradients there."
                );
            }
        }

        return null;
    }

    private InvalidOperationException? RefuseWhileAccumulating() =>
        rounds > 0 ? new($"{rounds} rounds of micro-batches have been accumulated; step with them first.") : null;
}
