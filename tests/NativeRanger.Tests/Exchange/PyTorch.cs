using System.Diagnostics;
using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Exchange;

/// <summary>Debian's PyTorch, where it is installed.</summary>
internal static class PyTorch
{
    private const string Python = "/usr/bin/python3";

    // Importing it takes seconds; this runs whenever tests are listed.
    public static bool IsInstalled =>
        File.Exists(Python) && File.Exists("/usr/lib/python3/dist-packages/torch/__init__.py");

    /// <summary>Runs tests/torch/exchange.py.</summary>
    public static void Run(string command, string folder)
    {
        var start = new ProcessStartInfo(Python)
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            ArgumentList =
            {
                "-W",
                "ignore",
                Path.Combine(Headers.Root, "tests", "torch", "exchange.py"),
                command,
                folder,
            },
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"exchange.py {command}: exit code {process.ExitCode}\n{error}");
    }
}

/// <summary>A theory that needs PyTorch.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PyTorchTheoryAttribute : TheoryAttribute
{
    public PyTorchTheoryAttribute() => Skip = PyTorchFactAttribute.Reason;
}

/// <summary>A fact that needs PyTorch.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PyTorchFactAttribute : FactAttribute
{
    public PyTorchFactAttribute() => Skip = Reason;

    internal static string? Reason =>
        PyTorch.IsInstalled ? null : "PyTorch is not installed: apt-get install python3-torch";
}
