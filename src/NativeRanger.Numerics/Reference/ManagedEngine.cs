using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Providers.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>The bookkeeping of one stepper: groups, parameters, and the order of one step.</summary>
/// <param name="nonFinite">What a step does with non-finite gradients: one policy for all groups.</param>
internal sealed class ManagedEngine<T>(NonFinitePolicy nonFinite) : StepEngine<T>
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    private readonly List<GroupState<T>> groups = [];
    private readonly List<Average> averages = [];
    private int parameterCount;

    // Listed when they are asked for: many groups are added one by one.
    private IReadOnlyList<StateArray<T>>? arrays;
    private IReadOnlyList<StateCounter>? counters;

    public override IReadOnlyList<StateArray<T>> Arrays => arrays ??= [.. Parameters.SelectMany(p => p.Arrays)];

    public override IReadOnlyList<StateCounter> Counters =>
        counters ??= [.. Parameters.SelectMany(p => p.Counters), .. groups.SelectMany(g => g.Counters)];

    public override string Description => $"MathNet.Numerics, provider {LinearAlgebraControl.Provider}";

    private IEnumerable<ParameterState<T>> Parameters => groups.SelectMany(group => group.Members);

    public override void AddGroup(IReadOnlyList<Parameter<T>> parameters, Optimizer optimizer)
    {
        if (parameters.FirstOrDefault(p => p.Length > Array.MaxLength) is { } parameter)
        {
            throw new NotSupportedException(
                $"The managed backend keeps each parameter in one .NET array, of at most {Array.MaxLength} elements; "
                    + $"parameter '{parameter.Name}' has {parameter.Length}. Use {nameof(Backend)}.{nameof(Backend.Native)}."
            );
        }

        var group = new GroupState<T>(parameters, parameterCount, optimizer, groups.Count);
        for (var level = 0; level < group.SharedCounters.Count; level++)
        {
            group.SharedCounters[level]?.Value = groups.FirstOrDefault()?.SharedCounters[level]?.Value ?? 0;
        }

        foreach (var _ in averages)
        {
            group.AddAverage();
        }

        groups.Add(group);
        parameterCount += parameters.Count;
        ForgetLists();
    }

    public override void SetOptimizer(int group, Optimizer optimizer) =>
        groups[group].Recipe = LayeredRecipe.Of(optimizer);

    public override void AddAverage(Average average)
    {
        foreach (var group in groups)
        {
            group.AddAverage();
        }

        averages.Add(average);
        ForgetLists();
    }

    public override bool Step(in StepRequest<T> request)
    {
        var raw = new Vector<T>?[request.Gradients.Length];
        for (var i = 0; i < raw.Length; i++)
        {
            var gradient = request.Gradients[i];
            raw[i] = gradient.IsNone ? null : Vector<T>.Build.Dense(gradient.Slice(0, (int)gradient.Length).ToArray());
        }

        if (!IsAccepted(raw))
        {
            return false;
        }

        var (rates, microBatches) = (request.LearningRates.ToArray(), request.MicroBatches);
        Change(() => Advance(raw, rates, microBatches));
        if (request.ZeroGradients)
        {
            foreach (var gradient in request.Gradients)
            {
                if (!gradient.IsNone)
                {
                    gradient.Slice(0, (int)gradient.Length).Clear();
                }
            }
        }

        return true;
    }

    public override void Synchronize() =>
        Change(() =>
        {
            foreach (var group in groups)
            {
                group.SynchronizeNow();
            }
        });

    private bool IsAccepted(IReadOnlyList<Vector<T>?> gradients)
    {
        if (nonFinite == NonFinitePolicy.Propagate)
        {
            return true;
        }

        foreach (var (gradient, parameter) in gradients.Zip(Parameters))
        {
            if (gradient?.Exists(x => !T.IsFinite(x)) != true)
            {
                continue;
            }

            return nonFinite == NonFinitePolicy.SkipStep
                ? false
                : throw new NonFiniteGradientException(
                    $"The gradient of parameter '{parameter.Parameter.Name}' holds an infinity or a NaN; nothing has changed."
                );
        }

        return true;
    }

    /// <summary>One step: gradients, the algorithm, Lookahead, averages.</summary>
    private void Advance(Vector<T>?[] raw, double[] rates, int microBatches)
    {
        var gradients = new Dictionary<ParameterState<T>, Vector<T>>();
        foreach (var group in groups)
        {
            foreach (var member in group.Members.Where(m => raw[m.Number] is not null))
            {
                gradients[member] = GradientPreparation.BeforeNorm(
                    raw[member.Number]!,
                    microBatches,
                    group.Recipe.Core.ClipValue
                );
            }
        }

        var norm = groups.Exists(g => g.Recipe.Core.ClipNorm is not null)
            ? EuclideanNorm.Of([.. Parameters.Where(gradients.ContainsKey).Select(p => gradients[p])])
            : 0;

        foreach (var group in groups)
        {
            foreach (var member in group.Members.Where(gradients.ContainsKey))
            {
                member.Step(gradients[member], norm, group.Recipe.Core, rates[group.Number]);
            }
        }

        var stepped = gradients.Keys.ToHashSet();
        foreach (var group in groups)
        {
            group.AdvanceLookahead(stepped);
            group.AdvanceAverages(averages);
        }
    }

    /// <summary>Makes a change as a whole: what fails midway leaves everything as it was.</summary>
    private void Change(Action change)
    {
        List<IRevertible> state =
        [
            .. Parameters.SelectMany(p => p.Arrays),
            .. Parameters.SelectMany(p => p.Counters),
            .. groups.SelectMany(g => g.Counters),
        ];
        // Between steps counters may have been set from a checkpoint.
        state.ForEach(s => s.Keep());
        state.AddRange(Parameters.Select(p => p.Weights));
        try
        {
            change();
        }
        catch
        {
            state.ForEach(s => s.Revert());
            throw;
        }

        state.ForEach(s => s.Keep());
    }

    private void ForgetLists() => (arrays, counters) = (null, null);
}
