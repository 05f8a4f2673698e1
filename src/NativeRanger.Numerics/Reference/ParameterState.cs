using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>One parameter with everything that belongs to it.</summary>
internal sealed class ParameterState<T>
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    private readonly List<StateVector<T>> averages = [];

    public ParameterState(Parameter<T> parameter, int number, LayeredRecipe recipe)
    {
        Parameter = parameter;
        Number = number;
        Weights = new(parameter);
        Steps = new(number, StateNames.Step);
        Rule = UpdateRule<T>.Of(recipe.Core, number, (int)parameter.Length);
        Rule.Restart(recipe.Core);
        Levels = [.. recipe.Levels.Select(CreateLevel)];
        Weights.Revert();
        foreach (var array in Arrays)
        {
            array.Keep();
        }
    }

    public Parameter<T> Parameter { get; }

    /// <summary>The number of the parameter, in bind order.</summary>
    public int Number { get; }

    public Weights<T> Weights { get; }

    /// <summary>t: the steps in which the parameter had a gradient.</summary>
    public Counter Steps { get; }

    public UpdateRule<T> Rule { get; }

    /// <summary>The Lookahead levels, innermost first.</summary>
    public IReadOnlyList<LookaheadLevel<T>> Levels { get; }

    /// <summary>The averages, in the order in which they were added.</summary>
    public IReadOnlyList<StateVector<T>> Averages => averages;

    public IEnumerable<StateVector<T>> Arrays =>
        Rule.Arrays.Concat(Levels.SelectMany(level => level.Arrays)).Concat(averages);

    public IEnumerable<Counter> Counters =>
        Rule.Scalars.Prepend(Steps).Concat(Levels.Select(level => level.OwnCounter).OfType<Counter>());

    /// <summary>One step. Without elements only t advances.</summary>
    /// <param name="gradient">What <see cref="GradientPreparation.BeforeNorm"/> gave.</param>
    /// <param name="norm">The norm over all parameters.</param>
    /// <param name="recipe">The options.</param>
    /// <param name="learningRate">η, schedule included.</param>
    public void Step(Vector<T> gradient, double norm, GradientOptimizer recipe, double learningRate)
    {
        Steps.Value++;
        if (Parameter.Length == 0)
        {
            return;
        }

        var scalars = new StepScalars<T>(
            recipe,
            learningRate,
            Steps.Value,
            update => GradientPreparation.OfUpdate(update, Parameter, recipe)
        );
        var prepared = GradientPreparation.AfterNorm(gradient, norm, Weights.Value, Parameter, recipe);
        Weights.Value = Rule.Step(Weights.Value, prepared, scalars);
    }

    /// <summary>The optimizer inside a Lookahead level starts afresh: algorithm, t, and the levels further in.</summary>
    public void RestartInside(int level, GradientOptimizer recipe)
    {
        Steps.Value = 0;
        Rule.Restart(recipe);
        foreach (var inner in Levels.Take(level))
        {
            inner.Restart(this);
        }
    }

    /// <summary>Keeps one more average, which starts as the parameter.</summary>
    public void AddAverage()
    {
        averages.Add(new(Number, StateNames.Average(averages.Count), Weights.Value));
        Weights.Revert();
    }

    private LookaheadLevel<T> CreateLevel(Lookahead recipe, int level) =>
        new(
            new(Number, StateNames.SlowWeights(level), Weights.Value),
            recipe.InnerState == InnerState.Pullback
                ? new(Number, StateNames.SlowMomentum(level), (int)Parameter.Length)
                : null,
            recipe.Counter == SyncCounter.PerParameter ? new(Number, StateNames.SyncCounter(level)) : null
        );
}
