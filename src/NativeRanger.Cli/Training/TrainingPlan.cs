using System.Runtime.ExceptionServices;
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
        var shared = Runs.Any(run => run.World is not null);
        if (Runs.Count > 1 || shared)
        {
            // The runs or the ranks already keep the processors busy; products that were split again would only wait.
            MathNet.Numerics.Control.UseSingleThread();
        }

        if (shared)
        {
            // All ranks take the runs in the same order.
            for (var i = 0; i < Runs.Count; i++)
            {
                Execute(i);
            }
        }
        else
        {
            try
            {
                Parallel.For(0, Runs.Count, options, Execute);
            }
            catch (AggregateException several)
            {
                // The first to fail says what is wrong; what it has stopped says no more.
                ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
            }
        }

        return results;

        void Execute(int i)
        {
            results[i] = Trainer.Train(Data, Runs[i], point => observer.AfterEpoch(Runs[i], point), cancellation);
            observer.AfterRun(results[i]);
        }
    }
}

/// <summary>Is told how the runs go, from several threads.</summary>
internal interface ITrainingObserver
{
    void AfterEpoch(TrainingRun run, LossPoint point);

    void AfterRun(TrainingResult result);
}

/// <summary>On the ranks that another one reports for.</summary>
internal sealed class SilentObserver : ITrainingObserver
{
    public static SilentObserver Instance { get; } = new();

    public void AfterEpoch(TrainingRun run, LossPoint point) { }

    public void AfterRun(TrainingResult result) { }
}
