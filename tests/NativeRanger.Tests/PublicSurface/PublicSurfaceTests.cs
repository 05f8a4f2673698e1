using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using NativeRanger.Mpi.Interop;
using NativeRanger.Numerics;
using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.PublicSurface;

/// <summary>What the packages offer is what was reviewed: the text files beside this one.</summary>
public sealed class PublicSurfaceTests
{
    private static readonly Assembly[] Assemblies =
    [
        typeof(Optimizer).Assembly,
        typeof(ManagedBackend).Assembly,
        typeof(MpiMethods).Assembly,
    ];

    public static TheoryData<string> Names { get; } = [.. Assemblies.Select(assembly => assembly.GetName().Name!)];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_public_surface_is_the_reviewed_one(string name)
    {
        var actual = Surface.Of(
            Assemblies.Single(a => string.Equals(a.GetName().Name, name, StringComparison.Ordinal))
        );
        var reviewed = Path.Combine(Headers.Root, "tests", "NativeRanger.Tests", "PublicSurface", $"{name}.txt");
        var written = Path.Combine(Headers.Root, "artifacts", "test", "PublicSurface", $"{name}.txt");
        Directory.CreateDirectory(Path.GetDirectoryName(written)!);
        File.WriteAllText(written, actual);

        var expected = File.Exists(reviewed) ? File.ReadAllText(reviewed) : "";

        var removed = Lines(expected).Except(Lines(actual), StringComparer.Ordinal).Select(line => $"- {line}");
        var added = Lines(actual).Except(Lines(expected), StringComparer.Ordinal).Select(line => $"+ {line}");
        Assert.True(
            string.Equals(expected, actual, StringComparison.Ordinal),
            $"The public surface of {name} has changed. Where that is meant, copy {written} to {reviewed}.\n"
                + string.Join('\n', removed.Concat(added))
        );
    }

    [Fact]
    public void What_stands_in_the_file_is_what_a_user_can_write()
    {
        var types = Surface.Of(typeof(Sample).Assembly).Split("\n\n");

        Assert.Equal(
            """
            sealed record NativeRanger.Tests.PublicSurface.Sample : SampleBase
                new(string name)
                double? Missing { get; }
                required string Name { get; init; }
                static Sample Of(params string[] names)
                int[]? Some { get; init; }
                override string ToString()
                protected override bool Try<T>(in T value, out string? text, double rate = 0.5) where T : unmanaged
            """.ReplaceLineEndings("\n"),
            types.Single(type =>
                type.StartsWith("sealed record NativeRanger.Tests.PublicSurface.Sample ", StringComparison.Ordinal)
            )
        );
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

public abstract record SampleBase
{
    protected abstract bool Try<T>(in T value, out string? text, double rate = 0.5)
        where T : unmanaged;
}

public sealed record Sample : SampleBase
{
    [SetsRequiredMembers]
    public Sample(string name) => Name = name;

    public required string Name { get; init; }

    public int[]? Some { get; init; }

    public double? Missing => Hidden;

    internal double? Hidden { get; }

    public static Sample Of(params string[] names) => new(names[0]);

    public override string ToString() => Name;

    protected override bool Try<T>(in T value, out string? text, double rate = 0.5)
    {
        text = null;
        return rate > 0;
    }
}
