namespace NativeRanger.PackageTest;

/// <summary>Where the repository has a public remote, symbols point to the sources there.</summary>
public sealed class SourceLinkTests : IDisposable
{
    private readonly FreshFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Symbols_point_to_the_commit_at_the_remote()
    {
        var project = Path.Combine(folder.Path, "src", "NativeRanger");
        Directory.CreateDirectory(project);
        foreach (var name in new[] { "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props" })
        {
            File.Copy(Path.Combine(Repository.Root, name), folder.File(name));
        }

        File.Copy(
            Path.Combine(Repository.Root, "src", "NativeRanger", "NativeRanger.csproj"),
            Path.Combine(project, "NativeRanger.csproj")
        );
        Git("init", "--quiet");
        Git("remote", "add", "origin", "https://github.com/example/optimizers.git");
        Git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--allow-empty", "--message=a");
        var commit = Git("rev-parse", "HEAD").Trim();

        Directory.CreateDirectory(Path.Combine(project, "symbols"));
        Shell.Run(
            project,
            "dotnet",
            "msbuild",
            "-target:GenerateSourceLinkFile",
            "-property:Configuration=Release",
            "-property:IntermediateOutputPath=symbols/"
        );

        var map = File.ReadAllText(Path.Combine(project, "symbols", "NativeRanger.sourcelink.json"));
        Assert.Contains(
            $"https://raw.githubusercontent.com/example/optimizers/{commit}/*",
            map,
            StringComparison.Ordinal
        );
        // The same path that the symbols name.
        Assert.Contains("\"/_/*\"", map, StringComparison.Ordinal);
    }

    private string Git(params string[] arguments) => Shell.Run(folder.Path, "git", arguments);
}
