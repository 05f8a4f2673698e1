using System.Diagnostics;
using NativeRanger.Cli.Data;
using NativeRanger.Cli.Models;

namespace NativeRanger.Cli.Training;

/// <summary>Carries out one run.</summary>
internal sealed class Trainer
{
    private const int EvaluationBatch = 500;

    private readonly DataSet data;
    private readonly TrainingRun run;
    private readonly Model model;
    private readonly Dictionary<int, Batch> batches = [];

    private Trainer(DataSet data, TrainingRun run)
    {
        this.data = data;
        this.run = run;
        model = run.CreateModel(data.Training.Features, data.Classes);
    }

    /// <summary>Trains.</summary>
    /// <param name="data">What on.</param>
    /// <param name="run">What and how.</param>
    /// <param name="afterEpoch">Told the objective after every epoch.</param>
    /// <param name="cancellation">Stops the run between two steps.</param>
    public static TrainingResult Train(
        DataSet data,
        TrainingRun run,
        Action<LossPoint> afterEpoch,
        CancellationToken cancellation
    ) => new Trainer(data, run).Train(afterEpoch, cancellation);

    private TrainingResult Train(Action<LossPoint> afterEpoch, CancellationToken cancellation)
    {
        using var stepper = run.Recipe.Bind(model.Parameters, run.Backend.Backend);
        stepper.Schedule = run.Schedule.Create(run.Epochs * run.StepsPerEpoch(data));

        var order = Enumerable.Range(0, data.Training.Count).ToArray();
        var random = new Random(run.Seed);
        var evaluation = Evaluate(data.Training);
        var losses = new List<LossPoint> { new(0, 0, evaluation.Objective) };
        var (total, stepping) = (TimeSpan.Zero, TimeSpan.Zero);
        for (var epoch = 1; epoch <= run.Epochs; epoch++)
        {
            var start = Stopwatch.GetTimestamp();
            random.Shuffle(order);
            for (var first = 0; first < order.Length; first += run.BatchSize)
            {
                cancellation.ThrowIfCancellationRequested();
                var numbers = order.AsSpan(first, Math.Min(run.BatchSize, order.Length - first));
                model.ComputeGradients(Filled(data.Training, numbers));

                var beforeStep = Stopwatch.GetTimestamp();
                stepper.Step(model.Gradients);
                stepping += Stopwatch.GetElapsedTime(beforeStep);
            }

            total += Stopwatch.GetElapsedTime(start);
            evaluation = Evaluate(data.Training);
            losses.Add(new(epoch, stepper.StepCount, evaluation.Objective));
            afterEpoch(losses[^1]);
        }

        return new(
            run,
            losses,
            run.Model == ModelKind.Softmax ? data.SoftmaxOptimum : null,
            evaluation.Accuracy,
            Evaluate(data.Test).Accuracy,
            total.TotalSeconds,
            stepping.TotalSeconds
        );
    }

    private (double Objective, double Accuracy) Evaluate(Examples examples)
    {
        var (loss, correct) = (0d, 0);
        var numbers = Enumerable.Range(0, examples.Count).ToArray();
        for (var first = 0; first < numbers.Length; first += EvaluationBatch)
        {
            var batch = Filled(examples, numbers.AsSpan(first, Math.Min(EvaluationBatch, numbers.Length - first)));
            var (batchLoss, batchCorrect) = CrossEntropy.Evaluate(model.Scores(batch), batch.Labels);
            loss += batchLoss;
            correct += batchCorrect;
        }

        return ((loss / examples.Count) + model.Penalty(), (double)correct / examples.Count);
    }

    private Batch Filled(Examples examples, ReadOnlySpan<int> numbers)
    {
        if (!batches.TryGetValue(numbers.Length, out var batch))
        {
            batches.Add(numbers.Length, batch = new(examples.Features, numbers.Length));
        }

        batch.Fill(examples, numbers);
        return batch;
    }
}
