using NativeRanger.Tests.Checkpoints;

namespace NativeRanger.Mpi.Tests.Launching;

/// <summary>The command train, under a launcher.</summary>
public sealed class TrainTests
{
    private static readonly string[] Command =
    [
        Worker.DotNet,
        Path.Combine(AppContext.BaseDirectory, "NativeRanger.Cli.dll"),
        "train",
        .. "--optimizer ranger --lr 0.03 --epochs 2 --micro-batches 3".Split(' '),
    ];

    [Theory]
    [On(Launcher.OpenMpi, 2)]
    [On(Launcher.OpenMpi, 4)]
    [On(Launcher.Mpich, 3)]
    public void Training_on_ranks_gives_the_results_of_one_process(string library, int ranks)
    {
        using var directory = new TemporaryDirectory();
        var (exitCode, alone) = Worker.Run(
            new Dictionary<string, string?>(StringComparer.Ordinal),
            [.. Command, "--output", directory.File("alone")]
        );
        Assert.True(exitCode == 0, alone);

        var launched = Launcher
            .Of(library)
            .Run(new() { Ranks = ranks }, [.. Command, "--distributed", "--output", directory.File("together")]);

        launched.Succeeded();
        foreach (var file in new[] { "loss.csv", "loss.svg" })
        {
            Assert.Equal(
                File.ReadAllText(Path.Combine(directory.File("alone"), file)),
                File.ReadAllText(Path.Combine(directory.File("together"), file))
            );
        }

        // Rank 0 alone reports.
        Assert.Single(launched.Lines, line => line.StartsWith("epoch 1/2", StringComparison.Ordinal));
        Assert.Single(launched.Lines, line => line.StartsWith("Wrote", StringComparison.Ordinal));
        Assert.Contains($"{ranks} ranks over", launched.Output, StringComparison.Ordinal);
    }

    [Theory]
    [On(Launcher.OpenMpi)]
    public void Without_a_usable_library_the_reason_is_one_line(string library)
    {
        var launched = Launcher
            .Of(library)
            .Run(
                new()
                {
                    Ranks = 1,
                    Environment = new Dictionary<string, string?>(StringComparer.Ordinal)
                    {
                        ["NATIVERANGER_MPI_LIBRARY"] = "libm.so.6",
                    },
                },
                [.. Command, "--distributed"]
            );

        Assert.NotEqual(0, launched.ExitCode);
        Assert.Contains(
            "nativeranger: No MPI library can be used: it has no MPI_Initialized",
            launched.Error + launched.Output,
            StringComparison.Ordinal
        );
    }
}
