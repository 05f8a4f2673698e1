using NativeRanger.Tests.Checkpoints;

namespace NativeRanger.Mpi.Tests.Launching;

/// <summary>Ranks on two hosts, with a network between them that can be cut.</summary>
public sealed class TwoHostsTests
{
    [TwoHostsFact]
    public void Two_hosts_step_to_the_bits_of_one_process()
    {
        using var hosts = TwoHosts.Create();
        var lines = Launcher
            .Of(Launcher.OpenMpi)
            .Run(hosts.Launch, Worker.Command(nameof(WorkerCommands.CompareBits)))
            .Succeeded();

        Assert.Equal(["rank 0 of 2: the same bits", "rank 1 of 2: the same bits"], lines, StringComparer.Ordinal);
    }

    [TwoHostsFact]
    public void Fault_77_a_cut_link_ends_in_a_message_on_both_sides()
    {
        using var hosts = TwoHosts.Create();
        using var directory = new TemporaryDirectory();
        using var process = Launcher
            .Of(Launcher.OpenMpi)
            .Start(hosts.Launch, Worker.Command(nameof(WorkerCommands.LoseTheLink), directory.Path, "2"));
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            Await("ready-0", "ready-1");
            hosts.Cut();
            File.WriteAllText(directory.File("cut"), "");
            Await("lost-0", "lost-1");
        }
        finally
        {
            // The launcher cannot reach the other host either.
            process.Kill(entireProcessTree: true);
        }

        foreach (var rank in new[] { 0, 1 })
        {
            var message = File.ReadAllText(directory.File($"lost-{rank}"));
            Assert.StartsWith(
                $"RankTimeoutException: During Step, rank {1 - rank} did not come; rank {rank} of 2 waited",
                message,
                StringComparison.Ordinal
            );
        }

        void Await(params string[] files)
        {
            var done = SpinWait.SpinUntil(
                () => process.HasExited || files.All(f => File.Exists(directory.File(f))),
                TimeSpan.FromMinutes(2)
            );
            Assert.True(
                done && !process.HasExited,
                $"{string.Join(", ", files)}: {(process.HasExited ? output.Result + error.Result : "in vain")}"
            );
        }
    }
}
