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
    private double[]?[]? noGradients;

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
        using var stepper = run.Bind(model);
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
                stepping += Step(stepper, numbers);
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

    /// <summary>One step on a batch, whose parts the ranks share; returns the time in the stepper.</summary>
    private TimeSpan Step(Stepper<double> stepper, ReadOnlySpan<int> numbers)
    {
        var (rank, ranks) = run.World is { } world ? (world.Rank, world.Size) : (0, 1);
        if (run.MicroBatches <= ranks)
        {
            var gradients = GradientsOf(numbers, rank);
            var start = Stopwatch.GetTimestamp();
            stepper.Step(gradients);
            return Stopwatch.GetElapsedTime(start);
        }

        var time = TimeSpan.Zero;
        for (var first = 0; first < run.MicroBatches; first += ranks)
        {
            var gradients = GradientsOf(numbers, first + rank);
            var start = Stopwatch.GetTimestamp();
            stepper.Accumulate(gradients);
            time += Stopwatch.GetElapsedTime(start);
        }

        var last = Stopwatch.GetTimestamp();
        stepper.StepAccumulated();
        return time + Stopwatch.GetElapsedTime(last);
    }

    /// <summary>The gradients on one part of a batch; none where it is empty, or not one of the parts.</summary>
    private double[]?[] GradientsOf(ReadOnlySpan<int> batch, int microBatch)
    {
        var first = batch.Length * Math.Min(microBatch, run.MicroBatches) / run.MicroBatches;
        var end = batch.Length * Math.Min(microBatch + 1, run.MicroBatches) / run.MicroBatches;
        if (first == end)
        {
            return noGradients ??= new double[]?[model.Gradients.Length];
        }

        model.ComputeGradients(Filled(data.Training, batch[first..end]));
        return model.Gradients;
    }

    private (double Objective, double Accuracy) Evaluate(Examples examples)
    {
        if (!run.Reports)
        {
            return default;
        }

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
