using NativeRanger.Cli.Data;
using NativeRanger.Cli.Models;
using NativeRanger.Mpi;

namespace NativeRanger.Cli.Training;

internal enum ModelKind
{
    Softmax,
    Mlp,
}

/// <summary>What is trained, and how: everything that decides the numbers of one run.</summary>
internal sealed record TrainingRun
{
    public required OptimizerChoice Optimizer { get; init; }

    public required double LearningRate { get; init; }

    public required ScheduleChoice Schedule { get; init; }

    public required int Seed { get; init; }

    public required int Epochs { get; init; }

    public required int BatchSize { get; init; }

    public required ModelKind Model { get; init; }

    /// <summary>The units of the hidden layer; they matter to <see cref="ModelKind.Mlp"/> only.</summary>
    public required int HiddenUnits { get; init; }

    public required NamedBackend Backend { get; init; }

    /// <summary>The parts of a batch whose gradients are averaged; they decide the rounding, whoever computes them.</summary>
    public int MicroBatches { get; init; } = 1;

    /// <summary>The ranks that share the micro-batches and the state; null for this process alone.</summary>
    public Communicator? World { get; init; }

    /// <summary>Whether this process is the one that evaluates and reports.</summary>
    public bool Reports => World is null or { Rank: 0 };

    public Stepper<double> Bind(Model model) =>
        World is null
            ? Recipe.Bind(model.Parameters, Backend.Backend)
            : Recipe.BindSharded(model.Parameters, World, new() { MicroBatches = MicroBatches });

    /// <summary>The recipe at the run's learning rate.</summary>
    public Optimizer Recipe => Optimizer.Recipe with { LearningRate = LearningRate };

    /// <summary>The steps of one epoch; its last batch may be smaller than the others.</summary>
    public long StepsPerEpoch(DataSet data) => (data.Training.Count + BatchSize - 1) / BatchSize;

    public Model CreateModel(int features, int classes) =>
        Model == ModelKind.Softmax
            ? new SoftmaxRegression(features, classes)
            : new HiddenLayerNetwork(features, HiddenUnits, classes, Seed);

    public override string ToString() => $"{Optimizer.Label}, {Schedule.Name}, rate {LearningRate}, seed {Seed}";
}

/// <summary>The objective over all training examples after some epochs.</summary>
internal readonly record struct LossPoint(int Epoch, long Step, double Loss);

/// <summary>What came of a run.</summary>
/// <param name="Run">The run.</param>
/// <param name="Losses">The objective at the start and after every epoch.</param>
/// <param name="Optimum">f*, or null where it is not known.</param>
/// <param name="TrainAccuracy">The fraction of the training examples that is classified correctly.</param>
/// <param name="TestAccuracy">The fraction of the test examples that is classified correctly.</param>
/// <param name="Seconds">The time spent on batches, gradients and steps; the evaluation after each epoch is left out.</param>
/// <param name="StepSeconds">The part of it that was spent in Step.</param>
internal sealed record TrainingResult(
    TrainingRun Run,
    IReadOnlyList<LossPoint> Losses,
    double? Optimum,
    double TrainAccuracy,
    double TestAccuracy,
    double Seconds,
    double StepSeconds
)
{
    public double FinalLoss => Losses[^1].Loss;

    /// <summary>f - f*, or null where f* is not known.</summary>
    public double? Gap => FinalLoss - Optimum;

    public long Steps => Losses[^1].Step;

    public double StepShare => Seconds > 0 ? StepSeconds / Seconds : 0;
}
