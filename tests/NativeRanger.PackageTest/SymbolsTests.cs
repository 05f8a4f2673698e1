using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;

namespace NativeRanger.PackageTest;

/// <summary>Symbols belong to their assemblies, bring the sources, and know nothing of the building machine.</summary>
public sealed class SymbolsTests
{
    /// <summary>The kinds of custom debug information, as the Portable PDB specification has them.</summary>
    private static readonly Guid EmbeddedSource = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");

    public static TheoryData<string> All { get; } = [.. Package.Identifiers];

    [Theory]
    [MemberData(nameof(All))]
    public void Every_assembly_of_ours_has_its_symbols(string identifier)
    {
        foreach (var (name, content) in Assemblies(identifier))
        {
            using var assembly = new PEReader(new MemoryStream(content));
            var entries = assembly.ReadDebugDirectory();
            var expected = assembly
                .ReadCodeViewDebugDirectoryData(entries.Single(e => e.Type is DebugDirectoryEntryType.CodeView))
                .Guid;

            using var symbols = Symbols(identifier, name);
            var header = symbols.GetMetadataReader().DebugMetadataHeader!;

            Assert.Equal(expected, new BlobContentId(header.Id).Guid);
            Assert.Contains(entries, e => e.Type is DebugDirectoryEntryType.Reproducible);
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Symbols_hold_every_source_under_a_path_of_no_machine(string identifier)
    {
        foreach (var (name, _) in Assemblies(identifier))
        {
            using var symbols = Symbols(identifier, name);
            var reader = symbols.GetMetadataReader();

            Assert.All(
                reader.Documents,
                document =>
                {
                    Assert.StartsWith(
                        "/_",
                        reader.GetString(reader.GetDocument(document).Name),
                        StringComparison.Ordinal
                    );
                    Assert.Contains(
                        reader.GetCustomDebugInformation(document),
                        info => reader.GetGuid(reader.GetCustomDebugInformation(info).Kind) == EmbeddedSource
                    );
                }
            );
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void No_file_of_a_package_names_a_folder_of_the_building_machine(string identifier)
    {
        byte[][] paths = [Encoding.UTF8.GetBytes(Repository.Root), Encoding.Unicode.GetBytes(Repository.Root)];
        foreach (var package in new[] { Package.Open(identifier), Package.Symbols(identifier) })
        {
            Assert.All(
                package.Files,
                file => Assert.All(paths, path => Assert.Equal(-1, file.Value.AsSpan().IndexOf(path)))
            );
        }
    }

    private static KeyValuePair<string, byte[]>[] Assemblies(string identifier)
    {
        var assemblies = Package
            .Open(identifier)
            .Files.Where(file =>
                Path.GetFileName(file.Key).StartsWith("NativeRanger", StringComparison.Ordinal)
                && Path.GetExtension(file.Key) is ".dll"
                && !file.Key.Contains("runtimes/", StringComparison.Ordinal)
            )
            .ToArray();
        Assert.NotEmpty(assemblies);
        return assemblies;
    }

    private static MetadataReaderProvider Symbols(string identifier, string assembly) =>
        MetadataReaderProvider.FromPortablePdbStream(
            new MemoryStream(Package.Symbols(identifier)[Path.ChangeExtension(assembly, ".pdb")])
        );
}
