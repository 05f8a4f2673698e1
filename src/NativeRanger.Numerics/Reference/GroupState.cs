namespace NativeRanger.Numerics.Reference;

/// <summary>One group: its options, its parameters, and the counters that they share.</summary>
internal sealed class GroupState<T>
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    private readonly List<Counter> averageSteps = [];

    public GroupState(IReadOnlyList<Parameter<T>> parameters, int firstNumber, Optimizer optimizer, int number)
    {
        Number = number;
        Recipe = LayeredRecipe.Of(optimizer);
        Members = [.. parameters.Select((p, i) => new ParameterState<T>(p, firstNumber + i, Recipe))];
        SharedCounters =
        [
            .. Recipe.Levels.Select(
                (level, i) => level.Counter == SyncCounter.Shared ? new Counter(Owner, StateNames.SyncCounter(i)) : null
            ),
        ];
    }

    public int Number { get; }

    /// <summary>The options; the state stays when they change.</summary>
    public LayeredRecipe Recipe { get; set; }

    public IReadOnlyList<ParameterState<T>> Members { get; }

    /// <summary>The counter of each Lookahead level; null where each parameter has its own.</summary>
    public IReadOnlyList<Counter?> SharedCounters { get; }

    public IEnumerable<Counter> Counters => SharedCounters.OfType<Counter>().Concat(averageSteps);

    /// <summary>Counts the step on every Lookahead level, and does the syncs that are due, innermost first.</summary>
    /// <param name="stepped">The parameters that had a gradient.</param>
    public void AdvanceLookahead(IReadOnlySet<ParameterState<T>> stepped)
    {
        foreach (var counter in SharedCounters)
        {
            counter?.Value += 1;
        }

        foreach (var counter in Members.Where(stepped.Contains).SelectMany(m => m.Levels).Select(l => l.OwnCounter))
        {
            counter?.Value += 1;
        }

        // Which are due is settled first: a sync that resets also restarts the counters of the levels inside it.
        var due =
            from member in Members
            from level in Enumerable.Range(0, Recipe.Levels.Count)
            where IsDue(member, level, stepped)
            select (member, level);
        foreach (var (member, level) in due.ToList())
        {
            Synchronize(member, level);
        }
    }

    /// <summary>Does every sync now, and restarts the counters.</summary>
    public void SynchronizeNow()
    {
        foreach (var member in Members)
        {
            for (var level = 0; level < Recipe.Levels.Count; level++)
            {
                Synchronize(member, level);
                member.Levels[level].OwnCounter?.Value = 0;
            }
        }

        foreach (var counter in SharedCounters)
        {
            counter?.Value = 0;
        }
    }

    /// <summary>Keeps one more average of every parameter.</summary>
    public void AddAverage()
    {
        averageSteps.Add(new(Owner, StateNames.AverageSteps(averageSteps.Count)));
        foreach (var member in Members)
        {
            member.AddAverage();
        }
    }

    /// <summary>Counts the step for every average, and moves those that take it in.</summary>
    public void AdvanceAverages(IReadOnlyList<Average> averages)
    {
        for (var i = 0; i < averages.Count; i++)
        {
            var count = ++averageSteps[i].Value;
            if (AverageWeight.At(averages[i], count) is { } weight)
            {
                foreach (var member in Members)
                {
                    var average = member.Averages[i];
                    average.Value = average.Value.Towards(member.Weights.Value, weight);
                }
            }
        }
    }

    private int Owner => -1 - Number;

    private bool IsDue(ParameterState<T> member, int level, IReadOnlySet<ParameterState<T>> stepped)
    {
        var period = Recipe.Levels[level].Period;
        return SharedCounters[level] is { } shared
            ? shared.Value % period == 0
            : stepped.Contains(member) && member.Levels[level].OwnCounter!.Value % period == 0;
    }

    private void Synchronize(ParameterState<T> member, int level)
    {
        var recipe = Recipe.Levels[level];
        if (member.Levels[level].Synchronize(member, level, recipe, Recipe.Core))
        {
            foreach (var inner in SharedCounters.Take(level))
            {
                inner?.Value = 0;
            }
        }
    }
}
