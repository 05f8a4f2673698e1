using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace NativeRanger;

/// <summary>A recipe bound to arrays: it owns the state, and steps the arrays in place.</summary>
/// <remarks>
/// A step either happens as a whole or changes nothing. One stepper is stepped by one thread at a time; different steppers
/// are independent. The arrays stay the caller's: they are pinned only while a step runs.
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
public sealed unsafe partial class Stepper<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly StepEngine<T> engine;
    private readonly List<Parameter<T>> parameters = [];
    private readonly List<StepperGroup<T>> groups = [];
    private readonly List<AverageWeights<T>> averages = [];
    private readonly OverlapGuard<T> guard = new();
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private double[] rates = [];
    private Gradient<T>[] gradientScratch = [];
    private bool scratchIsKnown;
    private int busy;
    private long stepCount;
    private long skippedSteps;
    private bool disposed;

    internal Stepper(Optimizer optimizer, IEnumerable<ParameterGroup<T>> groups, Backend backend)
    {
        ElementType.Require<T>();
        ArgumentNullException.ThrowIfNull(groups);
        Optimizer = optimizer;
        Backend = backend;
        optimizer.Validate();
        var initial = groups.ToArray();
        if (initial.Length == 0)
        {
            throw new ArgumentException(
                "There is nothing to bind: a stepper needs at least one group.",
                nameof(groups)
            );
        }

        engine = backend.CreateEngine<T>(optimizer);
        try
        {
            Add(initial);
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    /// <summary>The recipe that was bound.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>What carries out the steps.</summary>
    public Backend Backend { get; }

    /// <summary>The parameters, in bind order.</summary>
    public IReadOnlyList<Parameter<T>> Parameters => parameters;

    /// <summary>The groups, in bind order; their options can be changed between steps.</summary>
    public IReadOnlyList<StepperGroup<T>> Groups => groups;

    /// <summary>The completed steps, skipped ones left out.</summary>
    public long StepCount
    {
        get
        {
            Settle();
            return stepCount;
        }
        private set => stepCount = value;
    }

    /// <summary>The steps that <see cref="NonFinitePolicy.SkipStep"/> skipped.</summary>
    public long SkippedSteps
    {
        get
        {
            Settle();
            return skippedSteps;
        }
        private set => skippedSteps = value;
    }

    /// <summary>
    /// A factor on every group's learning rate as a function of the completed steps, from 0; null (default) for none.
    /// </summary>
    public Schedule? Schedule { get; set; }

    /// <summary>Store +0 to every gradient in the pass that reads it. Off by default. Read-only spans are then refused.</summary>
    public bool ZeroGradients { get; set; }

    /// <summary>Adds parameters; their state, slow weights and averages start now.</summary>
    /// <param name="group">The parameters and their options.</param>
    /// <exception cref="ArgumentException">
    /// A name or memory that the stepper has already, an optimizer of another kind, or an ε that is 0 in the parameter's type.
    /// </exception>
    public void AddGroup(ParameterGroup<T> group)
    {
        Add([group]);
    }

    /// <summary>Adds groups, having checked all of them together: the work grows with their number, not with its square.</summary>
    private void Add(ParameterGroup<T>[] added)
    {
        Enter();
        try
        {
            try
            {
                foreach (var group in added)
                {
                    ArgumentNullException.ThrowIfNull(group);
                    RequireSameKind(group.Optimizer ?? Optimizer);
                }

                RequireDistinct([.. added.SelectMany(group => group.Parameters)]);
                foreach (var parameter in added.SelectMany(group => group.Parameters))
                {
                    RequireReachable(parameter.Name, parameter.Buffer);
                }
            }
            catch (Exception invalid)
            {
                engine.Refuse(invalid);
                throw;
            }

            foreach (var group in added)
            {
                var optimizer = group.Optimizer ?? Optimizer;
                engine.AddGroup(group.Parameters, optimizer);
                foreach (var parameter in group.Parameters)
                {
                    names.Add(parameter.Name);
                    parameters.Add(parameter);
                }

                guard.Add(group.Parameters);
                groups.Add(new(this, groups.Count, group.Parameters, optimizer));
            }

            rates = new double[groups.Count];
            gradientScratch = new Gradient<T>[parameters.Count];
            scratchIsKnown = false;
            guard.Forget(parameters.Count);
            accumulated.Grow(parameters);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>What carries out the steps of this stepper.</summary>
    internal StepEngine<T> Engine => engine;

    /// <summary>The arrays of the state, for checkpoints and inspection.</summary>
    public IReadOnlyList<StateArray<T>> StateArrays => engine.Arrays;

    /// <summary>The counters of the state, for checkpoints and inspection.</summary>
    public IReadOnlyList<StateCounter> StateCounters => engine.Counters;

    /// <summary>A state array of a parameter, or null if it has none of that name.</summary>
    /// <param name="parameter">The number of the parameter, in bind order.</param>
    /// <param name="name">One of <see cref="StateNames"/>.</param>
    public StateArray<T>? StateArray(int parameter, string name) =>
        engine.Arrays.FirstOrDefault(a =>
            a.Parameter == parameter && string.Equals(a.Name, name, StringComparison.Ordinal)
        );

    /// <summary>The steps of one parameter: those in which it had a gradient.</summary>
    /// <param name="parameter">The number of the parameter, in bind order.</param>
    public long ParameterSteps(int parameter)
    {
        RequireParameter(parameter);
        return engine
            .Counters.First(c =>
                c.Owner == parameter && string.Equals(c.Name, StateNames.Step, StringComparison.Ordinal)
            )
            .Value;
    }

    /// <summary>The optimizer, the backend and what runs.</summary>
    public override string ToString() => $"{Optimizer.GetType().Name} on {Backend.Name} ({engine.Description})";

    /// <summary>Releases the state. The parameters stay as they are.</summary>
    /// <exception cref="InvalidOperationException">A step is running.</exception>
    public void Dispose()
    {
        if (disposed)
        {
            return;
        }

        Enter();
        disposed = true;
        engine.Dispose();
        Exit();
    }

    internal void SetOptimizer(int group, Optimizer optimizer)
    {
        Enter();
        try
        {
            RequireSameKind(optimizer);
            RequireSameState(groups[group].Optimizer, optimizer);
            engine.SetOptimizer(group, optimizer);
        }
        finally
        {
            Exit();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Enter()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (Interlocked.CompareExchange(ref busy, 1, 0) != 0)
        {
            throw InUse();
        }
    }

    private static InvalidOperationException InUse() =>
        new(
            "concurrent Step: this stepper is in use by another thread, or by the callback of a call that has not returned."
        );

    private void Exit() => Volatile.Write(ref busy, 0);

    /// <summary>Takes back the steps that a device has skipped after they were counted.</summary>
    private void Settle()
    {
        var skipped = engine.TakeSkippedSteps();
        stepCount -= skipped;
        skippedSteps += skipped;
    }

    /// <summary>Memory of a device can be used by the backend of that device only.</summary>
    private void RequireReachable(string parameter, in Buffer<T> buffer)
    {
        if (buffer.Owner is not DeviceBuffer<T> device)
        {
            return;
        }

        if (Backend.Device != device.Backend.Device)
        {
            throw new ArgumentException(
                $"A buffer for parameter '{parameter}' lies in the memory of {device.Backend} (device {device.Backend.Ordinal}), which "
                    + $"the stepper's backend {Describe(Backend)} does not step. Bind on the buffer's backend, or copy the buffer."
            );
        }
    }

    private static string Describe(Backend backend) =>
        backend is CudaBackend cuda ? $"{cuda} (device {cuda.Ordinal})" : backend.Name;

    private void RequireParameter(int parameter)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (parameter < 0 || parameter >= parameters.Count)
        {
            throw new ArgumentOutOfRangeException(
                nameof(parameter),
                parameter,
                $"The stepper has parameters 0 to {parameters.Count - 1}; there is no parameter {parameter}."
            );
        }
    }

    private void RequireSameKind(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        optimizer.Validate();
        for (Optimizer? mine = Optimizer, other = optimizer; mine is not null; )
        {
            if (mine.GetType() != other?.GetType())
            {
                throw new ArgumentException(
                    $"The stepper steps {Describe(Optimizer)}; a group cannot be stepped by {Describe(optimizer)}.",
                    nameof(optimizer)
                );
            }

            (mine, other) = ((mine as Lookahead)?.Inner, (other as Lookahead)?.Inner);
        }

        if (optimizer.NonFinite != Optimizer.NonFinite)
        {
            throw new ArgumentException(
                $"{nameof(Optimizer.NonFinite)} covers all groups as one step: the stepper's is {Optimizer.NonFinite}, "
                    + $"the group's {optimizer.NonFinite}.",
                nameof(optimizer)
            );
        }

        if (typeof(T) == typeof(float) && Core(optimizer).DivisionEpsilon is { } epsilon && (float)epsilon == 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(optimizer),
                epsilon,
                $"Epsilon must be above 0 in the parameters' type too; {epsilon:R} is 0 as a float."
            );
        }
    }

    /// <summary>A change of options between steps may not ask for other state arrays than there are.</summary>
    private static void RequireSameState(Optimizer current, Optimizer changed)
    {
        for (
            Optimizer? a = current, b = changed;
            a is not null;
            (a, b) = ((a as Lookahead)?.Inner, (b as Lookahead)?.Inner)
        )
        {
            var option = (a, b) switch
            {
                (Sgd x, Sgd y) when (x.Momentum == 0) != (y.Momentum == 0) => nameof(Sgd.Momentum),
                (Adam x, Adam y) when x.AmsGrad != y.AmsGrad => nameof(Adam.AmsGrad),
                (AdamW x, AdamW y) when x.AmsGrad != y.AmsGrad => nameof(AdamW.AmsGrad),
                (Lookahead x, Lookahead y) when x.InnerState != y.InnerState => nameof(Lookahead.InnerState),
                (Lookahead x, Lookahead y) when x.Counter != y.Counter => nameof(Lookahead.Counter),
                _ => null,
            };
            if (option is not null)
            {
                throw new ArgumentException(
                    $"{option} decides which state there is and cannot be changed between steps; bind again instead.",
                    nameof(changed)
                );
            }
        }
    }

    private static GradientOptimizer Core(Optimizer optimizer)
    {
        while (optimizer is Lookahead wrapper)
        {
            optimizer = wrapper.Inner;
        }

        return (GradientOptimizer)optimizer;
    }

    private static string Describe(Optimizer optimizer) =>
        optimizer is Lookahead wrapper ? $"Lookahead({Describe(wrapper.Inner)})" : optimizer.GetType().Name;

    private void RequireDistinct(ImmutableArray<Parameter<T>> added)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var parameter in added)
        {
            if (names.Contains(parameter.Name) || !seen.Add(parameter.Name))
            {
                throw new ArgumentException($"Two parameters are named '{parameter.Name}'.", nameof(added));
            }
        }

        if (guard.FindOverlap(added) is var (first, second))
        {
            throw new ArgumentException(
                $"Parameters '{first.Name}' and '{second.Name}' overlap in memory.",
                nameof(added)
            );
        }
    }
}
