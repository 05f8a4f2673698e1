using System.Xml.Linq;

namespace NativeRanger.PackageTest;

/// <summary>A folder outside the repository whose packages come from the feed, gone after the test.</summary>
public class FreshFolder : IDisposable
{
    public FreshFolder()
    {
        var configuration = new XElement(
            "configuration",
            new XElement(
                "packageSources",
                new XElement("clear"),
                new XElement("add", new XAttribute("key", "feed"), new XAttribute("value", Repository.Feed))
            ),
            // What the packages depend on was restored with the solution.
            new XElement(
                "fallbackPackageFolders",
                new XElement("clear"),
                new XElement(
                    "add",
                    new XAttribute("key", "restored"),
                    new XAttribute("value", Repository.RestoredPackages)
                )
            )
        );
        System.IO.File.WriteAllText(File("nuget.config"), configuration.ToString());
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("nativeranger-package-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        Directory.Delete(Path, recursive: true);
        GC.SuppressFinalize(this);
    }
}
