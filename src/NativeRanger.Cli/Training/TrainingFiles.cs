using System.Globalization;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NativeRanger.Cli.Training;

/// <summary>Writes the results of training as JSON and CSV.</summary>
internal static class TrainingFiles
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Every run with what it was given and what it reached.</summary>
    public static void WriteSummary(string path, IReadOnlyList<TrainingResult> results)
    {
        var runs = new JsonArray([.. results.Select(Summary)]);
        File.WriteAllText(path, new JsonObject { ["runs"] = runs }.ToJsonString(Indented) + "\n");
    }

    /// <summary>The objective of every run after every epoch, one line each.</summary>
    public static void WriteLosses(string path, IReadOnlyList<TrainingResult> results)
    {
        using var writer = new StreamWriter(path);
        writer.WriteLine("optimizer,schedule,learningRate,seed,epoch,step,loss,gap");
        foreach (var result in results)
        {
            foreach (var point in result.Losses)
            {
                writer.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{result.Run.Optimizer.Name},{result.Run.Schedule.Name},{result.Run.LearningRate:R},{result.Run.Seed},{point.Epoch},{point.Step},{point.Loss:R},{point.Loss - result.Optimum:R}"
                    )
                );
            }
        }
    }

    private static JsonObject Summary(TrainingResult result) =>
        new()
        {
            ["optimizer"] = result.Run.Optimizer.Name,
            ["hyperParameters"] = HyperParameters(result.Run),
            ["backend"] = result.Run.Backend.Name,
            ["isa"] = result.Run.Backend.InstructionSet,
            ["finalLoss"] = Number(result.FinalLoss),
            ["gap"] = result.Gap is { } gap ? Number(gap) : null,
            ["trainAccuracy"] = result.TrainAccuracy,
            ["testAccuracy"] = result.TestAccuracy,
            ["steps"] = result.Steps,
            ["seconds"] = result.Seconds,
            ["stepShare"] = result.StepShare,
        };

    private static JsonObject HyperParameters(TrainingRun run)
    {
        var options = Options(run.Recipe);
        options["schedule"] = run.Schedule.Name;
        options["epochs"] = run.Epochs;
        options["batch"] = run.BatchSize;
        if (run.MicroBatches > 1)
        {
            options["microBatches"] = run.MicroBatches;
        }

        options["seed"] = run.Seed;
        options["model"] = run.Model.ToString().ToLowerInvariant();
        if (run.Model == ModelKind.Mlp)
        {
            options["hidden"] = run.HiddenUnits;
        }

        return options;
    }

    /// <summary>The options of a recipe: whatever can be set on it, under its own name.</summary>
    private static JsonObject Options(Optimizer recipe)
    {
        var options = new JsonObject();
        foreach (
            var property in recipe
                .GetType()
                .GetProperties(BindingFlags.Instance | BindingFlags.Public)
                .Where(p => p.CanWrite)
                .OrderBy(p => p.Name is not nameof(Optimizer.LearningRate))
        )
        {
            options[JsonNamingPolicy.CamelCase.ConvertName(property.Name)] = property.GetValue(recipe) switch
            {
                Optimizer inner => Inner(inner),
                double number => Number(number),
                int number => number,
                bool flag => flag,
                Enum choice => choice.ToString(),
                var other => other?.ToString(),
            };
        }

        return options;
    }

    private static JsonObject Inner(Optimizer recipe)
    {
        var options = Options(recipe);
        options.Insert(0, "optimizer", recipe.GetType().Name);
        return options;
    }

    /// <summary>JSON has no number for what a diverged run reaches: NaN and the infinities are strings.</summary>
    private static JsonValue Number(double value) =>
        double.IsFinite(value)
            ? JsonValue.Create(value)
            : JsonValue.Create(value.ToString(CultureInfo.InvariantCulture));
}
