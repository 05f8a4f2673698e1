using System.CommandLine;
using NativeRanger.Cli.Data;
using NativeRanger.Cli.Training;
using NativeRanger.Mpi;
using Spectre.Console;

namespace NativeRanger.Cli.Commands;

/// <summary>Trains a classifier with one or several optimizers and compares them.</summary>
internal sealed class TrainCommand : Command
{
    private const int LargeData = 10_000;
    private const int DefaultEpochs = 20;
    private const int DistributedMicroBatches = 4;
    private const string DefaultOutput = "artifacts/train";

    private static readonly string Summary = $"""
        Trains a classifier and compares optimizers, each at its best learning rate.

        Gradients are computed by MathNet matrices, steps by NativeRanger. Results go to {DefaultOutput}: summary.json,
        loss.csv, loss.svg; also sweep.svg where several rates are compared, and schedule.svg where the rate changes.

        Examples:
          nativeranger train
          nativeranger train --sweep
          nativeranger train --optimizer ranger --lr 0.03 --schedule flat-cosine --epochs 40
          nativeranger train --model mlp --optimizer adam ranger lookahead-adam
          nativeranger train --data /usr/share/datasets/fashion-mnist --optimizer ranger
          mpirun -np 4 nativeranger train --distributed --optimizer ranger --lr 0.03
        """;

    private readonly Option<string> modelOption = new("--model")
    {
        Description = "softmax (regression) or mlp (one hidden layer)",
        DefaultValueFactory = _ => "softmax",
    };

    private readonly Option<int> hiddenOption = new("--hidden")
    {
        Description = "The units of the hidden layer of mlp",
        DefaultValueFactory = _ => 64,
    };

    private readonly Option<string[]> optimizersOption = new("--optimizer")
    {
        Description =
            $"One or several of {string.Join(", ", OptimizerCatalogue.Plain.Select(o => o.Name))}; lookahead-X wraps X "
            + $"[default: {string.Join(' ', OptimizerCatalogue.Compared.Select(o => o.Name))}; with --sweep all]",
        HelpName = "name",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<double[]> ratesOption = new("--lr")
    {
        Description =
            "Learning rates; several are compared by the mean over "
            + $"{TrainingPlan.ComparedSeeds} seeds [default: {string.Join(' ', TrainingPlan.SweptRates)}]",
        HelpName = "rate",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> schedulesOption = new("--schedule")
    {
        Description =
            $"One or several of {string.Join(", ", ScheduleCatalogue.All.Select(s => s.Name))} "
            + $"[default: {ScheduleCatalogue.FlatCosine.Name}; with --sweep also {ScheduleCatalogue.Constant.Name}]",
        HelpName = "name",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<int?> epochsOption = new("--epochs")
    {
        Description =
            $"Passes over the training data [default: {DefaultEpochs}; 1 where there are over {LargeData:#,0} examples]",
        HelpName = "count",
    };

    private readonly Option<int> batchOption = new("--batch")
    {
        Description = "Examples per step",
        HelpName = "count",
        DefaultValueFactory = _ => 50,
    };

    private readonly Option<int> seedOption = new("--seed")
    {
        Description = "The first seed: of the shuffles, and of the weights of mlp",
        HelpName = "number",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<string> backendOption = new("--backend")
    {
        Description =
            "native, managed, or cuda with the optimizer's state on the first GPU: the same bits, at different speeds",
        DefaultValueFactory = _ => BackendChoice.Native,
    };

    private readonly Option<bool> sweepOption = new("--sweep")
    {
        Description = "Compare all optimizers, at constant and at annealed rates",
    };

    private readonly Option<string?> dataOption = new("--data")
    {
        Description =
            "A folder with the four IDX files of MNIST or Fashion-MNIST, gzipped or not [default: built-in digits]",
        HelpName = "folder",
    };

    private readonly Option<string> outputOption = new("--output")
    {
        Description = "Where results are written",
        HelpName = "folder",
        DefaultValueFactory = _ => DefaultOutput,
    };

    private readonly Option<bool> distributedOption = new("--distributed")
    {
        Description = "Share each step among the ranks that mpirun or mpiexec started; rank 0 reports",
    };

    private readonly Option<int?> microBatchesOption = new("--micro-batches")
    {
        Description =
            "Average the gradients of so many parts of each batch; with the same number, one process and any number of "
            + $"ranks compute the same bits [default: 1; with --distributed {DistributedMicroBatches}]",
        HelpName = "count",
    };

    public TrainCommand()
        : base("train", Summary)
    {
        modelOption.AcceptOnlyFromAmong("softmax", "mlp");
        backendOption.AcceptOnlyFromAmong(BackendChoice.Native, BackendChoice.Managed, BackendChoice.Cuda);
        Option[] options =
        [
            optimizersOption,
            ratesOption,
            schedulesOption,
            sweepOption,
            modelOption,
            hiddenOption,
            epochsOption,
            batchOption,
            seedOption,
            backendOption,
            distributedOption,
            microBatchesOption,
            dataOption,
            outputOption,
        ];
        foreach (var option in options)
        {
            Add(option);
        }

        // On a thread of its own, so that an interrupt from the keyboard is seen while it runs.
        SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
    }

    private void Run(ParseResult parsed, CancellationToken cancellation)
    {
        MathNetProvider.Require();
        using var world = parsed.GetValue(distributedOption) ? Communicator.World() : null;
        var plan = Plan(parsed, world);
        if (world is { Rank: > 0 })
        {
            plan.Execute(SilentObserver.Instance, cancellation);
            return;
        }

        var console = Terminal.For(parsed.InvocationConfiguration.Output);
        var folder = OutputFolder.Create(parsed.GetRequiredValue(outputOption));
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

        console.WriteLine($"Wrote {written} to {folder}");
    }

    private TrainingPlan Plan(ParseResult parsed, Communicator? world)
    {
        var sweep = parsed.GetValue(sweepOption);
        var optimizers =
            Selection.Given(
                parsed.GetValue(optimizersOption),
                OptimizerCatalogue.Find,
                "optimizer",
                OptimizerCatalogue.Plain.Select(o => o.Name)
            ) ?? (sweep ? OptimizerCatalogue.All : OptimizerCatalogue.Compared);
        var schedules =
            Selection.Given(
                parsed.GetValue(schedulesOption),
                ScheduleCatalogue.Find,
                "schedule",
                ScheduleCatalogue.All.Select(s => s.Name)
            ) ?? (sweep ? [ScheduleCatalogue.Constant, ScheduleCatalogue.FlatCosine] : [ScheduleCatalogue.FlatCosine]);
        var rates = parsed.GetValue(ratesOption) is { Length: > 0 } given
            ? Selection.Rates(given)
            : TrainingPlan.SweptRates;

        var model = parsed.GetRequiredValue(modelOption) is "mlp" ? ModelKind.Mlp : ModelKind.Softmax;
        var backend = BackendChoice.Single(parsed.GetRequiredValue(backendOption));
        var batch = Selection.AtLeastOne(parsed.GetRequiredValue(batchOption), "--batch");
        var microBatches = parsed.GetValue(microBatchesOption) is { } parts
            ? Selection.AtLeastOne(parts, "--micro-batches")
            : (world is null ? 1 : DistributedMicroBatches);
        if (world is not null && backend.Name is not BackendChoice.Native)
        {
            throw new UserErrorException(
                $"--distributed steps with the native library; --backend {backend.Name} is one process's."
            );
        }

        var hidden = Selection.AtLeastOne(parsed.GetRequiredValue(hiddenOption), "--hidden");
        var epochs = parsed.GetValue(epochsOption) is { } asked ? Selection.AtLeastOne(asked, "--epochs") : (int?)null;

        var data = parsed.GetValue(dataOption) is { } folder ? IdxFiles.Load(folder) : Digits.Load();
        var large = data.Training.Count > LargeData;
        var firstSeed = parsed.GetRequiredValue(seedOption);
        var seeds = Enumerable
            .Range(0, rates.Count > 1 && !large ? TrainingPlan.ComparedSeeds : 1)
            .Select(i => unchecked(firstSeed + i));
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
                MicroBatches = microBatches,
                World = world,
            };
        return new(data, [.. runs]);
    }

    private static string Epochs(TrainingRun run) => run.Epochs == 1 ? "1 epoch" : $"{run.Epochs} epochs";

    private static string Footnote(TrainingPlan plan, TrainingResult result)
    {
        var run = result.Run;
        var optimum = result.Optimum is { } value ? $"f* = {value:R} is the exact optimum. " : "";
        var seeds = plan.Runs.Select(r => r.Seed).Distinct().Count();
        var mean = seeds > 1 ? $"Means over {seeds} seeds. " : "";
        var parts = run.MicroBatches > 1 ? $" of {run.MicroBatches} micro-batches" : "";
        var ranks = run.World is { } world ? $", {world.Size} ranks over {world.Library}" : "";
        return $"{optimum}{mean}{Epochs(run)}, batch {run.BatchSize}{parts}, {run.Backend}{ranks}.";
    }
}
