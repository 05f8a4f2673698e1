using System.Text;

namespace NativeRanger.PackageTest;

/// <summary>The program in the readme of a package.</summary>
internal static class Readme
{
    private const string Fence = "```";

    /// <summary>A C# file whose method <c>Readme.PackageWithoutDots</c> is the readme's program.</summary>
    public static string AsMethod(Package package)
    {
        var lines = Encoding.UTF8.GetString(package["README.md"]).Split('\n');
        var program = lines
            .SkipWhile(line => !line.StartsWith($"{Fence}csharp", StringComparison.Ordinal))
            .Skip(1)
            .TakeWhile(line => !line.StartsWith(Fence, StringComparison.Ordinal))
            .ToLookup(IsImport);
        Assert.NotEmpty(program[true]);
        Assert.NotEmpty(program[false]);
        return $$"""
            {{string.Join('\n', program[true])}}

            internal static partial class Readme
            {
                public static void {{package.Say("id")!.Replace(".", "", StringComparison.Ordinal)}}()
                {
            {{string.Join('\n', program[false])}}
                }
            }
            """;
    }

    private static bool IsImport(string line) =>
        line.StartsWith("using ", StringComparison.Ordinal)
        && line.EndsWith(';')
        && !line.Contains('=', StringComparison.Ordinal);
}
