using System.CommandLine;
using NativeRanger.Cli.Functions;
using NativeRanger.Cli.Minimizing;
using NativeRanger.Cli.Plotting;
using NativeRanger.Cli.Training;
using NativeRanger.Cli.Trajectories;

namespace NativeRanger.Cli.Commands;

/// <summary>Draws the way of fast and slow weights over a function of two variables.</summary>
internal sealed class TrajectoryCommand : Command
{
    private const string DefaultOutput = "artifacts/trajectory";
    private const string SvgFile = "trajectory.svg";
    private const string PngFile = "trajectory.png";

    private static readonly Problem[] planar = [.. ProblemCatalogue.Functions.Where(p => p.Dimension == 2)];

    private static readonly string Summary = $"""
        Draws the way of a Lookahead optimizer over the contour lines of a function: the fast weights' path blue, the slow
        weights' purple, and at a sync the plain optimizer's direction red and Lookahead's black. Writes
        {DefaultOutput}/{SvgFile}, and {PngFile} where rsvg-convert is installed.

        Examples:
          nativeranger trajectory
          nativeranger trajectory --function booth --optimizer ranger --steps 100
          nativeranger trajectory --function himmelblau --optimizer lookahead-adam --lr 0.5 --steps 60
        """;

    private readonly Option<string> functionOption = new("--function")
    {
        Description = $"One of {string.Join(", ", planar.Select(p => p.Name))}",
        HelpName = "name",
        DefaultValueFactory = _ => "rosenbrock",
    };

    private readonly Option<string> optimizerOption = new("--optimizer")
    {
        Description = "ranger, or lookahead-X for any optimizer X of train",
        HelpName = "name",
        DefaultValueFactory = _ => "lookahead-momentum",
    };

    private readonly Option<double?> rateOption = new("--lr")
    {
        Description = "The learning rate [default: the one that leads lowest]",
        HelpName = "rate",
    };

    private readonly Option<int> stepsOption = new("--steps")
    {
        Description = "The number of steps",
        HelpName = "count",
        DefaultValueFactory = _ => 300,
    };

    private readonly Option<string> outputOption = new("--output")
    {
        Description = "Where the picture is written",
        HelpName = "folder",
        DefaultValueFactory = _ => DefaultOutput,
    };

    public TrajectoryCommand()
        : base("trajectory", Summary)
    {
        foreach (var option in new Option[] { functionOption, optimizerOption, rateOption, stepsOption, outputOption })
        {
            Add(option);
        }

        SetAction(Run);
    }

    private void Run(ParseResult parsed)
    {
        var problem = Selection.Given(
            [parsed.GetRequiredValue(functionOption)],
            name => Array.Find(planar, p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase)),
            "function of two variables",
            planar.Select(p => p.Name)
        )![0];
        var (label, recipe) = Optimizer(parsed.GetRequiredValue(optimizerOption));
        var steps = Selection.AtLeastOne(parsed.GetRequiredValue(stepsOption), "--steps");
        var rates = parsed.GetValue(rateOption) is { } given ? Selection.Rates([given]) : StudySettings.Default.Rates;
        var (rate, trajectory) = rates
            .Select(rate => (rate, Way: Trajectory.Follow(problem, recipe with { LearningRate = rate }, steps)))
            .MinBy(run => double.IsNaN(run.Way.Value) ? double.PositiveInfinity : run.Way.Value);

        var folder = OutputFolder.Create(parsed.GetRequiredValue(outputOption));
        var svg = Path.Combine(folder, SvgFile);
        TrajectoryFigure
            .Of(
                problem,
                $"{label} on {problem.Label}: rate {rate}, k = {recipe.Period}, α = {recipe.Blend}",
                trajectory
            )
            .Save(svg);
        var output = parsed.InvocationConfiguration.Output;
        var pixels = Png.TryConvert(svg, Path.Combine(folder, PngFile));
        output.WriteLine($"{label}, rate {rate}: f = {trajectory.Value:0.0e+0} after {steps} steps");
        output.WriteLine(
            pixels
                ? $"Wrote {SvgFile}, {PngFile} to {folder}"
                : $"Wrote {SvgFile} to {folder}; rsvg-convert, which makes {PngFile} of it, is not installed"
        );
    }

    private static (string Label, Lookahead Recipe) Optimizer(string name)
    {
        var choice = Selection.Given(
            [name],
            OptimizerCatalogue.Find,
            "optimizer",
            OptimizerCatalogue.Plain.Select(o => o.Name)
        )![0];
        return choice.Recipe switch
        {
            Lookahead lookahead => (choice.Label, lookahead),
            Ranger ranger => (choice.Label, ranger.Composition),
            _ => throw new UserErrorException(
                $"{choice.Name} has no slow weights; take lookahead-{choice.Name}, or ranger."
            ),
        };
    }
}
