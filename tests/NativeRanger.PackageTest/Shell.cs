using System.Diagnostics;
using System.Text;

namespace NativeRanger.PackageTest;

/// <summary>Runs programs as a user of the packages would: nothing of this process' environment steers them.</summary>
internal static class Shell
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Runs a program in a folder and returns what it wrote; fails where it does.</summary>
    public static string Run(string folder, string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(IsOfTheBuild).ToArray())
        {
            start.Environment.Remove(name);
        }

        // The packages come from the feed into a folder of their own: one restored earlier must not be taken for them.
        start.Environment["NUGET_PACKAGES"] = Path.Combine(folder, ".packages");
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        // Compilers that outlive the command would keep its output open.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";

        var output = new StringBuilder();
        using var process = new Process { StartInfo = start };
        process.OutputDataReceived += Collect;
        process.ErrorDataReceived += Collect;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
        }

        // Without a time limit it also waits for the rest of the output.
        process.WaitForExit();

        lock (output)
        {
            var text = output.ToString();
            Assert.True(
                process.ExitCode == 0,
                $"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}\n{text}"
            );
            return text;
        }

        void Collect(object sender, DataReceivedEventArgs e)
        {
            lock (output)
            {
                output.Append(e.Data).Append('\n');
            }
        }
    }

    private static bool IsOfTheBuild(string name) =>
        name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("NATIVERANGER", StringComparison.Ordinal)
        || name.StartsWith("VSTEST", StringComparison.Ordinal)
        || name.StartsWith("CORECLR_", StringComparison.Ordinal)
        || name.StartsWith("COVERLET", StringComparison.OrdinalIgnoreCase);
}
