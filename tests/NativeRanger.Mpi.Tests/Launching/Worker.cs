using System.Diagnostics;

namespace NativeRanger.Mpi.Tests.Launching;

/// <summary>The tests' own program, as a launcher starts it on every rank.</summary>
internal static class Worker
{
    /// <summary>The exit code of a process that was killed.</summary>
    public const int Killed = 128 + 9;

    /// <summary>Runs a command line as a process of its own, which is no rank.</summary>
    public static (int ExitCode, string Output) Run(
        IReadOnlyDictionary<string, string?> environment,
        IEnumerable<string> commandLine
    )
    {
        var words = commandLine.ToArray();
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Neither dumps nor the test host's hooks are wanted in a process that is meant to fail.
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        start.Environment.Remove("DOTNET_STARTUP_HOOKS");
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }

    /// <summary>The command line of one of <see cref="WorkerCommands"/>.</summary>
    public static IEnumerable<string> Command(string command, params IEnumerable<string> arguments) =>
        [DotNet, Path.Combine(AppContext.BaseDirectory, "NativeRanger.Mpi.Tests.dll"), command, .. arguments];

    internal static int Main(string[] arguments)
    {
        var command = typeof(WorkerCommands).GetMethod(arguments[0]);
        if (command is null)
        {
            Console.Error.WriteLine($"There is no command {arguments[0]}. Run the tests with dotnet test.");
            return 2;
        }

        try
        {
            command.Invoke(null, [.. arguments.Skip(1)]);
            return 0;
        }
        catch (System.Reflection.TargetInvocationException thrown)
        {
            Console.Error.WriteLine(thrown.InnerException);
            return 1;
        }
    }

    public static string DotNet =>
        Environment.ProcessPath is { } host
        && string.Equals(Path.GetFileNameWithoutExtension(host), "dotnet", StringComparison.Ordinal)
            ? host
            : "dotnet";
}
