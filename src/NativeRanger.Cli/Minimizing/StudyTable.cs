using Spectre.Console;

namespace NativeRanger.Cli.Minimizing;

/// <summary>The results of a study for a terminal.</summary>
internal static class StudyTable
{
    public static Table Of(IReadOnlyList<StudyResult> results)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("Function");
        table.AddColumn("Minimizer");
        foreach (var name in new[] { "Rate", "f - f*", "max |g|", "Steps", "Time (ms)" })
        {
            table.AddColumn(name, column => column.RightAligned().NoWrap());
        }

        table.AddColumn("Ended by");
        foreach (var result in results)
        {
            string[] cells =
            [
                result.Problem.Name,
                result.Minimizer,
                $"{result.Rate}",
                $"{result.Gap:0.0e+0}",
                $"{result.GradientNorm:0.0e+0}",
                $"{result.Iterations:#,0}",
                $"{result.Elapsed.TotalMilliseconds:#,0.0}",
                result.EndedBy,
            ];
            table.AddRow([.. cells.Select(Markup.Escape)]);
        }

        return table;
    }
}
