namespace NativeRanger;

public sealed unsafe partial class Stepper<T>
{
    private bool evaluating;

    /// <summary>The averages that are kept beside the parameters, in the order in which they were added.</summary>
    public IReadOnlyList<AverageWeights<T>> Averages => averages;

    /// <summary>The slow weights of a parameter, in its storage order; they change at each sync.</summary>
    /// <param name="parameter">The number of the parameter, in bind order.</param>
    /// <param name="level">The Lookahead level, 0 the innermost.</param>
    /// <exception cref="InvalidOperationException">There is no such level.</exception>
    public StateArray<T> SlowWeights(int parameter = 0, int level = 0)
    {
        RequireParameter(parameter);
        return StateArray(parameter, StateNames.SlowWeights(level))
            ?? throw new InvalidOperationException(
                $"{Describe(Optimizer)} has no Lookahead level {level}, so there are no such slow weights."
            );
    }

    /// <summary>Puts the slow weights into the parameters until the returned scope is disposed; stepping is refused meanwhile.</summary>
    /// <param name="level">The Lookahead level, 0 the innermost.</param>
    /// <exception cref="InvalidOperationException">There is no such level, or a scope is open already.</exception>
    public EvaluationScope<T> UseSlowWeights(int level = 0)
    {
        _ = SlowWeights(0, level);
        return OpenScope(StateNames.SlowWeights(level));
    }

    /// <summary>Keeps an average of every parameter beside it, from now on.</summary>
    /// <param name="average">What is averaged.</param>
    /// <exception cref="InvalidOperationException">There are 64 averages and levels of Lookahead already.</exception>
    public AverageWeights<T> AddAverage(Average average)
    {
        ArgumentNullException.ThrowIfNull(average);
        Enter();
        try
        {
            if (averages.Count == NativeTensorTable.MaximumFollowers)
            {
                throw NativeTensorTable.TooManyFollowers();
            }

            engine.AddAverage(average);
            var weights = new AverageWeights<T>(this, averages.Count, average);
            averages.Add(weights);
            return weights;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Does at once what the next Lookahead sync would do, for every parameter and level, and restarts the counters.</summary>
    /// <exception cref="InvalidOperationException">The recipe holds no Lookahead.</exception>
    public void Synchronize()
    {
        if (Optimizer is not (Lookahead or Ranger))
        {
            throw new InvalidOperationException($"{Describe(Optimizer)} has no slow weights to synchronise with.");
        }

        Enter();
        try
        {
            RefuseWhileEvaluating();
            engine.Synchronize();
        }
        finally
        {
            Exit();
        }
    }

    internal EvaluationScope<T> OpenScope(string stateName)
    {
        Enter();
        try
        {
            RefuseWhileEvaluating();
            engine.Swap(parameters, stateName);
            evaluating = true;
            return new(this, stateName);
        }
        finally
        {
            Exit();
        }
    }

    internal void CloseScope(string stateName)
    {
        if (disposed)
        {
            return;
        }

        Enter();
        try
        {
            engine.Swap(parameters, stateName);
            evaluating = false;
        }
        finally
        {
            Exit();
        }
    }

    private void RefuseWhileEvaluating()
    {
        if (evaluating)
        {
            throw new InvalidOperationException(
                "The parameters hold other weights for evaluation; dispose the scope first."
            );
        }
    }
}
