namespace NativeRanger.Tests.Checkpoints;

/// <summary>An empty directory for one test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("nativeranger-").FullName;

    /// <summary>The names in it, sorted, with a space between; hidden files included.</summary>
    public string Names =>
        string.Join(
            ' ',
            new DirectoryInfo(Path).EnumerateFileSystemInfos().Select(f => f.Name).Order(StringComparer.Ordinal)
        );

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
