namespace NativeRanger;

public sealed unsafe partial class Stepper<T>
{
    /// <summary>The micro-batches that have been accumulated since the last step.</summary>
    public int AccumulatedMicroBatches => accumulated.MicroBatches;

    /// <summary>
    /// Adds the gradients of one micro-batch, elementwise and in order; <see cref="StepAccumulated"/> then steps with their sum
    /// multiplied once by 1/M.
    /// </summary>
    /// <param name="gradients">The gradients, in bind order; a null one adds nothing.</param>
    public void Accumulate(params ReadOnlySpan<T[]?> gradients)
    {
        Enter();
        try
        {
            Take(gradients);
            AccumulateEntered(gradientScratch);
        }
        finally
        {
            Exit();
        }
    }

    /// <inheritdoc cref="Accumulate(ReadOnlySpan{T[]})"/>
    public void Accumulate(ReadOnlySpan<Gradient<T>> gradients)
    {
        Enter();
        try
        {
            AccumulateEntered(gradients);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>One step with the mean of the accumulated micro-batches, which are then forgotten, also where it is skipped.</summary>
    /// <param name="learningRate">Replaces the learning rate of the groups that have none of their own.</param>
    /// <returns>False where the step was skipped (<see cref="NonFinitePolicy.SkipStep"/>).</returns>
    /// <exception cref="InvalidOperationException">Nothing has been accumulated.</exception>
    public bool StepAccumulated(double? learningRate = null)
    {
        Enter();
        try
        {
            if (accumulated.MicroBatches == 0)
            {
                var nothing = new InvalidOperationException(
                    $"Nothing has been accumulated; call {nameof(Accumulate)} first."
                );
                engine.Refuse(nothing);
                throw nothing;
            }

            var stepped = RunEntered(
                accumulated.Sums,
                learningRate,
                accumulated.MicroBatches,
                cleared: true,
                accumulatedByEngine
            );
            accumulated.Clear();
            return stepped;
        }
        finally
        {
            Exit();
        }
    }

    private bool accumulatedByEngine;

    private void AccumulateEntered(ReadOnlySpan<Gradient<T>> gradients)
    {
        try
        {
            RequireGradients(gradients, cleared: false);
        }
        catch (Exception invalid)
        {
            engine.Refuse(invalid);
            throw;
        }

        accumulatedByEngine = engine.Accumulate(gradients);
        if (accumulatedByEngine)
        {
            accumulated.Count();
        }
        else
        {
            accumulated.Add(gradients);
        }
    }
}
