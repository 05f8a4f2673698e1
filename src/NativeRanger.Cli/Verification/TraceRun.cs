using System.Numerics;

namespace NativeRanger.Cli.Verification;

/// <summary>A trace that is being replayed, in one element type on one backend.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class TraceRun<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Trace trace;
    private readonly Stepper<T> stepper;
    private readonly T[][] values;
    private readonly T[]?[] gradients;
    private readonly GradientFormula<T>? formula;
    private readonly TraceValues[] groupOptions;

    /// <summary>Where a parameter of the trace stands in the stepper, which numbers them group by group.</summary>
    private readonly int[] bound;

    /// <summary>Binds the trace's parameters on a backend.</summary>
    /// <exception cref="UnsupportedTraceException">The trace asks for something that there is no counterpart of.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public TraceRun(Trace trace, Backend backend)
    {
        this.trace = trace;
        formula = trace.GradientSource is { } source ? new(source) : null;
        values = [.. trace.Parameters.Select(p => p.Initial.Select(T.CreateChecked).ToArray())];
        gradients = new T[]?[values.Length];
        groupOptions = [.. trace.Groups.Select(group => trace.Options.With(group.Options))];
        var order = trace.Groups.SelectMany(group => group.Parameters).ToArray();
        bound = new int[order.Length];
        for (var i = 0; i < order.Length; i++)
        {
            bound[order[i]] = i;
        }

        var groups = trace.Groups.Select(
            (group, g) =>
                new ParameterGroup<T>(group.Parameters.Select(Bindable))
                {
                    Optimizer = TraceRecipe.Of(trace, groupOptions[g]),
                }
        );
        stepper = TraceRecipe.Of(trace, trace.Options).Bind(groups, backend);
    }

    /// <summary>The completed steps.</summary>
    public int Step { get; private set; }

    public int ParameterCount => values.Length;

    /// <summary>The present values of a parameter of the trace.</summary>
    public ReadOnlySpan<T> Parameter(int index) => values[index];

    /// <summary>A state array of a parameter of the trace, or null if it has none of that name.</summary>
    public StateArray<T>? Array(int index, string name) => stepper.StateArray(bound[index], name);

    /// <summary>Every state array and counter, in the fixed order of the stepper.</summary>
    public IReadOnlyList<StateArray<T>> Arrays => stepper.StateArrays;

    /// <inheritdoc cref="Arrays"/>
    public IReadOnlyList<StateCounter> Counters => stepper.StateCounters;

    /// <summary>A counter of a parameter of the trace, or null if it has none of that name.</summary>
    public StateCounter? Counter(int index, string name) =>
        stepper.StateCounters.FirstOrDefault(c =>
            c.Owner == bound[index] && string.Equals(c.Name, name, StringComparison.Ordinal)
        );

    /// <summary>Changes the options that the trace changes now, then takes the next step.</summary>
    public void Advance()
    {
        Step++;
        ChangeOptions();
        for (var i = 0; i < values.Length; i++)
        {
            gradients[bound[i]] = Gradient(i);
        }

        stepper.Step(gradients);
    }

    public void Dispose() => stepper.Dispose();

    private Parameter<T> Bindable(int index)
    {
        var name = $"parameter {index}";
        var shape = trace.Parameters[index].Shape;
        return shape.Length == 0
            ? NativeRanger.Parameter<T>.Scalar(name, values[index])
            : new Parameter<T>(name, values[index], shape);
    }

    private T[]? Gradient(int index)
    {
        if (formula is null)
        {
            return trace.Gradients[Step - 1][index]?.Select(T.CreateChecked).ToArray();
        }

        var gradient = new T[values[index].Length];
        formula.Evaluate(values[index], gradient);
        return gradient;
    }

    private void ChangeOptions()
    {
        if (!trace.OptionsAtStep.TryGetValue(Step, out var changes))
        {
            return;
        }

        foreach (var (group, options) in changes)
        {
            groupOptions[group] = groupOptions[group].With(options);
            var optimizer = TraceRecipe.Of(trace, groupOptions[group]);
            try
            {
                stepper.Groups[group].Optimizer = optimizer;
            }
            catch (ArgumentException exception)
            {
                throw new UnsupportedTraceException($"a change of options before step {Step}: {exception.Message}");
            }
        }
    }
}
