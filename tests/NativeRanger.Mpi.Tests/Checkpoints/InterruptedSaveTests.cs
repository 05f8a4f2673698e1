using NativeRanger.Mpi.Tests.Launching;
using NativeRanger.Mpi.Tests.Support;
using NativeRanger.Tests.Checkpoints;

namespace NativeRanger.Mpi.Tests.Checkpoints;

/// <summary>A save during which a rank dies leaves the old checkpoint or the new one, whole.</summary>
public sealed class InterruptedSaveTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Fault_65_a_rank_that_dies_at_any_call_of_a_save(int rank)
    {
        for (var at = 1; ; at++)
        {
            using var directory = new TemporaryDirectory();
            using var library = new TemporaryDirectory();
            var path = directory.File("run");
            var (exitCode, output) = Worker.Run(
                FileCalls.Environment(library.Path),
                Worker.Command(nameof(WorkerCommands.DieWhileSaving), path, $"{rank}", $"{at}")
            );
            RequireOldOrNew(directory, path, mayBeNew: rank == 0 || exitCode == 0);
            if (exitCode == 0)
            {
                Assert.True(at > 5, output);
                return;
            }

            Assert.True(exitCode == Worker.Killed, output);
        }
    }

    [Theory]
    [On(Launcher.OpenMpi)]
    [On(Launcher.Mpich)]
    public void A_rank_that_is_killed_in_the_middle_of_a_save(string library)
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("run");

        var launched = Launcher.Of(library).Run(3, nameof(WorkerCommands.KillWhileSaving), path);

        Assert.NotEqual(0, launched.ExitCode);
        Assert.DoesNotContain("saved", launched.Output, StringComparison.Ordinal);
        RequireOldOrNew(directory, path, mayBeNew: false);
    }

    [Theory]
    [On(Launcher.OpenMpi)]
    [On(Launcher.Mpich)]
    public void Fault_78_four_ranks_save_and_three_one_and_two_go_on(string library)
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("run");
        var launcher = Launcher.Of(library);
        foreach (var (ranks, first) in new[] { 4, 3, 1, 2 }.Select((ranks, i) => (ranks, i)))
        {
            launcher.Run(ranks, nameof(WorkerCommands.StepAndSave), path, $"{first}", $"{first + 1}").Succeeded();
        }

        var alone = Saved.Problem.RunAlone(Saved.Recipe);
        Assert.Null(alone.DifferenceTo(Saved.Problem.ResumeAlone(Saved.Recipe, path, 4..)));
    }

    private static void RequireOldOrNew(TemporaryDirectory directory, string path, bool mayBeNew)
    {
        var parameters = Saved.Parameters();
        using (var stepper = Saved.Recipe.Resume(parameters, path))
        {
            Assert.InRange(stepper.StepCount, 1, mayBeNew ? 2 : 1);
            Assert.Equal(Saved.After((int)stepper.StepCount), parameters[0].Slice(0, Saved.Length).ToArray());
            stepper.Save(path);
        }

        // What the dead have left behind is gone after the next save.
        Assert.Equal("run", directory.Names);
    }
}
