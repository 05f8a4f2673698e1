using System.Globalization;
using System.Xml.Linq;

namespace NativeRanger.Tests.Coverage;

/// <summary>What one file has of lines and branches, and which of its lines no test reaches.</summary>
/// <param name="Path">Relative to the root of the repository.</param>
/// <param name="Lines">The lines that do something, with how often they were reached.</param>
/// <param name="Branches">How many ways lines go on.</param>
/// <param name="ReachedBranches">How many of them were taken.</param>
internal sealed record CoveredFile(
    string Path,
    IReadOnlyDictionary<int, long> Lines,
    int Branches,
    int ReachedBranches
);

/// <summary>A report in the format of Cobertura.</summary>
internal static class CoverageReport
{
    /// <summary>The files of a report, in the order of their paths.</summary>
    /// <param name="report">The report.</param>
    /// <param name="root">The root of the repository, which may also be one of the report's sources.</param>
    public static IReadOnlyList<CoveredFile> Read(XDocument report, string root) =>
        [
            .. report
                .Descendants("class")
                .GroupBy(c => RelativePath((string)c.Attribute("filename")!, root), StringComparer.Ordinal)
                .Where(file => file.Key.StartsWith("src/", StringComparison.Ordinal) || IsNative(file.Key))
                .Select(file => ReadFile(file.Key, [.. file.Elements("lines").Elements("line")]))
                .OrderBy(file => file.Path, StringComparer.Ordinal),
        ];

    private static bool IsNative(string path) => path.StartsWith("native/", StringComparison.Ordinal);

    private static string RelativePath(string path, string root) =>
        Path.GetRelativePath(root, Path.GetFullPath(path, root));

    // Nested and generic classes of one file are classes of the report, and may share lines.
    private static CoveredFile ReadFile(string path, XElement[] all)
    {
        var lines = new SortedDictionary<int, long>();
        var branches = new Dictionary<int, (int Reached, int All)>();
        foreach (var line in all)
        {
            var number = Number(line, "number");
            var hits = long.Parse((string)line.Attribute("hits")!, CultureInfo.InvariantCulture);
            lines[number] = Math.Max(lines.GetValueOrDefault(number), hits);

            // "75% (3/4)"
            if ((string?)line.Attribute("condition-coverage") is { } condition)
            {
                var counts = condition[(condition.IndexOf('(', StringComparison.Ordinal) + 1)..^1].Split('/');
                var (reached, ways) = (Integer(counts[0]), Integer(counts[1]));
                var (before, most) = branches.GetValueOrDefault(number);
                branches[number] = (Math.Max(before, reached), Math.Max(most, ways));
            }
        }

        return new(path, lines, branches.Values.Sum(b => b.All), branches.Values.Sum(b => b.Reached));
    }

    private static int Number(XElement element, string attribute) => Integer((string)element.Attribute(attribute)!);

    private static int Integer(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
