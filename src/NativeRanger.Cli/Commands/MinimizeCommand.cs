using System.CommandLine;
using NativeRanger.Cli.Functions;
using NativeRanger.Cli.Minimizing;
using NativeRanger.Cli.Training;
using Spectre.Console;

namespace NativeRanger.Cli.Commands;

/// <summary>Minimises test functions with recipes and with MathNet's own minimizers.</summary>
internal sealed class MinimizeCommand : Command
{
    private const string Summary = """
        Minimises test functions from their standard starts, each optimizer at its best learning rate, and MathNet's own
        minimizers beside them.

        Examples:
          nativeranger minimize
          nativeranger minimize --function rosenbrock wood --optimizer adam ranger lookahead-nesterov
          nativeranger minimize --function beale --optimizer adam --lr 0.01 --steps 2000
          nativeranger minimize --page docs/FUNCTIONS.md
        """;

    private readonly Option<string[]> functionsOption = new("--function")
    {
        Description = $"One or several of {string.Join(", ", ProblemCatalogue.All.Select(p => p.Name))} [default: all]",
        HelpName = "name",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> optimizersOption = new("--optimizer")
    {
        Description =
            $"One or several of {string.Join(", ", OptimizerCatalogue.Plain.Select(o => o.Name))}; lookahead-X wraps X "
            + "[default: all]",
        HelpName = "name",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<double[]> ratesOption = new("--lr")
    {
        Description =
            $"Learning rates to compare [default: {StudySettings.Default.Rates.Count} from "
            + $"{StudySettings.Default.Rates[0]} to {StudySettings.Default.Rates[^1]}; fewer for digits]",
        HelpName = "rate",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<int?> stepsOption = new("--steps")
    {
        Description = $"The steps at which a run ends [default: {StudySettings.Default.Steps}; fewer for digits]",
        HelpName = "count",
    };

    private readonly Option<string?> pageOption = new("--page")
    {
        Description = "Also write the results to a page of Markdown",
        HelpName = "file",
    };

    public MinimizeCommand()
        : base("minimize", Summary)
    {
        foreach (var option in new Option[] { functionsOption, optimizersOption, ratesOption, stepsOption, pageOption })
        {
            Add(option);
        }

        // On a thread of its own, so that an interrupt from the keyboard is seen while it runs.
        SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
    }

    private void Run(ParseResult parsed, CancellationToken cancellation)
    {
        MathNetProvider.Require();
        var console = Terminal.For(parsed.InvocationConfiguration.Output);
        var problems = (
            Selection.Given(
                parsed.GetValue(functionsOption),
                ProblemCatalogue.Find,
                "function",
                ProblemCatalogue.All.Select(p => p.Name)
            ) ?? ProblemCatalogue.All
        )
            .Select(problem => problem with { Settings = Settings(parsed, problem.Settings) })
            .ToArray();
        var optimizers =
            Selection.Given(
                parsed.GetValue(optimizersOption),
                OptimizerCatalogue.Find,
                "optimizer",
                OptimizerCatalogue.Plain.Select(o => o.Name)
            ) ?? OptimizerCatalogue.OnVectors;

        var swept = MinimizationStudy.Sweep(problems, optimizers, Report, cancellation);
        StudyResult[] results =
        [
            .. problems.SelectMany(problem =>
                MinimizationStudy
                    .References.Select(name => MinimizationStudy.RunReference(problem, name))
                    .Concat(swept.Where(result => result.Problem == problem))
            ),
        ];

        console.WriteLine();
        console.Write(StudyTable.Of(results));
        if (parsed.GetValue(pageOption) is { } file)
        {
            File.WriteAllText(file, StudyPage.Of(results, Command(parsed)));
            console.WriteLine($"Wrote {file}");
        }

        void Report(StudyResult result)
        {
            lock (console)
            {
                console.WriteLine(
                    $"{result.Problem.Name}  {result.Minimizer}, rate {result.Rate}: f - f* = {result.Gap:0.0e+0} after "
                        + $"{result.Iterations:#,0} steps, {result.EndedBy}"
                );
            }
        }
    }

    private StudySettings Settings(ParseResult parsed, StudySettings settings) =>
        settings with
        {
            Steps = parsed.GetValue(stepsOption) is { } asked ? Selection.AtLeastOne(asked, "--steps") : settings.Steps,
            Rates = parsed.GetValue(ratesOption) is { Length: > 0 } given ? Selection.Rates(given) : settings.Rates,
        };

    private static string Command(ParseResult parsed) =>
        "dotnet run --project src/NativeRanger.Cli -c Release -- "
        + string.Join(' ', parsed.Tokens.Select(token => token.Value));
}
