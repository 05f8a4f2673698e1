using System.Diagnostics;
using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Support;

/// <summary>The tests' own program, started as a process of its own: to be killed, misled or starved.</summary>
internal sealed record Child(int ExitCode, string Output, string Error)
{
    /// <summary>The exit code of a process that was killed.</summary>
    public const int Killed = 128 + 9;

    /// <summary>The libraries that faults are provoked with.</summary>
    public static string Helper(string library) =>
        Path.Combine(Headers.Root, "artifacts", "native", "linux-x64", "tests", $"lib{library}.so");

    /// <summary>Runs one of <see cref="ChildCommands"/> to its end.</summary>
    /// <param name="command">The name of the method.</param>
    /// <param name="arguments">Its arguments.</param>
    public static Child Run(string command, params IEnumerable<string> arguments) =>
        new Start(command, [.. arguments]).Run();

    /// <summary>How a child is started.</summary>
    internal sealed record Start(string Command, params string[] Arguments)
    {
        /// <summary>Variables of its environment; null removes one.</summary>
        public Dictionary<string, string?> Environment { get; } = new(StringComparer.Ordinal);

        /// <summary>A program that starts it, with arguments.</summary>
        public string[] Prefix { get; init; } = [];

        /// <summary>Where it starts.</summary>
        public string WorkingDirectory { get; init; } = AppContext.BaseDirectory;

        /// <summary>Where its assemblies are.</summary>
        public string Application { get; init; } = AppContext.BaseDirectory;

        public Child Run()
        {
            using var process = Begin();
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return new(process.ExitCode, output.TrimEnd(), error.GetAwaiter().GetResult().TrimEnd());
        }

        /// <summary>Starts it, to be waited for or killed.</summary>
        public Process Begin()
        {
            string[] command =
            [
                .. Prefix,
                DotNet,
                Path.Combine(Application, "NativeRanger.Tests.dll"),
                Command,
                .. Arguments,
            ];
            var start = new ProcessStartInfo(command[0], command[1..])
            {
                WorkingDirectory = WorkingDirectory,
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            // Neither dumps nor the test host's hooks are wanted in a process that is meant to fail.
            start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
            start.Environment.Remove("DOTNET_STARTUP_HOOKS");
            foreach (var (name, value) in Environment)
            {
                start.Environment[name] = value;
            }

            return Process.Start(start)!;
        }

        private static string DotNet =>
            System.Environment.ProcessPath is { } host
            && string.Equals(Path.GetFileNameWithoutExtension(host), "dotnet", StringComparison.Ordinal)
                ? host
                : "dotnet";
    }

    /// <summary>The output of a child that succeeded.</summary>
    public string Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Output}\n{Error}");
        return Output;
    }

    /// <summary>Copies what <see cref="ChildCommands"/> need into a folder: an application without the native library.</summary>
    public static void Deploy(string folder)
    {
        foreach (
            var file in new[]
            {
                "NativeRanger.Tests.dll",
                "NativeRanger.Tests.runtimeconfig.json",
                "NativeRanger.dll",
                "NativeRanger.Numerics.dll",
                "MathNet.Numerics.dll",
            }
        )
        {
            File.Copy(Path.Combine(AppContext.BaseDirectory, file), Path.Combine(folder, file));
        }
    }

    internal static int Main(string[] arguments)
    {
        var command = typeof(ChildCommands).GetMethod(arguments[0]);
        if (command is null)
        {
            Console.Error.WriteLine($"There is no command {arguments[0]}. Run the tests with dotnet test.");
            return 2;
        }

        try
        {
            command.Invoke(null, [.. arguments.Skip(1)]);
            return Environment.ExitCode;
        }
        catch (System.Reflection.TargetInvocationException thrown)
        {
            Console.Error.WriteLine(thrown.InnerException);
            return 1;
        }
    }
}
