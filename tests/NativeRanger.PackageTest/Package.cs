using System.IO.Compression;
using System.Xml.Linq;

namespace NativeRanger.PackageTest;

/// <summary>A package as the target Pack wrote it.</summary>
internal sealed class Package
{
    private readonly Dictionary<string, byte[]> files = new(StringComparer.Ordinal);

    private Package(string path)
    {
        using var archive = ZipFile.OpenRead(path);
        foreach (var entry in archive.Entries)
        {
            using var content = entry.Open();
            using var copy = new MemoryStream();
            content.CopyTo(copy);
            files.Add(entry.FullName, copy.ToArray());
        }
    }

    /// <summary>The identifiers of all packages.</summary>
    public static IReadOnlyList<string> Identifiers { get; } =
    ["NativeRanger", "NativeRanger.Numerics", "NativeRanger.Mpi", "NativeRanger.Cli"];

    /// <summary>The paths of what the package holds, without the files that describe the container.</summary>
    public IEnumerable<string> Contents =>
        files.Keys.Where(name =>
            !name.StartsWith("_rels/", StringComparison.Ordinal)
            && !name.StartsWith("package/", StringComparison.Ordinal)
            && !name.EndsWith(".nuspec", StringComparison.Ordinal)
            && name is not "[Content_Types].xml"
        );

    /// <summary>All files, the container's own included.</summary>
    public IReadOnlyDictionary<string, byte[]> Files => files;

    public byte[] this[string path] => files[path];

    /// <summary>What the package says about itself.</summary>
    public XElement Metadata
    {
        get
        {
            var (_, content) = files.Single(file => file.Key.EndsWith(".nuspec", StringComparison.Ordinal));
            using var stream = new MemoryStream(content);
            return XDocument.Load(stream).Root!.Elements().Single(e => e.Name.LocalName is "metadata");
        }
    }

    /// <summary>A value of the metadata; null where it is not there.</summary>
    public string? Say(string name) =>
        Metadata.Elements().FirstOrDefault(e => string.Equals(e.Name.LocalName, name, StringComparison.Ordinal))?.Value;

    public static Package Open(string identifier) => Open(identifier, "nupkg");

    public static Package Symbols(string identifier) => Open(identifier, "snupkg");

    private static Package Open(string identifier, string extension)
    {
        var path = Path.Combine(Repository.Feed, $"{identifier}.{Repository.Version}.{extension}");
        return File.Exists(path)
            ? new(path)
            : throw new FileNotFoundException($"{path} is missing: run ./build.sh --target=Pack.", path);
    }
}
