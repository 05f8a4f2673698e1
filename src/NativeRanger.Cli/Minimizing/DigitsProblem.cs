using NativeRanger.Cli.Data;
using NativeRanger.Cli.Functions;
using NativeRanger.Cli.Models;
using NativeRanger.Cli.Training;

namespace NativeRanger.Cli.Minimizing;

/// <summary>Softmax regression on all training digits at once: a convex function of 650 variables.</summary>
internal static class DigitsProblem
{
    // Annealed, since a constant rate leaves the recipes that divide by √v oscillating above 1e-8.
    private static readonly StudySettings settings = new(
        Steps: 3_000,
        TrialSteps: 300,
        Finalists: 2,
        Rates: [0.03, 0.1, 0.3, 1, 3],
        GradientTolerance: 1e-8,
        ScheduleCatalogue.FlatCosine
    );

    public static Problem Create()
    {
        var data = Digits.Load();
        var batch = new Batch(data.Training.Features, data.Training.Count);
        batch.Fill(data.Training, [.. Enumerable.Range(0, data.Training.Count)]);
        return new(
            "digits",
            "Softmax regression on 1,500 digits, n = 650",
            new double[(data.Training.Features + 1) * data.Classes],
            Digits.SoftmaxOptimum,
            () => Objective(new SoftmaxRegression(data.Training.Features, data.Classes), batch)
        )
        {
            Settings = settings,
        };
    }

    private static Func<double[], double[], double> Objective(SoftmaxRegression model, Batch batch) =>
        (x, gradient) =>
        {
            var first = 0;
            foreach (var parameter in model.Parameters)
            {
                var values = parameter.Slice(0, (int)parameter.Length);
                x.AsSpan(first, values.Length).CopyTo(values);
                first += values.Length;
            }

            model.ComputeGradients(batch);
            first = 0;
            foreach (var part in model.Gradients)
            {
                part!.CopyTo(gradient, first);
                first += part.Length;
            }

            return (CrossEntropy.Evaluate(model.Scores(batch), batch.Labels).Loss / batch.Count) + model.Penalty();
        };
}
