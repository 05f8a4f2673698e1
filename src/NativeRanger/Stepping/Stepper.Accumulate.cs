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
        RequireCount(gradients.Length);
        Enter();
        try
        {
            for (var i = 0; i < gradients.Length; i++)
            {
                gradientScratch[i] = gradients[i];
            }

            RequireGradients(gradientScratch, cleared: false);
            accumulated.Add(gradientScratch);
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
        if (accumulated.MicroBatches == 0)
        {
            throw new InvalidOperationException($"Nothing has been accumulated; call {nameof(Accumulate)} first.");
        }

        var stepped = Run(accumulated.Sums, learningRate, accumulated.MicroBatches, cleared: true);
        accumulated.Clear();
        return stepped;
    }
}
