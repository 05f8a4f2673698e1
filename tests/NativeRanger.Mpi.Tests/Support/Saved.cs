using NativeRanger.Tests.Support;

namespace NativeRanger.Mpi.Tests.Support;

/// <summary>What is saved and resumed by the tests that start processes: those and the tests have to agree on it.</summary>
internal static class Saved
{
    public const int Length = 6000;

    public static Optimizer Recipe { get; } = Registry.Recipe("ranger-decay", "everything", "bare");

    public static Problem<float> Problem => new(Problem<float>.AllForms, steps: 5, microBatches: 4, absent: 6);

    public static Parameter<float>[] Parameters() => [Parameter.Of("p", new float[Length], 60, 100)];

    public static float[] Gradient(int step) => [.. Enumerable.Range(0, Length).Select(i => (float)Math.Cos(i + step))];

    public static Stepper<float> BindSharded(IEnumerable<Parameter<float>> parameters, Communicator communicator) =>
        Recipe.BindSharded(parameters, communicator);

    /// <summary>The run that one process takes so many steps of.</summary>
    public static float[] After(int steps)
    {
        var parameters = Parameters();
        using var stepper = Recipe.Bind(parameters);
        for (var t = 0; t < steps; t++)
        {
            // Three ranks with the same gradient: their mean, added up in the same way.
            for (var rank = 0; rank < 3; rank++)
            {
                stepper.Accumulate(Gradient(t));
            }

            stepper.StepAccumulated();
        }

        return parameters[0].Slice(0, Length).ToArray();
    }
}
