using System.Diagnostics;
using NativeRanger.Tests.Checkpoints;

namespace NativeRanger.Mpi.Tests.Launching;

/// <summary>Two hosts that are network namespaces of this machine, and the link between them.</summary>
internal sealed class TwoHosts : IDisposable
{
    private const string Addresses = "10.77.0.0/24";
    private static readonly string[] addresses = ["10.77.0.1", "10.77.0.2"];
    private static readonly Lazy<string?> whyNot = new(TryOut);

    private readonly string[] names = [$"nr{Environment.ProcessId}a", $"nr{Environment.ProcessId}b"];
    private readonly TemporaryDirectory directory = new();

    private TwoHosts() { }

    /// <summary>Why there cannot be any here, or null.</summary>
    public static string? WhyNot => whyNot.Value;

    /// <summary>One rank on each.</summary>
    public Launch Launch =>
        new()
        {
            Ranks = 2,
            Prefix = ["ip", "netns", "exec", names[0]],
            OpenMpiArguments =
            [
                .. $"--host {addresses[0]}:1,{addresses[1]}:1 --mca plm_rsh_agent".Split(' '),
                $"sh {directory.File("agent")}",
                .. $"--mca btl tcp,self --mca btl_tcp_if_include {Addresses} --mca oob_tcp_if_include {Addresses}".Split(
                    ' '
                ),
            ],
        };

    public static TwoHosts Create()
    {
        var hosts = new TwoHosts();
        try
        {
            foreach (var name in hosts.names)
            {
                Ip($"netns add {name}");
            }

            Ip(
                $"link add {hosts.names[0]} netns {hosts.names[0]} type veth peer name {hosts.names[1]} netns {hosts.names[1]}"
            );
            foreach (var (name, address) in hosts.names.Zip(addresses))
            {
                Ip($"-n {name} address add {address}/24 dev {name}");
                Ip($"-n {name} link set lo up");
                Ip($"-n {name} link set {name} up");
            }

            // What Open MPI calls instead of ssh: the host's name, and the command that is to run there.
            var agent = hosts.directory.File("agent");
            File.WriteAllText(agent, $"#!/bin/sh\nshift\nexec ip netns exec {hosts.names[1]} sh -c \"$*\"\n");
            return hosts;
        }
        catch
        {
            hosts.Dispose();
            throw;
        }
    }

    /// <summary>Cuts the link: nothing arrives any more, and nobody is told.</summary>
    public void Cut() => Ip($"-n {names[0]} link set {names[0]} down");

    public void Dispose()
    {
        foreach (var name in names)
        {
            _ = TryIp($"netns delete {name}");
        }

        directory.Dispose();
    }

    private static string? TryOut()
    {
        try
        {
            Create().Dispose();
            return null;
        }
        catch (Exception refused) when (refused is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"Network namespaces cannot be made here: {refused.Message}";
        }
    }

    private static void Ip(string arguments)
    {
        if (TryIp(arguments) is { } error)
        {
            throw new InvalidOperationException($"ip {arguments}: {error}");
        }
    }

    private static string? TryIp(string arguments)
    {
        var start = new ProcessStartInfo("ip", arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : error.Trim();
    }
}

/// <summary>A test on two hosts; skipped, with the reason, where they or Open MPI are not to be had.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TwoHostsFactAttribute : FactAttribute
{
    public TwoHostsFactAttribute() => Skip = Launcher.WhyNot(Launcher.OpenMpi) ?? TwoHosts.WhyNot;
}
