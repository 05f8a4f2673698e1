using System.Diagnostics;
using Spectre.Console;

namespace NativeRanger.Cli.Training;

/// <summary>Shows how training goes: a bar on a terminal, plain lines elsewhere.</summary>
internal static class TrainingProgress
{
    /// <summary>Executes a plan and shows its progress.</summary>
    public static IReadOnlyList<TrainingResult> Show(
        IAnsiConsole console,
        TrainingPlan plan,
        CancellationToken cancellation
    )
    {
        if (!console.Profile.Capabilities.Interactive)
        {
            return plan.Execute(new PlainProgress(console, plan), cancellation);
        }

        return console
            .Progress()
            .Columns(
                new ProgressBarColumn(),
                new PercentageColumn(),
                new RemainingTimeColumn(),
                new TaskDescriptionColumn { Alignment = Justify.Left }
            )
            .Start(context =>
                plan.Execute(new LiveProgress(context.AddTask("training", maxValue: plan.Epochs)), cancellation)
            );
    }

    private sealed class LiveProgress(ProgressTask task) : ITrainingObserver
    {
        public void AfterEpoch(TrainingRun run, LossPoint point)
        {
            task.Description = Markup.Escape(
                $"loss {point.Loss:0.0000}  {run.Optimizer.Label}, rate {run.LearningRate}, epoch {point.Epoch}/{run.Epochs}"
            );
            task.Increment(1);
        }

        public void AfterRun(TrainingResult result) { }
    }

    /// <summary>A line per epoch of a single run, a line per run of many.</summary>
    private sealed class PlainProgress(IAnsiConsole console, TrainingPlan plan) : ITrainingObserver
    {
        private readonly Lock gate = new();
        private readonly long start = Stopwatch.GetTimestamp();
        private long epochs;
        private int runs;

        public void AfterEpoch(TrainingRun run, LossPoint point)
        {
            lock (gate)
            {
                epochs++;
                if (plan.Runs.Count == 1)
                {
                    console.WriteLine(
                        $"epoch {point.Epoch}/{run.Epochs}  step {point.Step}  loss {point.Loss:0.000000}  {Remaining()}"
                    );
                }
            }
        }

        public void AfterRun(TrainingResult result)
        {
            lock (gate)
            {
                runs++;
                if (plan.Runs.Count > 1)
                {
                    console.WriteLine(
                        $"run {runs}/{plan.Runs.Count}  {result.Run}  loss {result.FinalLoss:0.000000}  {Remaining()}"
                    );
                }
            }
        }

        private string Remaining()
        {
            var remaining = Stopwatch.GetElapsedTime(start) * ((double)(plan.Epochs - epochs) / epochs);
            return $"ETA {remaining:mm\\:ss}";
        }
    }
}
