using System.Numerics;
using NativeRanger.Checkpoints;

namespace NativeRanger.Exchange;

/// <summary>One array of a stepper and its tensor in the file.</summary>
/// <param name="Name">The name of the tensor.</param>
/// <param name="Parameter">The parameter, whose shape and storage order it has.</param>
/// <param name="Slice">The array.</param>
/// <param name="IsWeights">Whether it starts as the parameter does, and not at a constant.</param>
internal sealed record TorchTensor<T>(string Name, Parameter<T> Parameter, Slicer<T> Slice, bool IsWeights)
    where T : unmanaged, IFloatingPointIeee754<T>;

/// <summary>One parameter of a stepper, with the names of its tensors and options.</summary>
internal sealed record TorchParameter<T>(
    Parameter<T> Parameter,
    Optimizer Core,
    TorchTensor<T> Values,
    IReadOnlyList<TorchTensor<T>> State,
    IReadOnlyList<TorchTensor<T>> Lookahead,
    StateCounter Step,
    StateCounter? OwnSync
)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The tensor of its steps.</summary>
    public string StepName => TorchNames.State(Parameter.Name, TorchClass.StepKey);

    /// <summary>
    /// Whether Python has a state of it: before its first step it has none, but that Adagrad creates its own at once.
    /// </summary>
    public bool HasState => Step.Value > 0 || Core is AdaGrad;
}

/// <summary>What of a stepper has which name in Python; and all that Python has no place for.</summary>
internal sealed class TorchPlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly List<string> obstacles = [];

    private TorchPlan(Stepper<T> stepper)
    {
        Stepper = stepper;
        Lookahead = stepper.Optimizer as Lookahead;
        var core = Core(stepper.Optimizer);
        if (TorchClass.Of(core) is not { } found)
        {
            throw Refusal([
                core is Lookahead
                    ? "a Lookahead around a Lookahead"
                    : $"{core.GetType().Name}: PyTorch has no such optimizer",
            ]);
        }

        Class = found;

        foreach (var group in stepper.Groups)
        {
            Refuse(group);
        }

        if (stepper.Averages.Count > 0)
        {
            obstacles.Add("averages: an optimizer of PyTorch keeps none; load first, and add them then");
        }

        Parameters = [.. Match()];
        SharedSyncs =
        [
            .. stepper.StateCounters.Where(counter =>
                counter.Owner < 0 && string.Equals(counter.Name, StateNames.SyncCounter(0), StringComparison.Ordinal)
            ),
        ];
    }

    public Stepper<T> Stepper { get; }

    public TorchClass Class { get; }

    /// <summary>The wrapper, or null.</summary>
    public Lookahead? Lookahead { get; }

    public IReadOnlyList<TorchParameter<T>> Parameters { get; } = [];

    /// <summary>The counter of the wrapper, once per group.</summary>
    public IReadOnlyList<StateCounter> SharedSyncs { get; } = [];

    /// <summary>The options of the wrapper, as JSON.</summary>
    public IEnumerable<(string Key, string Json)> LookaheadOptions =>
        Lookahead is null
            ? []
            :
            [
                (TorchNames.LookaheadPeriod, TorchOption.Json(Lookahead.Period)),
                (TorchNames.LookaheadBlend, TorchOption.Json(Lookahead.Blend)),
                (
                    TorchNames.LookaheadMomentum,
                    Lookahead.InnerState switch
                    {
                        InnerState.Reset => "\"reset\"",
                        InnerState.Pullback => "\"pullback\"",
                        _ => "\"none\"",
                    }
                ),
            ];

    /// <summary>Matches everything.</summary>
    /// <exception cref="NotSupportedException">Python has no place for something; it lists all of it.</exception>
    public static TorchPlan<T> Of(Stepper<T> stepper)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("Checkpoints are little-endian, and so must the processor be.");
        }

        var plan = new TorchPlan<T>(stepper);
        plan.ThrowIfRefused();
        return plan;
    }

    /// <summary>Refuses a state that PyTorch's optimizer cannot be in, though ours can.</summary>
    public void RequireSavable()
    {
        foreach (var parameter in Parameters)
        {
            var steps = parameter.Step.Value;
            if (parameter is { OwnSync: { } sync, Core: Ranger ranger } && (sync.Value - steps) % ranger.Period != 0)
            {
                obstacles.Add(
                    $"parameter '{parameter.Parameter.Name}': its next sync is not after a multiple of {ranger.Period} of its own "
                        + "steps, since Synchronize() was called; the original Ranger knows no other"
                );
            }
        }

        ThrowIfRefused();
    }

    private static Optimizer Core(Optimizer optimizer) => (optimizer as Lookahead)?.Inner ?? optimizer;

    private void Refuse(StepperGroup<T> group)
    {
        var first = $"group of '{group.Parameters.FirstOrDefault()?.Name}'";
        var core = Core(group.Optimizer);
        if (core is RAdam { Threshold: not 5 } radam)
        {
            obstacles.Add($"{first}: {nameof(RAdam.Threshold)} {TorchOption.Json(radam.Threshold)}; PyTorch's is 5");
        }

        if (core is RAdam { Unrectified: not UnrectifiedStep.Sgd })
        {
            obstacles.Add($"{first}: {nameof(UnrectifiedStep)}.{UnrectifiedStep.Skip}; PyTorch's RAdam takes the step");
        }

        if (
            core is Ranger given
            && Core(Stepper.Optimizer) is Ranger whole
            && (given.Blend, given.Threshold) != (whole.Blend, whole.Threshold)
        )
        {
            obstacles.Add(
                $"{first}: {nameof(Ranger.Blend)} or {nameof(Ranger.Threshold)} of its own, which the original Ranger ignores"
            );
        }

        if (group.Optimizer is not Lookahead lookahead)
        {
            return;
        }

        if (core is Ranger)
        {
            obstacles.Add($"{first}: a Lookahead around a Ranger");
        }

        if (lookahead.Counter != SyncCounter.Shared)
        {
            obstacles.Add(
                $"{first}: {nameof(SyncCounter)}.{lookahead.Counter}; the original Lookahead has one counter"
            );
        }

        if (lookahead.InnerState == InnerState.Reset && core is not Sgd { Dampening: 0 })
        {
            obstacles.Add(
                $"{first}: {nameof(InnerState)}.{InnerState.Reset}, which in the original clears nothing but the momentum of "
                    + "an SGD without dampening"
            );
        }

        if (
            Lookahead is { } wrapper
            && (lookahead.Period, lookahead.Blend, lookahead.InnerState)
                != (wrapper.Period, wrapper.Blend, wrapper.InnerState)
        )
        {
            obstacles.Add($"{first}: {nameof(Lookahead)} options of its own; the original has one for all groups");
        }
    }

    private IEnumerable<TorchParameter<T>> Match()
    {
        var arrays = Stepper.StateArrays.ToDictionary(array => (array.Parameter, array.Name));
        var counters = Stepper.StateCounters.ToDictionary(counter => (counter.Owner, counter.Name));
        var index = 0;
        foreach (var group in Stepper.Groups)
        {
            var core = Core(group.Optimizer);
            foreach (var parameter in group.Parameters)
            {
                var (p, name) = (index++, parameter.Name);
                if (!IsText(name))
                {
                    obstacles.Add($"parameter '{name}': its name holds half a surrogate pair");
                }

                var lookahead = new List<TorchTensor<T>>();
                if (Lookahead is not null)
                {
                    lookahead.Add(
                        Tensor(StateNames.SlowWeights(0), TorchNames.Lookahead(name, TorchNames.CachedParameters))
                    );
                }

                if (Lookahead is { InnerState: InnerState.Pullback })
                {
                    lookahead.Add(
                        Tensor(StateNames.SlowMomentum(0), TorchNames.Lookahead(name, TorchNames.CachedMomentum))
                    );
                }

                yield return new(
                    parameter,
                    core,
                    new(TorchNames.Parameter(name), parameter, parameter.Slice, IsWeights: true),
                    [.. TorchClass.Arrays(core).Select(array => Tensor(array.Name, TorchNames.State(name, array.Key)))],
                    lookahead,
                    counters[(p, StateNames.Step)],
                    counters.GetValueOrDefault((p, StateNames.SyncCounter(0)))
                );

                TorchTensor<T> Tensor(string array, string tensor) =>
                    new(
                        tensor,
                        parameter,
                        arrays[(p, array)].Slice,
                        IsWeights: string.Equals(array, StateNames.SlowWeights(0), StringComparison.Ordinal)
                    );
            }
        }
    }

    /// <summary>Whether a name is UTF-16 throughout: half a surrogate pair would become another character.</summary>
    private static bool IsText(string name) =>
        string.Equals(string.Concat(name.EnumerateRunes()), name, StringComparison.Ordinal);

    private void ThrowIfRefused()
    {
        if (obstacles.Count > 0)
        {
            throw Refusal(obstacles);
        }
    }

    private static NotSupportedException Refusal(IEnumerable<string> obstacles) =>
        new("PyTorch's optimizers have no place for this:" + string.Concat(obstacles.Select(line => "\n  " + line)));
}
