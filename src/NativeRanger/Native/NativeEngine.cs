using System.Numerics;

namespace NativeRanger;

/// <summary>The native backend's side of one stepper: it owns state and counters, pins, and calls the library.</summary>
internal sealed unsafe class NativeEngine<T> : StepEngine<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly InstructionSet instructionSet;
    private readonly NativeRunner<T> runner;
    private readonly GradientNorm<T> norm;
    private readonly PinnedTensors<T> pinned = new();
    private readonly List<Average> averages = [];
    private Gradient<T>[] noGradients = [];
    private List<StateArray<T>>? arrays;
    private List<StateCounter>? counters;
    private NonFinitePolicy policy;

    public NativeEngine(InstructionSet instructionSet, int? threads)
    {
        this.instructionSet = instructionSet;
        runner = new(threads);
        norm = new(runner);
        runner.Pinned = pinned;
    }

    ~NativeEngine() => Dispose(disposing: false);

    public override IReadOnlyList<StateArray<T>> Arrays =>
        arrays ??= [.. runner.Groups.SelectMany(g => g.Arrays).OrderBy(a => a.Parameter)];

    public override IReadOnlyList<StateCounter> Counters => counters ??= [.. runner.Groups.SelectMany(g => g.Counters)];

    public override string Description => NativeBackend.NameOf(instructionSet);

    public override void AddGroup(IReadOnlyList<Parameter<T>> parameters, Optimizer optimizer)
    {
        var clock = runner.Groups.Count > 0 ? runner.Groups[0] : null;
        var group = new NativeGroup<T>(parameters, pinned.Count, runner.Groups.Count, optimizer, instructionSet, clock);
        try
        {
            for (var a = 0; a < averages.Count; a++)
            {
                group.AddAverage(averages[a], a);
            }

            pinned.Reserve(pinned.Count + parameters.Count);
        }
        catch
        {
            group.Dispose();
            throw;
        }

        runner.Add(group);
        for (var i = 0; i < parameters.Count; i++)
        {
            pinned.Add(parameters[i].Buffer, group.Tensors + i);
        }

        runner.Pinned = pinned.Count == 1 ? null : pinned;
        policy = optimizer.NonFinite;
        StateChanged();
    }

    public override void SetOptimizer(int group, Optimizer optimizer)
    {
        runner.Groups[group].SetOptimizer(optimizer);
        policy = optimizer.NonFinite;
        Invalidate();
    }

    public override void AddAverage(Average average)
    {
        var done = 0;
        try
        {
            for (; done < runner.Groups.Count; done++)
            {
                runner.Groups[done].AddAverage(average, averages.Count);
            }
        }
        catch
        {
            foreach (var group in runner.Groups.Take(done))
            {
                group.RemoveAverage();
            }

            throw;
        }

        averages.Add(average);
        StateChanged();
    }

    public override bool Step(in StepRequest<T> request)
    {
        if (runner.Pinned is not null)
        {
            pinned.Take(request.Gradients, request.Held);
            return StepPlaced(request);
        }

        fixed (T* p = pinned.FirstArray)
        fixed (T* g = request.Gradients[0].Array)
        {
            pinned.PointFirst(p, request.Gradients[0], g);
            return StepPlaced(request);
        }
    }

    public override void Synchronize()
    {
        if (runner.Pinned is not null)
        {
            noGradients = noGradients.Length == pinned.Count ? noGradients : new Gradient<T>[pinned.Count];
            pinned.Take(noGradients, noGradients);
            SynchronizePlaced();
            return;
        }

        fixed (T* p = pinned.FirstArray)
        {
            pinned.PointFirst(p, Gradient<T>.None, null);
            SynchronizePlaced();
        }
    }

    protected override void Dispose(bool disposing)
    {
        runner.Dispose();
        norm.Dispose();
        base.Dispose(disposing);
    }

    private void SynchronizePlaced()
    {
        foreach (var group in runner.Groups)
        {
            group.PrepareSynchronize();
        }

        runner.Step();
        foreach (var group in runner.Groups)
        {
            group.CommitSynchronize();
        }
    }

    private bool StepPlaced(in StepRequest<T> request)
    {
        var groups = runner.Groups;
        for (var i = 0; i < groups.Count; i++)
        {
            groups[i].Prepare(request.LearningRates[i], request.MicroBatches, request.ZeroGradients);
        }

        try
        {
            if (!norm.Measure(policy))
            {
                Abandon();
                return false;
            }

            runner.Step();
        }
        catch
        {
            Abandon();
            throw;
        }

        for (var i = 0; i < groups.Count; i++)
        {
            groups[i].Commit();
        }

        return true;
    }

    private void Abandon()
    {
        foreach (var group in runner.Groups)
        {
            group.Abandon();
        }
    }

    private void StateChanged()
    {
        arrays = null;
        counters = null;
        Invalidate();
    }

    private void Invalidate()
    {
        runner.Invalidate();
        norm.Invalidate();
    }
}
