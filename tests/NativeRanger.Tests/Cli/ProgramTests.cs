using System.Reflection;
using NativeRanger.Bindings;
using NativeRanger.Cli;
using NativeRanger.Cli.Commands;
using NativeRanger.Samples;
using NativeRanger.Tests.Checkpoints;
using NativeRanger.Tests.Runtime;

namespace NativeRanger.Tests.Cli;

/// <summary>The programs from their entry points: exit codes, and what is said where.</summary>
[Collection(nameof(WholeProcess))]
public sealed class ProgramTests
{
    private static (int ExitCode, string Output, string Error) Run(Assembly program, params string[] arguments)
    {
        var (output, error) = (Console.Out, Console.Error);
        using var written = new StringWriter();
        using var complained = new StringWriter();
        Console.SetOut(written);
        Console.SetError(complained);
        try
        {
            var returned = program.EntryPoint!.Invoke(null, [arguments]);
            return ((int)returned!, written.ToString(), complained.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    [Fact]
    public void The_command_line_has_help()
    {
        var (exitCode, output, _) = Run(typeof(CommandLine).Assembly, "--help");
        Assert.Equal(0, exitCode);
        Assert.Contains("train", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("likelihood", 0)]
    [InlineData("nonsense", 2)]
    public void Samples_are_run_by_name(string name, int expected)
    {
        var (exitCode, output, error) = Run(typeof(MaximumLikelihood).Assembly, name);
        Assert.Equal(expected, exitCode);
        Assert.Contains(expected == 0 ? "" : "factorisation", error, StringComparison.Ordinal);
        Assert.Equal(expected == 0, output.Length > 0);
    }

    [Theory]
    [InlineData("managed")]
    [InlineData("native")]
    public void Backends_are_chosen_by_name(string name) =>
        Assert.Equal(name, BackendChoice.Single(name).Name, StringComparer.Ordinal);

    [Fact]
    public void Bindings_are_written_from_response_files()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory.File("few.h"), "#include <stdint.h>\nint32_t few(void);\n");
        File.WriteAllText(
            directory.File("few.rsp"),
            $"--file\n{directory.File("few.h")}\n--output\n{directory.File("Few.cs")}\n--namespace\nA\n--methodClassName\nFew\n--libraryPath\nfew\n"
        );
        var (exitCode, _, error) = Run(typeof(Generator).Assembly, directory.File("few.rsp"));
        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        Assert.Contains("few()", File.ReadAllText(directory.File("Few.cs")), StringComparison.Ordinal);

        File.Delete(directory.File("few.h"));
        (exitCode, _, error) = Run(typeof(Generator).Assembly, directory.File("few.rsp"));
        Assert.Equal(1, exitCode);
        Assert.Contains("few.h", error, StringComparison.Ordinal);

        (exitCode, _, error) = Run(typeof(Generator).Assembly, "no.rsp");
        Assert.Equal(1, exitCode);
        Assert.Contains("no.rsp", error, StringComparison.Ordinal);

        (exitCode, _, error) = Run(typeof(Generator).Assembly);
        Assert.Equal(2, exitCode);
        Assert.Contains("response file", error, StringComparison.Ordinal);
    }
}
