using System.Text;

namespace NativeRanger.Benchmarks.Report;

/// <summary>A table in Markdown; the first column is text, the others numbers.</summary>
internal static class MarkdownTable
{
    public const string Nothing = "–";

    public static string Of(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        var text = new StringBuilder();
        Line(header);
        Line(header.Select((_, column) => column == 0 ? "---" : "---:"));
        foreach (var row in rows)
        {
            Line(row);
        }

        return text.ToString();

        void Line(IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
    }

    /// <summary>A table of values by row and column; several values of one cell give their median.</summary>
    public static string Pivot<T>(
        string corner,
        IReadOnlyCollection<T> items,
        Func<T, string> row,
        Func<T, string> column,
        Func<IEnumerable<T>, string> cell
    )
    {
        var columns = items.Select(column).Distinct(StringComparer.Ordinal).ToArray();
        return Of(
            [corner, .. columns],
            items
                .GroupBy(row, StringComparer.Ordinal)
                .Select(group =>
                    (IReadOnlyList<string>)
                        [
                            group.Key,
                            .. columns.Select(name =>
                                group
                                    .Where(item => string.Equals(column(item), name, StringComparison.Ordinal))
                                    .ToArray()
                                    is { Length: > 0 } found
                                    ? cell(found)
                                    : Nothing
                            ),
                        ]
                )
        );
    }
}
