using System.Runtime.InteropServices;
using NativeRanger.Tests.Checkpoints;

namespace NativeRanger.Mpi.Tests.Launching;

/// <summary>Ranks that are processes, over the MPI libraries that are installed.</summary>
public sealed class DistributedTests
{
    [Theory]
    [On(Launcher.OpenMpi, 1)]
    [On(Launcher.OpenMpi, 2)]
    [On(Launcher.OpenMpi, 3)]
    [On(Launcher.OpenMpi, 4)]
    [On(Launcher.OpenMpi, 7)]
    [On(Launcher.Mpich, 1)]
    [On(Launcher.Mpich, 2)]
    [On(Launcher.Mpich, 3)]
    [On(Launcher.Mpich, 4)]
    [On(Launcher.Mpich, 7)]
    public void Any_number_of_ranks_gives_the_bits_of_one_process(string library, int ranks)
    {
        var lines = Launcher.Of(library).Run(ranks, nameof(WorkerCommands.CompareBits)).Succeeded();

        Assert.Equal(
            Enumerable.Range(0, ranks).Select(r => $"rank {r} of {ranks}: the same bits"),
            lines,
            StringComparer.Ordinal
        );
    }

    [Theory]
    [On(Launcher.OpenMpi)]
    [On(Launcher.Mpich)]
    public void The_librarys_own_reductions_add_up(string library)
    {
        var lines = Launcher.Of(library).Run(3, nameof(WorkerCommands.CompareFast)).Succeeded();

        Assert.Equal(Enumerable.Range(0, 3).Select(r => $"rank {r}: the same sums"), lines, StringComparer.Ordinal);
    }

    [Theory]
    [On(Launcher.OpenMpi)]
    [On(Launcher.Mpich)]
    public void One_binary_serves_the_library_of_the_launcher(string library)
    {
        var lines = Launcher.Of(library).Run(3, nameof(WorkerCommands.Describe)).Succeeded();

        Assert.Equal(3, lines.Count(l => l.Contains($"of 3 over {library}", StringComparison.OrdinalIgnoreCase)));
        Assert.Equal(3, lines.Count(l => l.Contains("survived a null reference", StringComparison.Ordinal)));
    }

    [Theory]
    [On(Launcher.OpenMpi, "libmpich.so.12")]
    [On(Launcher.Mpich, "libmpi.so.40")]
    public void A_library_that_is_not_the_launchers_is_noticed(string library, string other)
    {
        if (!NativeLibrary.TryLoad(other, out _))
        {
            // There is only one library here, which is the launcher's.
            return;
        }

        var launched = Launcher
            .Of(library)
            .Run(
                new()
                {
                    Ranks = 2,
                    Environment = new Dictionary<string, string?>(StringComparer.Ordinal)
                    {
                        ["NATIVERANGER_MPI_LIBRARY"] = other,
                    },
                },
                Worker.Command(nameof(WorkerCommands.Describe))
            );

        Assert.NotEqual(0, launched.ExitCode);
        Assert.Contains(
            "The launcher does not fit the MPI library: a launcher started 2 processes",
            launched.ToString(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [On(Launcher.OpenMpi)]
    [On(Launcher.Mpich)]
    public void Fault_77_a_rank_that_is_stuck_in_a_step_is_named_by_the_others(string library)
    {
        using var directory = new TemporaryDirectory();
        var launched = Launcher.Of(library).Run(3, nameof(WorkerCommands.LoseARank), "-STOP", "5", directory.Path);

        Assert.NotEqual(0, launched.ExitCode);
        AssertRank1IsMissed(directory, launched);
    }

    [Theory]
    [On(Launcher.OpenMpi)]
    public void Fault_77_a_rank_that_dies_in_a_step_is_named_by_the_others_where_the_launcher_lets_them(string library)
    {
        using var directory = new TemporaryDirectory();
        var launched = Launcher
            .Of(library)
            .Run(
                new() { Ranks = 3, SurvivesRanks = true },
                Worker.Command(nameof(WorkerCommands.LoseARank), "-KILL", "5", directory.Path)
            );

        AssertRank1IsMissed(directory, launched);
    }

    [Theory]
    [On(Launcher.OpenMpi)]
    [On(Launcher.Mpich)]
    public void Fault_77_a_rank_that_dies_in_a_step_ends_the_run(string library)
    {
        using var directory = new TemporaryDirectory();
        var launched = Launcher.Of(library).Run(3, nameof(WorkerCommands.LoseARank), "-KILL", "60", directory.Path);

        Assert.NotEqual(0, launched.ExitCode);
        Assert.DoesNotContain(launched.Lines, l => l.EndsWith("stepped", StringComparison.Ordinal));
    }

    private static void AssertRank1IsMissed(TemporaryDirectory directory, Launched launched)
    {
        foreach (var rank in new[] { 0, 2 })
        {
            var report = WorkerCommands.ReportOf(directory.Path, rank);
            Assert.True(File.Exists(report), launched.ToString());
            Assert.StartsWith(
                "RankTimeoutException: During Step, rank 1 did not come;",
                File.ReadAllText(report),
                StringComparison.Ordinal
            );
        }
    }
}
