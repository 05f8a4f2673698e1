using System.Reflection;

namespace NativeRanger.Cli.Verification;

/// <summary>Where a trace can be read.</summary>
/// <param name="Name">The name of the file, without folder and extension.</param>
/// <param name="Open">Opens it.</param>
internal sealed record TraceFile(string Name, Func<Stream> Open)
{
    private const string ResourcePrefix = "traces/";
    private static readonly string[] Extensions = [".json.gz", ".json"];

    /// <summary>The traces that are built in, by name.</summary>
    public static IReadOnlyList<TraceFile> BuiltIn()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return
        [
            .. assembly
                .GetManifestResourceNames()
                .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(name => new TraceFile(
                    NameOf(name[ResourcePrefix.Length..])!,
                    () => assembly.GetManifestResourceStream(name)!
                )),
        ];
    }

    /// <summary>The traces (*.json, *.json.gz) of a folder, by name.</summary>
    /// <exception cref="UserErrorException">There is no such folder, or no trace in it.</exception>
    public static IReadOnlyList<TraceFile> InFolder(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new UserErrorException($"There is no folder '{folder}'.");
        }

        var files = Directory
            .EnumerateFiles(folder)
            .Where(path => NameOf(Path.GetFileName(path)) is not null)
            .Order(StringComparer.Ordinal)
            .Select(path => new TraceFile(NameOf(Path.GetFileName(path))!, () => File.OpenRead(path)))
            .ToArray();
        return files.Length > 0
            ? files
            : throw new UserErrorException($"The folder '{folder}' holds no trace (*.json or *.json.gz).");
    }

    private static string? NameOf(string file) =>
        Extensions.FirstOrDefault(extension => file.EndsWith(extension, StringComparison.Ordinal)) is { } extension
            ? file[..^extension.Length]
            : null;
}
