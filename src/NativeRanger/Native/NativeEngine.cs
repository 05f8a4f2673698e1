using System.Numerics;

namespace NativeRanger;

/// <summary>The native backend's side of one stepper: it owns state and counters, pins, and calls the library.</summary>
internal sealed unsafe partial class NativeEngine<T> : StepEngine<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly InstructionSet instructionSet;
    private readonly NativeRunner<T> runner;
    private readonly GradientNorm<T> norm;
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
    }

    ~NativeEngine() => Dispose(disposing: false);

    public override IReadOnlyList<StateArray<T>> Arrays =>
        arrays ??= [.. runner.Groups.SelectMany(g => g.Arrays).OrderBy(a => a.Parameter)];

    public override IReadOnlyList<StateCounter> Counters => counters ??= [.. runner.Groups.SelectMany(g => g.Counters)];

    public override string Description => NativeBackend.NameOf(instructionSet);

    public override void AddGroup(IReadOnlyList<Parameter<T>> parameters, Optimizer optimizer)
    {
        var clock = runner.Groups.Count > 0 ? runner.Groups[0] : null;
        var group = new NativeGroup<T>(parameters, placed, runner.Groups.Count, optimizer, instructionSet, clock);
        try
        {
            for (var a = 0; a < averages.Count; a++)
            {
                group.AddAverage(averages[a], a);
            }

            ReservePins(placed + parameters.Count);
        }
        catch
        {
            group.Dispose();
            throw;
        }

        runner.Add(group);
        for (var i = 0; i < parameters.Count; i++)
        {
            places[placed++] = new(parameters[i].Buffer, group.Tensors + i);
        }

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
        if (placed != 1)
        {
            return PinFrom(0, request, synchronize: false);
        }

        fixed (T* p = places[0].Parameter.Array)
        fixed (T* g = request.Gradients[0].Array)
        {
            places[0].Point(p, request.Gradients[0], g);
            return StepPinned(request);
        }
    }

    public override void Synchronize()
    {
        if (noGradients.Length != placed)
        {
            noGradients = new Gradient<T>[placed];
        }

        PinFrom(0, new() { Gradients = noGradients, LearningRates = [] }, synchronize: true);
    }

    protected override void Dispose(bool disposing)
    {
        runner.Dispose();
        norm.Dispose();
        DisposePins();
        base.Dispose(disposing);
    }

    private void SynchronizePinned()
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

    private bool StepPinned(in StepRequest<T> request)
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
