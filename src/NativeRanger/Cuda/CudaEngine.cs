using System.Numerics;
using System.Runtime.InteropServices;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>A device's side of one stepper: state and steps are in its memory, counters on the host.</summary>
internal sealed unsafe class CudaEngine<T> : StepEngine<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CudaQueue queue;
    private readonly DeviceStateStore<T> store;
    private readonly List<NativeGroup<T>> groups = [];
    private readonly List<Average> averages = [];
    private readonly List<DeviceParameter<T>> parameters = [];
    private readonly List<DeviceStateArray<T>> touched = [];
    private List<StateArray<T>> arrays = [];
    private List<StateCounter> counters = [];
    private NonFinitePolicy policy;
    private nr_cuda_group* table;

    /// <summary>A step is under way of which it is not known whether it is skipped.</summary>
    private bool undecided;
    private long lateSkips;
    private long launched;
    private long savedStep = -1;
    private CudaException? broken;

    public CudaEngine(CudaBackend backend)
    {
        Backend = backend;
        store = new(this);
        try
        {
            queue = new(backend.Device, backend.Stream);
        }
        catch
        {
            GC.SuppressFinalize(this);
            throw;
        }
    }

    ~CudaEngine() => Dispose(disposing: false);

    public CudaBackend Backend { get; }

    public override IReadOnlyList<StateArray<T>> Arrays => arrays;

    public override IReadOnlyList<StateCounter> Counters => counters;

    public override string Description => Backend.DeviceName;

    public override void AddGroup(IReadOnlyList<Parameter<T>> parameters, Optimizer optimizer)
    {
        RequireUsable();
        Settle();
        var added = new List<DeviceParameter<T>>();
        NativeGroup<T>? group = null;
        try
        {
            foreach (var parameter in parameters)
            {
                added.Add(new(Backend, parameter));
            }

            var clock = groups.Count > 0 ? groups[0] : null;
            group = new(parameters, this.parameters.Count, groups.Count, optimizer, InstructionSet.Auto, clock, store);
            for (var a = 0; a < averages.Count; a++)
            {
                group.AddAverage(averages[a], a);
            }

            table = (nr_cuda_group*)
                NativeMemory.Realloc(table, (nuint)(groups.Count + 1) * (nuint)sizeof(nr_cuda_group));
        }
        catch
        {
            group?.Dispose();
            added.ForEach(p => p.Dispose());
            throw;
        }

        groups.Add(group);
        this.parameters.AddRange(added);
        policy = optimizer.NonFinite;
        StateChanged();
    }

    public override void SetOptimizer(int group, Optimizer optimizer)
    {
        Settle();
        groups[group].SetOptimizer(optimizer);
        policy = optimizer.NonFinite;
    }

    public override void AddAverage(Average average)
    {
        RequireUsable();
        Settle();
        var done = 0;
        try
        {
            for (; done < groups.Count; done++)
            {
                groups[done].AddAverage(average, averages.Count);
            }
        }
        catch
        {
            foreach (var group in groups.Take(done))
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
        RequireUsable();
        Settle();
        var hosted = Place(request);
        foreach (var group in groups)
        {
            group.Prepare(LearningRate(request, group), request.MicroBatches, request.ZeroGradients);
        }

        var prepared = true;
        try
        {
            Launch(policy != NonFinitePolicy.Propagate ? (uint)nr_cuda_step_flags.NR_CUDA_SKIP_NONFINITE : 0);
            launched = request.StepCount + 1;
            if (policy == NonFinitePolicy.SkipStep && !hosted)
            {
                undecided = true;
                return true;
            }

            var skipped = policy != NonFinitePolicy.Propagate && Outcome();
            if (hosted)
            {
                FetchAll(request, skipped);
            }

            if (!skipped)
            {
                prepared = false;
                Commit();
                return true;
            }
        }
        finally
        {
            if (prepared && !undecided)
            {
                Abandon();
            }
        }

        return policy == NonFinitePolicy.SkipStep ? false : throw NonFiniteGradientException.NothingHasChanged();
    }

    public override void Synchronize()
    {
        RequireUsable();
        Settle();
        var hosted = false;
        foreach (var group in groups)
        {
            for (var i = 0; i < group.Count; i++)
            {
                hosted |= parameters[group.FirstParameter + i].Place(ref group.Tensors[i]);
                group.Tensors[i].gradient = null;
            }

            group.PrepareSynchronize();
        }

        WriteBack();
        Launch(flags: 0, clip: false);
        if (hosted)
        {
            FetchParameters();
        }

        foreach (var group in groups)
        {
            group.CommitSynchronize();
        }
    }

    internal override bool Accumulate(ReadOnlySpan<Gradient<T>> gradients)
    {
        RequireUsable();

        // All that can run out of memory first: a micro-batch is added as a whole or not at all.
        for (var i = 0; i < gradients.Length; i++)
        {
            parameters[i].ReserveSum(gradients[i]);
        }

        for (var i = 0; i < gradients.Length; i++)
        {
            Guard(parameters[i].Accumulate(queue, gradients[i]));
        }

        return true;
    }

    internal override long TakeSkippedSteps()
    {
        Settle();
        var late = lateSkips;
        lateSkips = 0;
        return late;
    }

    internal override void Saved(long step) => savedStep = step;

    /// <summary>A part of a state array was given to the caller, who may change it.</summary>
    public void Touched(DeviceStateArray<T> array)
    {
        if (!touched.Contains(array))
        {
            touched.Add(array);
        }
    }

    /// <summary>Finds out whether the last step was skipped, and counts it or takes it back.</summary>
    public void Settle()
    {
        if (!undecided)
        {
            return;
        }

        undecided = false;
        if (Outcome())
        {
            Abandon();
            lateSkips++;
        }
        else
        {
            Commit();
        }
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var group in groups)
        {
            group.Dispose();
        }

        groups.Clear();
        NativeMemory.Free(table);
        table = null;
        undecided = false;

        // Also in the finaliser: the handles below are finalised later, and those that are held would never be.
        parameters.ForEach(p => p.Dispose());
        parameters.Clear();
        store.Dispose();
        queue.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Points every tensor at the device; true where arrays of the host are among them, which are sent there.</summary>
    private bool Place(in StepRequest<T> request)
    {
        WriteBack();
        var hosted = false;
        foreach (var group in groups)
        {
            for (var i = 0; i < group.Count; i++)
            {
                var parameter = parameters[group.FirstParameter + i];
                ref var tensor = ref group.Tensors[i];
                hosted |= parameter.Place(ref tensor);
                hosted |= request.Accumulated
                    ? parameter.PlaceSum(ref tensor)
                    : parameter.PlaceGradient(request.Gradients[group.FirstParameter + i], ref tensor);
            }
        }

        return hosted;
    }

    private void WriteBack()
    {
        foreach (var array in touched)
        {
            array.WriteBack();
        }

        touched.Clear();
    }

    private double LearningRate(in StepRequest<T> request, NativeGroup<T> group) =>
        request.LearningRates[groups.IndexOf(group)];

    private void Launch(uint flags, bool clip = true)
    {
        for (var g = 0; g < groups.Count; g++)
        {
            table[g] = new()
            {
                options = groups[g].Options,
                tensors = groups[g].Tensors,
                count = groups[g].Count,
                clip_norm = clip ? groups[g].ClipNorm ?? 0 : 0,
            };
        }

        Guard(CudaMethods.nr_cuda_step(queue.Handle, groups.Count, table, flags));
    }

    private bool Outcome()
    {
        int skipped;
        Guard(CudaMethods.nr_cuda_outcome(queue.Handle, &skipped));
        return skipped != 0;
    }

    /// <summary>Everything comes back before any array changes.</summary>
    private void FetchAll(in StepRequest<T> request, bool skipped)
    {
        FetchParameters();
        if (!request.ZeroGradients || skipped || request.Accumulated)
        {
            return;
        }

        foreach (ref readonly var gradient in request.Gradients)
        {
            if (gradient.Buffer.Owner is null)
            {
                gradient.Buffer.Clear();
            }
        }
    }

    private void FetchParameters()
    {
        foreach (var parameter in parameters)
        {
            parameter.Fetch();
        }

        Guard(CudaMethods.nr_cuda_queue_wait(queue.Handle));
        foreach (var parameter in parameters)
        {
            parameter.Store();
        }
    }

    private void Commit()
    {
        foreach (var group in groups)
        {
            group.Commit();
        }
    }

    private void Abandon()
    {
        foreach (var group in groups)
        {
            group.Abandon();
        }
    }

    /// <summary>A failure after which it is not known what the device has done ends the stepper.</summary>
    private void Guard(int status)
    {
        if (status == (int)nr_status_code.NR_OK)
        {
            return;
        }

        var failure = Backend.Device.Failure(status);
        if (failure is not CudaException cuda)
        {
            throw failure;
        }

        var saved =
            savedStep >= 0 ? $"the last checkpoint that it saved holds step {savedStep}" : "it has saved no checkpoint";
        broken = new(
            $"{cuda.Message} This was noticed after step {launched} had been started. What the stepper has on the device is not to be "
                + $"relied on; {Hosted()}{saved}. Bind or resume anew.",
            cuda.IsDeviceLost
        );
        throw broken;
    }

    private string Hosted() =>
        parameters.Exists(p => p.IsHosted)
            ? $"its parameters in arrays of the host hold step {Math.Max(0, launched - 1)}; "
            : "";

    private void RequireUsable()
    {
        if (broken is not null)
        {
            throw new CudaException(broken.Message, broken.IsDeviceLost);
        }
    }

    private void StateChanged()
    {
        arrays = [.. groups.SelectMany(g => g.Arrays).OrderBy(a => a.Parameter)];
        counters = [.. groups.SelectMany(g => g.Counters)];
    }
}
