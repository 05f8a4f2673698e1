using System.Text.RegularExpressions;
using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Faults;

/// <summary>A test that provokes entries of <see cref="FaultList"/>, which it has in its name.</summary>
/// <param name="Name">The last two parts of its name in reports: class or suite, and test.</param>
/// <param name="Numbers">The entries.</param>
/// <param name="Title">The rest of the name, for people.</param>
/// <param name="File">Where it is, from the root of the repository.</param>
internal sealed partial record FaultTest(string Name, IReadOnlyList<string> Numbers, string Title, string File)
{
    /// <summary>All of them, as they stand in the sources: methods of xunit, TESTs of GoogleTest, tests of CMake.</summary>
    public static IReadOnlyList<FaultTest> FindAll()
    {
        var sources = new[] { ("tests", "*Tests.cs"), ("native/tests", "*.cpp"), ("native/tests", "CMakeLists.txt") };
        return
        [
            .. sources
                .SelectMany(source =>
                    Directory.EnumerateFiles(
                        Path.Combine(Headers.Root, source.Item1),
                        source.Item2,
                        SearchOption.AllDirectories
                    )
                )
                .Order(StringComparer.Ordinal)
                .SelectMany(file => Find(System.IO.File.ReadAllText(file), Path.GetRelativePath(Headers.Root, file))),
        ];
    }

    public static IEnumerable<FaultTest> Find(string source, string file) =>
        Declaration()
            .Matches(source)
            .Select(match => new FaultTest(
                $"{(match.Groups["suite"] is { Success: true } suite ? suite.Value : Path.GetFileNameWithoutExtension(file))}.{match.Groups["name"].Value}",
                match.Groups["numbers"].Value.Split('_', StringSplitOptions.RemoveEmptyEntries),
                match.Groups["title"].Value.Replace('_', ' '),
                file
            ));

    [GeneratedRegex(
        """(?:\b(?:void|Task)\s+|\bTEST\((?<suite>\w+),\s*|\((?:NAME\s+)?(?<suite>\w+)\.)(?<name>Fault(?<numbers>(?:_[0-9]+b?(?=_))+)_(?<title>\w+))""",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000
    )]
    private static partial Regex Declaration();
}
