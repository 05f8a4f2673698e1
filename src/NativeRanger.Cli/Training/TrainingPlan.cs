using NativeRanger.Cli.Data;

namespace NativeRanger.Cli.Training;

/// <summary>The runs of one command, over all optimizers, schedules, learning rates and seeds.</summary>
internal sealed record TrainingPlan(DataSet Data, IReadOnlyList<TrainingRun> Runs)
{
    /// <summary>The learning rates that are compared where none is given.</summary>
    public static readonly IReadOnlyList<double> SweptRates = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3];

    /// <summary>The seeds that a comparison of rates takes the mean over, so that it does not pick the luckiest shuffle.</summary>
    public const int ComparedSeeds = 5;

    /// <summary>All epochs of all runs.</summary>
    public long Epochs => Runs.Sum(run => (long)run.Epochs);

    /// <summary>Carries out the runs, as many at once as there are processors; the results are in the order of the runs.</summary>
    public IReadOnlyList<TrainingResult> Execute(ITrainingObserver observer, CancellationToken cancellation)
    {
        var results = new TrainingResult[Runs.Count];
        var options = new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, Runs.Count),
        };
        if (Runs.Count > 1)
        {
            // The runs already keep the processors busy; products that were split again would only wait.
            MathNet.Numerics.Control.UseSingleThread();
        }

        Parallel.For(
            0,
            Runs.Count,
            options,
            i =>
            {
                results[i] = Trainer.Train(Data, Runs[i], point => observer.AfterEpoch(Runs[i], point), cancellation);
                observer.AfterRun(results[i]);
            }
        );
        return results;
    }
}

/// <summary>Is told how the runs go, from several threads.</summary>
internal interface ITrainingObserver
{
    void AfterEpoch(TrainingRun run, LossPoint point);

    void AfterRun(TrainingResult result);
}
