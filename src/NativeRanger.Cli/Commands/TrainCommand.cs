using System.CommandLine;
using NativeRanger.Cli.Data;
using NativeRanger.Cli.Training;
using Spectre.Console;

namespace NativeRanger.Cli.Commands;

/// <summary>Trains a classifier with one or several optimizers and compares them.</summary>
internal static class TrainCommand
{
    private const int LargeData = 10_000;
    private const int DefaultEpochs = 20;
    private const string DefaultOutput = "artifacts/train";

    private static readonly string Description = $"""
        Trains a classifier and compares optimizers, each at its best learning rate.

        Gradients are computed by MathNet matrices, steps by NativeRanger. Results go to {DefaultOutput}: summary.json,
        loss.csv, loss.svg; also sweep.svg where several rates are compared, and schedule.svg where the rate changes.

        Examples:
          nativeranger train
          nativeranger train --sweep
          nativeranger train --optimizer ranger --lr 0.03 --schedule flat-cosine --epochs 40
          nativeranger train --model mlp --optimizer adam ranger lookahead-adam
          nativeranger train --data /usr/share/datasets/fashion-mnist --optimizer ranger
        """;

    private static readonly Option<string> Model = new("--model")
    {
        Description = "softmax (regression) or mlp (one hidden layer)",
        DefaultValueFactory = _ => "softmax",
    };

    private static readonly Option<int> Hidden = new("--hidden")
    {
        Description = "The units of the hidden layer of mlp",
        DefaultValueFactory = _ => 64,
    };

    private static readonly Option<string[]> Optimizers = new("--optimizer")
    {
        Description =
            $"One or several of {string.Join(", ", OptimizerCatalogue.Plain.Select(o => o.Name))}; lookahead-X wraps X "
            + $"[default: {string.Join(' ', OptimizerCatalogue.Compared.Select(o => o.Name))}; with --sweep all]",
        HelpName = "name",
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<double[]> Rates = new("--lr")
    {
        Description =
            "Learning rates; several are compared by the mean over "
            + $"{TrainingPlan.ComparedSeeds} seeds [default: {string.Join(' ', TrainingPlan.SweptRates)}]",
        HelpName = "rate",
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<string[]> Schedules = new("--schedule")
    {
        Description =
            $"One or several of {string.Join(", ", ScheduleCatalogue.All.Select(s => s.Name))} "
            + $"[default: {ScheduleCatalogue.FlatCosine.Name}; with --sweep also {ScheduleCatalogue.Constant.Name}]",
        HelpName = "name",
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int?> Epochs = new("--epochs")
    {
        Description =
            $"Passes over the training data [default: {DefaultEpochs}; 1 where there are over {LargeData:#,0} examples]",
        HelpName = "count",
    };

    private static readonly Option<int> BatchSize = new("--batch")
    {
        Description = "Examples per step",
        HelpName = "count",
        DefaultValueFactory = _ => 50,
    };

    private static readonly Option<int> Seed = new("--seed")
    {
        Description = "The first seed: of the shuffles, and of the weights of mlp",
        HelpName = "number",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<string> Backend = new("--backend")
    {
        Description = "native or managed: the same bits, at different speeds",
        DefaultValueFactory = _ => BackendChoice.Native,
    };

    private static readonly Option<bool> Sweep = new("--sweep")
    {
        Description = "Compare all optimizers, at constant and at annealed rates",
    };

    private static readonly Option<string?> DataFolder = new("--data")
    {
        Description =
            "A folder with the four IDX files of MNIST or Fashion-MNIST, gzipped or not [default: built-in digits]",
        HelpName = "folder",
    };

    private static readonly Option<string> Output = new("--output")
    {
        Description = "Where results are written",
        HelpName = "folder",
        DefaultValueFactory = _ => DefaultOutput,
    };

    public static Command Create()
    {
        Model.AcceptOnlyFromAmong("softmax", "mlp");
        Backend.AcceptOnlyFromAmong(BackendChoice.Native, BackendChoice.Managed);
        var command = new Command("train", Description)
        {
            Optimizers,
            Rates,
            Schedules,
            Sweep,
            Model,
            Hidden,
            Epochs,
            BatchSize,
            Seed,
            Backend,
            DataFolder,
            Output,
        };
        command.SetAction(
            (parsed, cancellation) =>
            {
                Run(parsed, cancellation);
                return Task.FromResult(CommandLine.Success);
            }
        );
        return command;
    }

    private static void Run(ParseResult parsed, CancellationToken cancellation)
    {
        var console = Terminal.For(parsed.InvocationConfiguration.Output);
        var plan = Plan(parsed);
        var folder = CreateFolder(parsed.GetRequiredValue(Output));
        var results = TrainingProgress.Show(console, plan, cancellation);
        var board = new Leaderboard(results);

        console.WriteLine();
        console.Write(TrainingTable.Of(board));
        console.WriteLine(Footnote(plan, results[0]));

        TrainingFiles.WriteSummary(Path.Combine(folder, "summary.json"), results);
        TrainingFiles.WriteLosses(Path.Combine(folder, "loss.csv"), results);
        TrainingFigures.Losses(plan.Data, board).Save(Path.Combine(folder, "loss.svg"));
        var written = "summary.json, loss.csv, loss.svg";
        if (board.All.Count > board.Best.Count)
        {
            TrainingFigures.Sweep(plan.Data, board).Save(Path.Combine(folder, "sweep.svg"));
            written += ", sweep.svg";
        }

        if (board.Schedules.Any(schedule => schedule != ScheduleCatalogue.Constant))
        {
            TrainingFigures.Schedules(board.Schedules, results[0].Steps).Save(Path.Combine(folder, "schedule.svg"));
            written += ", schedule.svg";
        }

        console.WriteLine($"Wrote {written} to {folder}.");
    }

    private static TrainingPlan Plan(ParseResult parsed)
    {
        var sweep = parsed.GetValue(Sweep);
        var optimizers =
            Given(
                parsed.GetValue(Optimizers),
                OptimizerCatalogue.Find,
                "optimizer",
                OptimizerCatalogue.Plain.Select(o => o.Name)
            ) ?? (sweep ? OptimizerCatalogue.All : OptimizerCatalogue.Compared);
        var schedules =
            Given(
                parsed.GetValue(Schedules),
                ScheduleCatalogue.Find,
                "schedule",
                ScheduleCatalogue.All.Select(s => s.Name)
            ) ?? (sweep ? [ScheduleCatalogue.Constant, ScheduleCatalogue.FlatCosine] : [ScheduleCatalogue.FlatCosine]);
        var rates = parsed.GetValue(Rates) is { Length: > 0 } given
            ? given.Distinct().ToArray()
            : TrainingPlan.SweptRates;
        foreach (var rate in rates.Where(rate => !(double.IsFinite(rate) && rate >= 0)))
        {
            throw new UserErrorException($"--lr must be at least 0; it is {rate}.");
        }

        var model = parsed.GetRequiredValue(Model) is "mlp" ? ModelKind.Mlp : ModelKind.Softmax;
        var backend = BackendChoice.Single(parsed.GetRequiredValue(Backend));
        var batch = AtLeastOne(parsed.GetRequiredValue(BatchSize), "--batch");
        var hidden = AtLeastOne(parsed.GetRequiredValue(Hidden), "--hidden");
        var epochs = parsed.GetValue(Epochs) is { } asked ? AtLeastOne(asked, "--epochs") : (int?)null;

        var data = parsed.GetValue(DataFolder) is { } folder ? IdxFiles.Load(folder) : Digits.Load();
        var large = data.Training.Count > LargeData;
        var firstSeed = parsed.GetRequiredValue(Seed);
        var seeds = Enumerable.Range(firstSeed, rates.Count > 1 && !large ? TrainingPlan.ComparedSeeds : 1);
        var runs =
            from schedule in schedules
            from optimizer in optimizers
            from rate in rates
            from seed in seeds
            select new TrainingRun
            {
                Optimizer = optimizer,
                LearningRate = rate,
                Schedule = schedule,
                Seed = seed,
                Epochs = epochs ?? (large ? 1 : DefaultEpochs),
                BatchSize = batch,
                Model = model,
                HiddenUnits = hidden,
                Backend = backend,
            };
        return new(data, [.. runs]);
    }

    /// <summary>The choices of the given names, which may also be separated by commas; null where none is given.</summary>
    private static TChoice[]? Given<TChoice>(
        string[]? names,
        Func<string, TChoice?> find,
        string what,
        IEnumerable<string> known
    )
        where TChoice : class =>
        names is not { Length: > 0 }
            ? null
            :
            [
                .. names
                    .SelectMany(name => name.Split(',', StringSplitOptions.RemoveEmptyEntries))
                    .Select(name =>
                        find(name)
                        ?? throw new UserErrorException(
                            $"There is no {what} '{name}'; there are {string.Join(", ", known)}."
                        )
                    )
                    .Distinct(),
            ];

    private static int AtLeastOne(int value, string option) =>
        value >= 1 ? value : throw new UserErrorException($"{option} must be at least 1; it is {value}.");

    private static string CreateFolder(string folder)
    {
        try
        {
            return Directory.CreateDirectory(folder).FullName;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"The folder '{folder}' cannot be written to: {exception.Message}");
        }
    }

    private static string Footnote(TrainingPlan plan, TrainingResult result)
    {
        var run = result.Run;
        var optimum = result.Optimum is { } value ? $"f* = {value:R} is the exact optimum. " : "";
        var seeds = plan.Runs.Select(r => r.Seed).Distinct().Count();
        var mean = seeds > 1 ? $"Means over {seeds} seeds. " : "";
        return $"{optimum}{mean}{run.Epochs} epochs, batch {run.BatchSize}, {run.Backend}.";
    }
}
