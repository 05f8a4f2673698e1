using System.Numerics;

namespace NativeRanger;

/// <summary>The native backend's side of one stepper: it owns state and counters, pins, and calls the library.</summary>
internal sealed unsafe class NativeEngine<T> : StepEngine<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly InstructionSet instructionSet;
    private readonly NativeRunner<T> runner;
    private readonly GradientNorm<T> norm;
    private readonly List<Parameter<T>> parameters = [];
    private readonly List<Average> averages = [];
    private readonly PinTable<T> parameterPins = new();
    private readonly PinTable<T> gradientPins = new();
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
        var group = new NativeGroup<T>(
            parameters,
            this.parameters.Count,
            runner.Groups.Count,
            optimizer,
            instructionSet,
            clock
        );
        try
        {
            for (var a = 0; a < averages.Count; a++)
            {
                group.AddAverage(averages[a], a);
            }

            parameterPins.Reserve(this.parameters.Count + parameters.Count);
            gradientPins.Reserve(this.parameters.Count + parameters.Count);
        }
        catch
        {
            group.Dispose();
            throw;
        }

        runner.Add(group);
        this.parameters.AddRange(parameters);
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
        if (parameters.Count == 1)
        {
            var parameter = parameters[0].Buffer;
            var gradient = request.Gradients[0].Buffer;
            fixed (T* p = parameter.Array)
            fixed (T* g = gradient.Array)
            {
                runner
                    .Groups[0]
                    .Point(
                        parameter.Array is null ? parameter.Address : p + parameter.Offset,
                        gradient.Array is null ? gradient.Address : g + gradient.Offset,
                        !request.Gradients[0].IsNone
                    );
                return StepPinned(request);
            }
        }

        try
        {
            Pin(request.Gradients);
            return StepPinned(request);
        }
        finally
        {
            Unpin();
        }
    }

    public override void Synchronize()
    {
        if (noGradients.Length != parameters.Count)
        {
            noGradients = new Gradient<T>[parameters.Count];
        }

        try
        {
            Pin(noGradients);
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
        finally
        {
            Unpin();
        }
    }

    protected override void Dispose(bool disposing)
    {
        runner.Dispose();
        norm.Dispose();
        parameterPins.Dispose();
        gradientPins.Dispose();
        base.Dispose(disposing);
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

    private void Pin(ReadOnlySpan<Gradient<T>> gradients)
    {
        foreach (var group in runner.Groups)
        {
            group.Point(gradients, parameterPins, gradientPins);
        }
    }

    private void Unpin()
    {
        gradientPins.Release();
        parameterPins.Release();
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
