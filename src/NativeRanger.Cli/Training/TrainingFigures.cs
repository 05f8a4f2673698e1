using NativeRanger.Cli.Data;
using NativeRanger.Cli.Plotting;

namespace NativeRanger.Cli.Training;

/// <summary>Draws the results of training: a panel per schedule, a line per optimizer.</summary>
internal static class TrainingFigures
{
    private const string GapLabel = "f − f* (mean cross-entropy above the optimum, nats)";
    private const string LossLabel = "f (mean cross-entropy with penalty, nats)";

    /// <summary>The objective after every epoch, of each optimizer at its best learning rate.</summary>
    public static Figure Losses(DataSet data, Leaderboard board)
    {
        var first = board.All[0].Results[0].Run;
        return Draw(
            board,
            Title("Training", data, first),
            $"{Best(board)}{data.Training.Count:#,0} training images, batch {first.BatchSize}{Optimum(board)}",
            ($"epoch ({first.StepsPerEpoch(data):#,0} steps each)", values => Scale.Linear(values)),
            board.Best,
            standings =>
                standings.Select(standing => new Series(
                    Name(board, standing),
                    [.. standing.MeanLosses.Select(point => ((double)point.Epoch, Value(standing, point.Loss)))]
                ))
        );
    }

    /// <summary>The last objective over the learning rate.</summary>
    public static Figure Sweep(DataSet data, Leaderboard board)
    {
        var first = board.All[0].Results[0].Run;
        return Draw(
            board,
            Title("Learning rates", data, first),
            $"after {first.Epochs * first.StepsPerEpoch(data):#,0} steps, {data.Training.Count:#,0} training images, batch {first.BatchSize}{Seeds(board)}{Optimum(board)}",
            ("learning rate (per step)", values => Scale.Logarithmic(values)),
            board.All,
            standings =>
                standings
                    .GroupBy(standing => standing.Optimizer)
                    .Select(group => new Series(
                        group.Key.Label,
                        [.. group.Select(standing => (standing.LearningRate, Value(standing, standing.FinalLoss)))],
                        Marked: true
                    ))
        );
    }

    /// <summary>The factor of each schedule over the steps.</summary>
    public static Figure Schedules(IReadOnlyList<ScheduleChoice> schedules, long steps)
    {
        var lines = schedules
            .Select(choice =>
            {
                var schedule = choice.Create(steps);
                return new Series(choice.Name, [.. Samples(steps).Select(t => ((double)t, schedule(t)))]);
            })
            .ToArray();
        return new(
            "Schedules of the learning rate",
            "",
            [
                new(
                    "",
                    new("step", Scale.Linear(0, steps)),
                    new(
                        "factor on the learning rate",
                        Scale.Linear(lines.SelectMany(l => l.Points).Select(p => p.Y).Append(0))
                    ),
                    lines
                ),
            ]
        );
    }

    private static Figure Draw(
        Leaderboard board,
        string title,
        string subtitle,
        (string Label, Func<IEnumerable<double>, Scale> Scale) x,
        IReadOnlyList<Standing> standings,
        Func<IEnumerable<Standing>, IEnumerable<Series>> lines
    )
    {
        var known = board.All[0].Gap is not null;
        var panels = board
            .Schedules.Select(schedule =>
                (schedule.Name, Lines: lines(standings.Where(s => s.Schedule == schedule)).ToArray())
            )
            .ToArray();
        var points = panels.SelectMany(panel => panel.Lines).SelectMany(line => line.Points).ToArray();
        // All panels share their axes, so that they can be compared.
        var horizontal = new Axis(x.Label, x.Scale(points.Select(p => p.X)));
        var vertical = new Axis(known ? GapLabel : LossLabel, Scale.Logarithmic(points.Select(p => p.Y)));
        return new(
            title,
            subtitle,
            [.. panels.Select(panel => new Panel($"schedule: {panel.Name}", horizontal, vertical, panel.Lines))]
        );
    }

    private static double Value(Standing standing, double loss) => loss - (standing.Results[0].Optimum ?? 0);

    private static string Title(string what, DataSet data, TrainingRun run) =>
        run.Model == ModelKind.Softmax
            ? $"{what}: softmax regression on {data.Name}"
            : $"{what}: one hidden layer of {run.HiddenUnits} units on {data.Name}";

    /// <summary>With several panels a rate in the legend would belong to one of them only.</summary>
    private static string Name(Leaderboard board, Standing standing) =>
        board.Schedules.Count == 1
            ? $"{standing.Optimizer.Label}, rate {standing.LearningRate}"
            : standing.Optimizer.Label;

    private static string Best(Leaderboard board) =>
        board.All.Count > board.Best.Count ? $"each at its best learning rate{Seeds(board)}, " : "";

    private static string Seeds(Leaderboard board) =>
        board.All[0].Results.Count > 1 ? $", mean of {board.All[0].Results.Count} seeds" : "";

    private static string Optimum(Leaderboard board) =>
        board.All[0].Results[0].Optimum is { } optimum ? $", f* = {optimum:0.000000}" : "";

    private static IEnumerable<long> Samples(long steps)
    {
        const int Count = 400;
        return Enumerable.Range(0, Count + 1).Select(i => steps * i / Count).Distinct();
    }
}
