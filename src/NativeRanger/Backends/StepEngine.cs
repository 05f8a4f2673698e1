using System.Numerics;
using NativeRanger.Checkpoints;

namespace NativeRanger;

/// <summary>
/// The state of one stepper on one backend, and the steps on it. <see cref="Stepper{T}"/> validates every argument before it
/// calls an engine, and calls it from one thread at a time.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public abstract class StepEngine<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Adds parameters with their options: state at its start, slow weights and averages equal to the parameters.</summary>
    /// <param name="parameters">The parameters, numbered after those of earlier groups.</param>
    /// <param name="optimizer">The options of the group.</param>
    public abstract void AddGroup(IReadOnlyList<Parameter<T>> parameters, Optimizer optimizer);

    /// <summary>Changes the options of a group; the state stays.</summary>
    /// <param name="group">The number of the group.</param>
    /// <param name="optimizer">The new options: the same kind of optimizer, with the same state arrays.</param>
    public abstract void SetOptimizer(int group, Optimizer optimizer);

    /// <summary>Keeps an average of every parameter beside it, from now on; it starts as the parameter.</summary>
    /// <param name="average">What is averaged.</param>
    public abstract void AddAverage(Average average);

    /// <summary>One step of all groups.</summary>
    /// <param name="request">The gradients and rates.</param>
    /// <returns>False where the step was skipped because of a non-finite gradient: then nothing has changed.</returns>
    /// <exception cref="NonFiniteGradientException">The policy is Throw and a gradient is not finite; nothing has changed.</exception>
    public abstract bool Step(in StepRequest<T> request);

    /// <summary>
    /// Adds the gradients of one micro-batch to a sum that the engine keeps; false, as by default, where the stepper is to keep it.
    /// </summary>
    /// <param name="gradients">One gradient per parameter, in bind order.</param>
    internal virtual bool Accumulate(ReadOnlySpan<Gradient<T>> gradients) => false;

    /// <summary>
    /// Hears of a call that fails before it reaches the engine. Where ranks step together, the others are told, and this throws
    /// what they throw; otherwise nothing happens.
    /// </summary>
    /// <param name="reason">What the call fails with.</param>
    internal virtual void Refuse(Exception reason) { }

    /// <summary>Whether the state arrays hold all elements of the parameters; not where ranks share them.</summary>
    internal virtual bool HoldsAll => true;

    /// <summary>Which elements of a parameter one of its state arrays holds: all, unless ranks share them.</summary>
    /// <param name="parameter">The number of the parameter.</param>
    /// <param name="array">One of its arrays.</param>
    internal virtual ArrayRange RangeOf(int parameter, StateArray<T> array) => new(0, array.Length, ByRows: false);

    /// <summary>Saves a stepper where that is not for one process to do; false, as by default, where it is.</summary>
    /// <param name="stepper">The stepper.</param>
    /// <param name="path">The file; null for a stream.</param>
    /// <param name="options">What is saved.</param>
    /// <param name="refusal">Why it cannot be saved now, or null.</param>
    internal virtual bool Save(Stepper<T> stepper, string? path, SaveOptions options, Exception? refusal) => false;

    /// <summary>Hears that everything of a checkpoint has been read, before anything changes; throws where ranks disagree.</summary>
    /// <param name="checksum">The checksum of the checkpoint's header.</param>
    internal virtual void ConfirmResume(uint checksum) { }

    /// <summary>
    /// How many steps since the last call were reported as done but turned out to be skipped: none, unless a device decides
    /// after <see cref="Step"/> has returned.
    /// </summary>
    internal virtual long TakeSkippedSteps() => 0;

    /// <summary>Hears that a checkpoint was saved.</summary>
    /// <param name="step">The completed steps that it holds.</param>
    internal virtual void Saved(long step) { }

    /// <summary>Exchanges the parameters with the state arrays of a name, in place.</summary>
    /// <param name="parameters">The parameters, in bind order.</param>
    /// <param name="name">One of <see cref="StateNames"/>.</param>
    internal virtual void Swap(IReadOnlyList<Parameter<T>> parameters, string name)
    {
        foreach (var state in Arrays.Where(a => string.Equals(a.Name, name, StringComparison.Ordinal)))
        {
            Swap(parameters[state.Parameter], 0, state);
        }
    }

    /// <summary>Does at once what the next Lookahead sync would do, on every level, and restarts the counters.</summary>
    public abstract void Synchronize();

    /// <summary>Every state array, in a fixed order. The list grows when groups or averages are added.</summary>
    public abstract IReadOnlyList<StateArray<T>> Arrays { get; }

    /// <summary>Every counter and scalar of the state, in a fixed order. The list grows when groups or averages are added.</summary>
    public abstract IReadOnlyList<StateCounter> Counters { get; }

    /// <summary>What runs, for people: instruction set, device, provider.</summary>
    public abstract string Description { get; }

    /// <summary>Releases the state.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the state.</summary>
    /// <param name="disposing">False in a finaliser.</param>
    protected virtual void Dispose(bool disposing) { }

    /// <summary>Exchanges a state array with as many elements of its parameter, so that no third copy is needed.</summary>
    private protected static void Swap(Parameter<T> parameter, long first, StateArray<T> state)
    {
        const int Chunk = 1 << 20;
        for (var start = 0L; start < state.Length; start += Chunk)
        {
            var length = (int)Math.Min(Chunk, state.Length - start);
            var a = parameter.Buffer.Slice(first + start, length);
            var b = state.Slice(start, length);
            for (var i = 0; i < length; i++)
            {
                (a[i], b[i]) = (b[i], a[i]);
            }
        }
    }
}
