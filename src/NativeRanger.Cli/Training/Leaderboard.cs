namespace NativeRanger.Cli.Training;

/// <summary>An optimizer under a schedule at one learning rate: the mean over seeds.</summary>
internal sealed record Standing(
    OptimizerChoice Optimizer,
    ScheduleChoice Schedule,
    double LearningRate,
    IReadOnlyList<TrainingResult> Results
)
{
    /// <summary>The mean objective; a run that diverged counts as infinite.</summary>
    public double FinalLoss { get; } =
        Results.Average(result => double.IsNaN(result.FinalLoss) ? double.PositiveInfinity : result.FinalLoss);

    /// <summary>The mean f - f*, or null where f* is not known.</summary>
    public double? Gap => FinalLoss - Results[0].Optimum;

    public double TrainAccuracy => Results.Average(result => result.TrainAccuracy);

    public double TestAccuracy => Results.Average(result => result.TestAccuracy);

    public double StepShare => Results.Sum(result => result.StepSeconds) / Results.Sum(result => result.Seconds);

    /// <summary>The mean objective after every epoch.</summary>
    public IEnumerable<LossPoint> MeanLosses =>
        Enumerable
            .Range(0, Results[0].Losses.Count)
            .Select(i => Results[0].Losses[i] with { Loss = Results.Average(result => result.Losses[i].Loss) });
}

/// <summary>Results by optimizer, schedule and rate.</summary>
internal sealed class Leaderboard
{
    public Leaderboard(IReadOnlyList<TrainingResult> results)
    {
        All =
        [
            .. results
                .GroupBy(result => (result.Run.Optimizer, result.Run.Schedule, result.Run.LearningRate))
                .Select(group => new Standing(
                    group.Key.Optimizer,
                    group.Key.Schedule,
                    group.Key.LearningRate,
                    [.. group]
                )),
        ];
        Best =
        [
            .. All.GroupBy(standing => (standing.Optimizer, standing.Schedule))
                .Select(group => group.MinBy(standing => standing.FinalLoss)!),
        ];
        Schedules = [.. All.Select(standing => standing.Schedule).Distinct()];
    }

    /// <summary>One standing per optimizer, schedule and learning rate.</summary>
    public IReadOnlyList<Standing> All { get; }

    /// <summary>One standing per optimizer and schedule: the one of the best learning rate.</summary>
    public IReadOnlyList<Standing> Best { get; }

    public IReadOnlyList<ScheduleChoice> Schedules { get; }
}
