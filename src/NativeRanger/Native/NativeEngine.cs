using System.Numerics;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>The native backend's side of one stepper: it owns state and counters, pins, and calls the library.</summary>
internal sealed unsafe class NativeEngine<T> : StepEngine<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly InstructionSet instructionSet;
    private readonly List<NativeGroup<T>> groups = [];
    private readonly List<Parameter<T>> parameters = [];
    private readonly List<Average> averages = [];
    private readonly PinTable<T> parameterPins = new();
    private readonly PinTable<T> gradientPins = new();
    private readonly GradientNorm<T> norm = new();
    private List<StateArray<T>> arrays = [];
    private List<StateCounter> counters = [];
    private NonFinitePolicy policy;

    public NativeEngine(InstructionSet instructionSet) => this.instructionSet = instructionSet;

    ~NativeEngine() => Dispose(disposing: false);

    public override IReadOnlyList<StateArray<T>> Arrays => arrays;

    public override IReadOnlyList<StateCounter> Counters => counters;

    public override string Description => NativeBackend.NameOf(instructionSet);

    public override void AddGroup(IReadOnlyList<Parameter<T>> parameters, Optimizer optimizer)
    {
        var group = new NativeGroup<T>(
            parameters,
            this.parameters.Count,
            groups.Count,
            optimizer,
            instructionSet,
            groups.FirstOrDefault()
        );
        try
        {
            for (var a = 0; a < averages.Count; a++)
            {
                group.AddAverage(averages[a], a);
            }

            parameterPins.Reserve(this.parameters.Count + parameters.Count);
            gradientPins.Reserve(this.parameters.Count + parameters.Count);
            norm.Reserve(parameters);
        }
        catch
        {
            group.Dispose();
            throw;
        }

        groups.Add(group);
        this.parameters.AddRange(parameters);
        policy = optimizer.NonFinite;
        ListState();
    }

    public override void SetOptimizer(int group, Optimizer optimizer)
    {
        groups[group].SetOptimizer(optimizer);
        policy = optimizer.NonFinite;
    }

    public override void AddAverage(Average average)
    {
        foreach (var group in groups)
        {
            group.AddAverage(average, averages.Count);
        }

        averages.Add(average);
        ListState();
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
                groups[0]
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
            foreach (var group in groups)
            {
                group.Point(request.Gradients, parameterPins, gradientPins);
            }

            return StepPinned(request);
        }
        finally
        {
            gradientPins.Release();
            parameterPins.Release();
        }
    }

    public override void Synchronize()
    {
        try
        {
            foreach (var group in groups)
            {
                group.Point(norm.NoGradients, parameterPins, gradientPins);
                group.PrepareSynchronize();
            }

            foreach (var group in groups)
            {
                NativeStatus.Check(NativeMethods.nr_step(group.Options, group.Count, group.Tensors));
                group.CommitSynchronize();
            }
        }
        finally
        {
            gradientPins.Release();
            parameterPins.Release();
        }
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var group in groups)
        {
            group.Dispose();
        }

        norm.Dispose();
        parameterPins.Dispose();
        gradientPins.Dispose();
        groups.Clear();
        base.Dispose(disposing);
    }

    private bool StepPinned(in StepRequest<T> request)
    {
        for (var i = 0; i < groups.Count; i++)
        {
            groups[i].Prepare(request.LearningRates[i], request.MicroBatches, request.ZeroGradients);
        }

        try
        {
            if (!norm.Measure(groups, policy))
            {
                Abandon();
                return false;
            }

            for (var i = 0; i < groups.Count; i++)
            {
                var group = groups[i];
                NativeStatus.Check(NativeMethods.nr_step(group.Options, group.Count, group.Tensors));
            }
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
        foreach (var group in groups)
        {
            group.Abandon();
        }
    }

    private void ListState()
    {
        arrays = [.. groups.SelectMany(g => g.Arrays).OrderBy(a => a.Parameter)];
        counters = [.. groups.SelectMany(g => g.Counters)];
    }
}
