using Spectre.Console;

namespace NativeRanger.Cli.Training;

/// <summary>The table that training ends with: each optimizer at its best learning rate, best first.</summary>
internal static class TrainingTable
{
    public static Table Of(Leaderboard board)
    {
        var known = board.All[0].Gap is not null;
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("Optimizer");
        table.AddColumn("Schedule");
        table.AddColumn(board.All.Count > board.Best.Count ? "Best rate" : "Rate", Right);
        table.AddColumn("Loss f", Right);
        if (known)
        {
            table.AddColumn("f - f*", Right);
        }

        table.AddColumn("Train", Right);
        table.AddColumn("Test", Right);
        table.AddColumn("Time in Step", Right);
        foreach (var standing in board.Best.OrderBy(s => s.FinalLoss))
        {
            string?[] cells =
            [
                standing.Optimizer.Label,
                standing.Schedule.Name,
                $"{standing.LearningRate}",
                $"{standing.FinalLoss:0.000000}",
                known ? $"{standing.Gap:0.0e+0}" : null,
                $"{standing.TrainAccuracy:0.0 %}",
                $"{standing.TestAccuracy:0.0 %}",
                $"{standing.StepShare:0.0 %}",
            ];
            table.AddRow([.. cells.Where(cell => cell is not null).Select(cell => Markup.Escape(cell!))]);
        }

        return table;
    }

    private static void Right(TableColumn column) => column.RightAligned().NoWrap();
}
