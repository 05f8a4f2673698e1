using System.Globalization;
using System.Text;
using NativeRanger.Cli.Functions;
using NativeRanger.Cli.Training;

namespace NativeRanger.Cli.Minimizing;

/// <summary>The results of a study as a page of Markdown tables.</summary>
internal static class StudyPage
{
    private const double Reached = 1e-6;

    /// <summary>The page: how often each minimizer arrives, then a table per problem.</summary>
    /// <param name="results">The results, problem by problem.</param>
    /// <param name="command">What writes the page.</param>
    public static string Of(IReadOnlyList<StudyResult> results, string command)
    {
        var page = new StringBuilder(
            $"""
            # Test functions

            Every function from its standard start, by every recipe at its best learning rate and by MathNet's own minimizers.
            {Protocol(results[0].Problem.Settings)}

            *Ended by* is `StopReason` of a recipe and `ExitCondition` of MathNet. `RelativeGradient` says that the tolerance was
            met, `IterationLimit` that the steps were used up, `NonFinite` that a later point overflowed; in either case the best
            point that was seen is returned. The gap of a run that met the tolerance may be that of a local minimum.

            The functions are those of J. Moré, B. Garbow and K. Hillstrom (Testing Unconstrained Optimization Software, ACM TOMS 7,
            1981), Himmelblau's and Booth's. This page is written by

            ```sh
            {command}
            ```

            ## How often f − f\* comes below 1e-6

            | minimizer | of {results.Select(result => result.Problem).Distinct().Count()} functions |
            |---|---:|

            """
        );
        foreach (var minimizer in results.GroupBy(result => result.Minimizer, StringComparer.Ordinal))
        {
            page.Append($"| {minimizer.Key} | {minimizer.Count(result => result.Gap < Reached)} |\n");
        }

        foreach (var problem in results.GroupBy(result => result.Problem))
        {
            Append(page, problem.Key, [.. problem], results[0].Problem.Settings);
        }

        return page.ToString();
    }

    private static string Protocol(StudySettings settings)
    {
        var rates =
            $"{settings.Rates.Count} learning rates from {settings.Rates[0]:0.######} to {settings.Rates[^1]:0.######}";
        var schedule =
            settings.Schedule == ScheduleCatalogue.Constant ? "constant" : $"annealed ({settings.Schedule.Name})";
        return FormattableString.Invariant(
            $"""
            {rates}, {schedule}, are compared after {settings.TrialSteps:#,0} steps, and the best {settings.Finalists} run for up to
            {settings.Steps:#,0} steps or to a relative gradient of {Number(
                settings.GradientTolerance,
                "0.#e+0"
            )}. The best run has the smallest gap
            f − f\*, of those below 1e-12 the fewest steps. MathNet's minimizers have the same tolerance and number of steps.
            Everything runs on one thread.
            """
        );
    }

    private static void Append(
        StringBuilder page,
        Problem problem,
        IReadOnlyList<StudyResult> results,
        StudySettings common
    )
    {
        // Times matter where one evaluation takes long.
        var timed = problem.Settings != common;
        var start =
            problem.Dimension <= 12
                ? $"start ({string.Join(", ", problem.Start.Select(x => x.ToString("0.####", CultureInfo.InvariantCulture)))})"
                : "start 0";
        page.Append(
            $"\n## {problem.Label}\n\n`{problem.Name}`, {start}, f\\* = {Number(problem.Minimum, "0.##########e+0")}. {problem.Note}".TrimEnd()
        );
        page.Append(timed ? $"\n{Protocol(problem.Settings)}\n\n" : "\n\n");
        page.Append($"| minimizer | rate | f − f\\* | max \\|g\\| | steps |{(timed ? " seconds |" : "")} ended by |\n");
        page.Append($"|---|---:|---:|---:|---:|{(timed ? "---:|" : "")}---|\n");
        foreach (var result in results)
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"| {result.Minimizer} | {result.Rate:0.######} | {Number(result.Gap, "0.0e+0")} | {Number(result.GradientNorm, "0.0e+0")} | {result.Iterations:#,0} |"
            );
            page.Append(timed ? FormattableString.Invariant($" {result.Elapsed.TotalSeconds:0.0} |") : "");
            page.Append($" {result.EndedBy} |\n");
        }
    }

    private static string Number(double value, string format) =>
        double.IsNaN(value) ? "–"
        : value == 0 ? "0"
        : value.ToString(format, CultureInfo.InvariantCulture);
}
