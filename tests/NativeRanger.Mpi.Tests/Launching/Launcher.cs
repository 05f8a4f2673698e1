using System.Diagnostics;

namespace NativeRanger.Mpi.Tests.Launching;

/// <summary>The program that starts the ranks of one MPI library on this machine.</summary>
internal sealed class Launcher
{
    public const string OpenMpi = "Open MPI";
    public const string Mpich = "MPICH";

    /// <summary>Longer than any of the tests' programs takes that does not hang, on a busy machine.</summary>
    private static readonly TimeSpan patience = TimeSpan.FromMinutes(3);

    private static readonly Dictionary<string, Lazy<Launcher?>> all = new(StringComparer.Ordinal)
    {
        [OpenMpi] = new(() => Find(OpenMpi, "Open MPI", "Open RTE", "mpirun.openmpi", "mpirun", "mpiexec")),
        [Mpich] = new(() => Find(Mpich, "HYDRA", "HYDRA", "mpiexec.mpich", "mpiexec.hydra", "mpirun", "mpiexec")),
    };

    private readonly string program;

    private Launcher(string name, string program) => (Name, this.program) = (name, program);

    /// <summary>Whose it is.</summary>
    public string Name { get; }

    /// <summary>The launcher of a library, which is there.</summary>
    public static Launcher Of(string library) => all[library].Value!;

    /// <summary>Why the ranks of a library cannot be started here, or null.</summary>
    public static string? WhyNot(string library) =>
        all[library].Value is null ? $"The launcher of {library} is not installed (./build.sh --target=Mpi)." : null;

    /// <summary>Runs one of <see cref="WorkerCommands"/> on so many ranks.</summary>
    /// <param name="ranks">The number of ranks.</param>
    /// <param name="command">The name of the method.</param>
    /// <param name="arguments">Its arguments.</param>
    public Launched Run(int ranks, string command, params string[] arguments) =>
        Run(new() { Ranks = ranks }, Worker.Command(command, arguments));

    /// <summary>Runs a program on ranks.</summary>
    public Launched Run(Launch launch, params IEnumerable<string> commandLine)
    {
        using var process = Start(launch, commandLine);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{Name}: the program hangs.\n{output.Result}\n{error.Result}");
        }

        return new(process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Starts a program on ranks.</summary>
    public Process Start(Launch launch, params IEnumerable<string> commandLine)
    {
        string[] words = [.. launch.Prefix, program, .. Arguments(launch), .. commandLine];
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = AppContext.BaseDirectory,
        };
        foreach (var (name, value) in Environment.Concat(launch.Environment))
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    private IEnumerable<string> Arguments(Launch launch)
    {
        string[] common = ["-n", $"{launch.Ranks}"];
        return Name switch
        {
            // More ranks than processors, none bound to one; and a container may be one where everybody is root.
            OpenMpi =>
            [
                .. common,
                "--oversubscribe",
                "--bind-to",
                "none",
                .. launch.SurvivesRanks ? ["--enable-recovery"] : Array.Empty<string>(),
                .. launch.OpenMpiArguments,
            ],
            _ => [.. common, .. launch.SurvivesRanks ? ["-disable-auto-cleanup"] : Array.Empty<string>()],
        };
    }

    private static readonly Dictionary<string, string?> Environment = new(StringComparer.Ordinal)
    {
        ["OMPI_ALLOW_RUN_AS_ROOT"] = "1",
        ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1",
        // A container may forbid what Open MPI would read the memory of another rank with.
        ["OMPI_MCA_btl_vader_single_copy_mechanism"] = "none",
        // Waiting ranks let others run: there are more of them than processors.
        ["OMPI_MCA_mpi_yield_when_idle"] = "1",
        // Neither dumps nor the test host's hooks are wanted in a process that is meant to fail.
        // A rank's output may be a terminal's, which .NET would write control sequences to.
        ["TERM"] = "dumb",
        ["DOTNET_STARTUP_HOOKS"] = null,
        ["DOTNET_DbgEnableMiniDump"] = "0",
        ["NATIVERANGER_MPI_LIBRARY"] = null,
    };

    private static Launcher? Find(string name, string announcement, string other, params string[] programs) =>
        programs
            .Select(p => (Program: p, Version: Version(p)))
            .Where(p =>
                p.Version.Contains(announcement, StringComparison.Ordinal)
                || p.Version.Contains(other, StringComparison.Ordinal)
                || p.Version.Contains(other.Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal)
            )
            .Select(p => new Launcher(name, p.Program))
            .FirstOrDefault();

    private static string Version(string program)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, "--version")
                {
                    UseShellExecute = false,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                }
            )!;
            var text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return text;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }
}

/// <summary>How ranks are started.</summary>
internal sealed record Launch
{
    public required int Ranks { get; init; }

    /// <summary>Whether the launcher leaves the other ranks alone when one dies; it ends them all otherwise.</summary>
    public bool SurvivesRanks { get; init; }

    /// <summary>Variables of the environment; null removes one.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } =
        new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>What starts the launcher, where that is a program of its own.</summary>
    public IReadOnlyList<string> Prefix { get; init; } = [];

    /// <summary>More arguments, of Open MPI's launcher only.</summary>
    public IReadOnlyList<string> OpenMpiArguments { get; init; } = [];
}

/// <summary>What came of a run of ranks.</summary>
internal sealed record Launched(int ExitCode, string Output, string Error)
{
    /// <summary>The lines that the ranks of a run that succeeded have written, sorted.</summary>
    public string[] Succeeded()
    {
        Assert.True(ExitCode == 0, ToString());
        return Lines;
    }

    /// <summary>The lines that the ranks have written, sorted.</summary>
    public string[] Lines =>
        [.. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];

    public override string ToString() => $"exit code {ExitCode}\n{Output}\n{Error}";
}
