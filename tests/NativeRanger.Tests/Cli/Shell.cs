using NativeRanger.Cli.Commands;

namespace NativeRanger.Tests.Cli;

/// <summary>What a command printed and returned.</summary>
internal sealed record Shell(int ExitCode, string Output, string Error)
{
    public static Shell Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = CommandLine.Run(arguments, output, error);
        return new(code, output.ToString(), error.ToString());
    }

    /// <summary>The lines of the output, empty ones left out.</summary>
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
