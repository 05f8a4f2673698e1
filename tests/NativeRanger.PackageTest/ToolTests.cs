namespace NativeRanger.PackageTest;

/// <summary>The command line, installed as a tool.</summary>
public sealed class ToolTests : IDisposable
{
    private readonly FreshFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void It_installs_and_runs()
    {
        Shell.Run(
            folder.Path,
            "dotnet",
            ["tool", "install", "NativeRanger.Cli", "--version", Repository.Version, "--tool-path", folder.Path]
        );
        var tool = folder.File("nativeranger");

        Assert.Contains(folder.Path, Shell.Run(folder.Path, tool, "info"), StringComparison.Ordinal);
        Assert.Contains(
            " passed, 0 failed",
            Shell.Run(folder.Path, tool, "verify", "--isa", "scalar"),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "of the limit",
            Shell.Run(folder.Path, tool, "bench", "--algorithm", "sgd", "--bytes", "4KiB", "--threads", "1"),
            StringComparison.Ordinal
        );
    }
}
