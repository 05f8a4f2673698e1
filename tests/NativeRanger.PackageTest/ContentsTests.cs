using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using System.Xml.Linq;

namespace NativeRanger.PackageTest;

/// <summary>What is in the packages, and nothing else.</summary>
public sealed class ContentsTests
{
    /// <summary>Each library package, the library that its bindings import, and the systems that it may be built for.</summary>
    public static TheoryData<string, string, string> NativeLibraries { get; } =
        new()
        {
            { "NativeRanger", "nativeranger", "linux-x64 linux-arm64 win-x64" },
            { "NativeRanger", "nativeranger_cuda", "linux-x64" },
            { "NativeRanger.Mpi", "nativeranger_mpi", "linux-x64" },
        };

    public static TheoryData<string> All { get; } = [.. Package.Identifiers];

    public static TheoryData<string> Libraries { get; } =
    [.. Package.Identifiers.Where(identifier => identifier is not "NativeRanger.Cli")];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void A_library_package_holds_its_assembly_documentation_and_readme_and_native_files_only(string identifier)
    {
        var managed = Package
            .Open(identifier)
            .Contents.Where(name => !name.StartsWith("runtimes/", StringComparison.Ordinal));

        string[] expected = ["README.md", $"lib/net10.0/{identifier}.dll", $"lib/net10.0/{identifier}.xml"];
        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            managed.Order(StringComparer.Ordinal),
            StringComparer.Ordinal
        );
    }

    [Theory]
    [MemberData(nameof(NativeLibraries))]
    public void Every_native_library_that_was_built_is_in_its_package(string identifier, string library, string systems)
    {
        var built = systems
            .Split(' ')
            .Select(system => (System: system, File: FileName(library, system)))
            .Where(l => File.Exists(Path.Combine(Repository.Root, "artifacts", "native", l.System, l.File)))
            .Select(l => $"runtimes/{l.System}/native/{l.File}")
            .ToArray();

        var packed = NativeFiles(Package.Open(identifier), library);

        Assert.Contains($"runtimes/linux-x64/native/{FileName(library, "linux-x64")}", packed, StringComparer.Ordinal);
        Assert.Equal(built.Order(StringComparer.Ordinal), packed.Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    [Theory]
    [MemberData(nameof(NativeLibraries))]
    public void A_native_library_exports_what_the_assembly_beside_it_imports_and_nothing_else(
        string identifier,
        string library,
        string systems
    )
    {
        Assert.NotEmpty(systems);
        var package = Package.Open(identifier);
        var imported = Imports(package[$"lib/net10.0/{identifier}.dll"], library);

        Assert.NotEmpty(imported);
        Assert.All(NativeFiles(package, library), name => Assert.Equal(imported, ExportedNames.Of(package[name])));
    }

    [Fact]
    public void A_package_without_native_code_holds_none()
    {
        Assert.Empty(NativeFiles(Package.Open("NativeRanger.Numerics")));
    }

    [Fact]
    public void The_tool_brings_all_it_needs()
    {
        var package = Package.Open("NativeRanger.Cli");

        Assert.Contains("README.md", package.Contents, StringComparer.Ordinal);
        Assert.Contains("tools/net10.0/any/NativeRanger.Cli.dll", package.Contents, StringComparer.Ordinal);
        foreach (var name in NativeFiles(Package.Open("NativeRanger")))
        {
            Assert.Equal(Package.Open("NativeRanger")[name], package[$"tools/net10.0/any/{name}"]);
        }

        Assert.DoesNotContain(package.Contents, name => name.StartsWith("content", StringComparison.Ordinal));
        var settings = XDocument.Load(new MemoryStream(package["tools/net10.0/any/DotnetToolSettings.xml"]));
        Assert.Equal("nativeranger", settings.Descendants("Command").Single().Attribute("Name")!.Value);
    }

    [Theory]
    [InlineData("NativeRanger")]
    [InlineData("NativeRanger.Numerics", "NativeRanger [{version}]", "MathNet.Numerics 5.0.0")]
    [InlineData("NativeRanger.Mpi", "NativeRanger [{version}]")]
    [InlineData("NativeRanger.Cli")]
    public void A_package_depends_on_its_siblings_of_the_same_version_and_on_little_else(
        string identifier,
        params string[] dependencies
    )
    {
        var expected = dependencies.Select(d => d.Replace("{version}", Repository.Version, StringComparison.Ordinal));

        var actual = Package
            .Open(identifier)
            .Metadata.Descendants()
            .Where(element => element.Name.LocalName is "dependency")
            .Select(element => $"{element.Attribute("id")!.Value} {element.Attribute("version")!.Value}");

        Assert.Equal(expected, actual, StringComparer.Ordinal);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_package_says_what_it_is(string identifier)
    {
        var package = Package.Open(identifier);

        Assert.Equal("MIT", package.Say("license"));
        Assert.Equal("README.md", package.Say("readme"));
        Assert.NotEmpty(package.Say("description")!);
        Assert.NotEmpty(package.Say("authors")!);
        Assert.NotEmpty(package.Say("tags")!);
        Assert.StartsWith($"# {identifier}\n", Encoding.UTF8.GetString(package["README.md"]), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void The_documentation_describes_every_public_type(string identifier)
    {
        var package = Package.Open(identifier);
        using var assembly = new PEReader(new MemoryStream(package[$"lib/net10.0/{identifier}.dll"]));
        var metadata = assembly.GetMetadataReader();
        var types = metadata
            .TypeDefinitions.Select(metadata.GetTypeDefinition)
            .Where(type => (type.Attributes & TypeAttributes.VisibilityMask) is TypeAttributes.Public)
            .Select(type => $"T:{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}");

        var described = XDocument
            .Parse(Encoding.UTF8.GetString(package[$"lib/net10.0/{identifier}.xml"]))
            .Descendants("member")
            .Select(member => member.Attribute("name")!.Value)
            .ToHashSet(StringComparer.Ordinal);

        Assert.Subset(described, types.ToHashSet(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void The_packages_are_of_this_build(string identifier)
    {
        var built = Path.Combine(Repository.Root, "src", identifier, "bin", "Release", "net10.0", $"{identifier}.dll");

        Assert.True(
            File.ReadAllBytes(built).AsSpan().SequenceEqual(Package.Open(identifier)[$"lib/net10.0/{identifier}.dll"]),
            "The packages are older than the build: run ./build.sh --target=Pack."
        );
    }

    private static string FileName(string library, string system) =>
        system.StartsWith("win", StringComparison.Ordinal) ? $"{library}.dll" : $"lib{library}.so";

    private static string[] NativeFiles(Package package) =>
        [.. package.Contents.Where(name => name.StartsWith("runtimes/", StringComparison.Ordinal))];

    private static string[] NativeFiles(Package package, string library) =>
        [
            .. NativeFiles(package)
                .Where(name => name.EndsWith($"/{FileName(library, name.Split('/')[1])}", StringComparison.Ordinal)),
        ];

    private static string[] Imports(byte[] assembly, string library)
    {
        using var file = new PEReader(new MemoryStream(assembly));
        var metadata = file.GetMetadataReader();
        return
        [
            .. metadata
                .MethodDefinitions.Select(handle => metadata.GetMethodDefinition(handle).GetImport())
                .Where(import =>
                    !import.Module.IsNil
                    && metadata.StringComparer.Equals(metadata.GetModuleReference(import.Module).Name, library)
                )
                .Select(import => metadata.GetString(import.Name))
                .Distinct(StringComparer.Ordinal) // an entry may be called in two ways
                .Order(StringComparer.Ordinal),
        ];
    }
}
