using System.Reflection;

namespace NativeRanger.PackageTest;

/// <summary>Where things are, and what the build was told.</summary>
internal static class Repository
{
    /// <summary>The root of the repository.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder that the target Pack writes to.</summary>
    public static string Feed { get; } = Path.Combine(Root, "artifacts", "packages");

    /// <summary>The version of every package.</summary>
    public static string Version { get; } = Metadata("PackageVersion");

    /// <summary>The folder of the packages that the build restored.</summary>
    public static string RestoredPackages { get; } = Metadata("RestoredPackages");

    /// <summary>The runtime identifier of this machine.</summary>
    public static string RuntimeIdentifier { get; } = Metadata("RuntimeIdentifier");

    private static string Metadata(string key) =>
        typeof(Repository)
            .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(attribute => string.Equals(attribute.Key, key, StringComparison.Ordinal))
            .Value!;

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "NativeRanger.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds NativeRanger.sln.");
    }
}
