using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace NativeRanger.Tests.Checkpoints;

/// <summary>A checkpoint cannot make the library run anything: there is nothing in the library that could.</summary>
public sealed class NoCodeTests
{
    /// <summary>What turns names or bytes from a file into types, objects or code.</summary>
    private static readonly string[] Dangerous =
    [
        "System.Type.GetType",
        "System.Activator.",
        "System.AppDomain.",
        "System.Reflection.Assembly.Load",
        "System.Reflection.Assembly.LoadFrom",
        "System.Reflection.Assembly.LoadFile",
        "System.Reflection.Assembly.GetType",
        "System.Reflection.Assembly.CreateInstance",
        "System.Reflection.Emit.",
        "System.Runtime.Loader.",
        "System.Runtime.Serialization.",
        "System.Linq.Expressions.",
        "System.Xml.",
        "System.Text.Json.JsonSerializer.",
        "System.Diagnostics.Process.",
    ];

    [Fact]
    public void Fault_72_the_library_has_nothing_that_turns_names_into_code()
    {
        var used = MembersUsed(typeof(Optimizer).Assembly.Location).ToArray();
        Assert.Contains(used, member => member is "System.Text.Json.Utf8JsonReader.Read");
        Assert.DoesNotContain(used, IsDangerous);
    }

    [Fact]
    public void The_search_finds_what_it_looks_for() =>
        Assert.Contains(MembersUsed(typeof(NoCodeTests).Assembly.Location), IsDangerous);

    private static bool IsDangerous(string member) =>
        Dangerous.Any(name =>
            name.EndsWith('.')
                ? member.StartsWith(name, StringComparison.Ordinal)
                : string.Equals(member, name, StringComparison.Ordinal)
        );

    /// <summary>Every method and field of other assemblies that an assembly refers to.</summary>
    private static IEnumerable<string> MembersUsed(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        return
        [
            .. metadata
                .MemberReferences.Select(metadata.GetMemberReference)
                .Where(member => member.Parent.Kind == HandleKind.TypeReference)
                .Select(member =>
                {
                    var type = metadata.GetTypeReference((TypeReferenceHandle)member.Parent);
                    return $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}.{metadata.GetString(member.Name)}";
                }),
        ];
    }
}
