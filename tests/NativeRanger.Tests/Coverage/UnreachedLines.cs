using System.Text;

namespace NativeRanger.Tests.Coverage;

/// <summary>Lines of a file that no test reaches, and why.</summary>
/// <param name="Path">The file, relative to the root of the repository.</param>
/// <param name="Reason">Why no test reaches them.</param>
/// <param name="Texts">The lines without their indentation.</param>
internal sealed record Explanation(string Path, string Reason, IReadOnlyList<string> Texts);

/// <summary>What tests/unreached.txt explains, against what was measured.</summary>
internal static class UnreachedLines
{
    /// <summary>Reads explanations: a line <c>path: reason</c> is followed by the indented lines that it explains.</summary>
    /// <exception cref="FormatException">A line belongs to nothing, or an explanation explains nothing.</exception>
    public static IReadOnlyList<Explanation> Parse(IEnumerable<string> text)
    {
        var explanations = new List<Explanation>();
        foreach (var line in text)
        {
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (!char.IsWhiteSpace(line[0]))
            {
                var parts = line.Split(": ", 2);
                explanations.Add(
                    parts.Length == 2
                        ? new(parts[0], parts[1], new List<string>())
                        : throw new FormatException($"'{line}' is no 'path: reason'.")
                );
            }
            else if (explanations is [.., var last])
            {
                ((List<string>)last.Texts).Add(line.Trim());
            }
            else
            {
                throw new FormatException($"'{line.Trim()}' belongs to no file.");
            }
        }

        return explanations.Find(e => e.Texts.Count == 0) is { } empty
            ? throw new FormatException($"'{empty.Path}: {empty.Reason}' explains no line.")
            : explanations;
    }

    /// <summary>What has to be said of a report: a table per folder, then lines without and explanations without the other.</summary>
    /// <param name="files">The files of the report.</param>
    /// <param name="explanations">The explanations.</param>
    /// <param name="source">The lines of a file.</param>
    public static (string Text, bool IsExplained) Judge(
        IReadOnlyList<CoveredFile> files,
        IReadOnlyList<Explanation> explanations,
        Func<string, IReadOnlyList<string>> source
    )
    {
        var text = new StringBuilder();
        foreach (var folder in files.GroupBy(FolderOf, StringComparer.Ordinal))
        {
            AppendSum(text, folder.Key, [.. folder]);
        }

        AppendSum(text, "all", files);

        var explained = explanations
            .SelectMany(e => e.Texts.Select(line => (e.Path, line)))
            .ToDictionary(line => line, _ => false);
        var unexplained = 0;
        foreach (var file in files.Where(file => file.Lines.Values.Contains(0)))
        {
            var lines = source(file.Path);
            foreach (var (number, _) in file.Lines.Where(line => line.Value == 0))
            {
                var line = lines[number - 1].Trim();
                if (explained.ContainsKey((file.Path, line)))
                {
                    explained[(file.Path, line)] = true;
                }
                else if (line.Any(char.IsLetterOrDigit))
                {
                    // A line without a word, a brace, goes with those around it.
                    unexplained++;
                    text.Append($"{file.Path}:{number}: neither reached nor explained: {line}\n");
                }
            }
        }

        foreach (var ((path, line), _) in explained.Where(line => !line.Value))
        {
            text.Append($"{path}: explained, but reached or gone: {line}\n");
        }

        text.Append(
            $"{unexplained} lines are neither reached nor explained, {explained.Values.Count(used => used)} are explained.\n"
        );
        return (text.ToString(), unexplained == 0);
    }

    /// <summary>The first two folders: src/NativeRanger, native/cpu.</summary>
    private static string FolderOf(CoveredFile file) => string.Join('/', file.Path.Split('/')[..2]);

    private static void AppendSum(StringBuilder text, string name, IReadOnlyList<CoveredFile> files)
    {
        var lines = files.Sum(file => file.Lines.Count);
        var reached = files.Sum(file => file.Lines.Values.Count(hits => hits > 0));
        var branches = files.Sum(file => file.Branches);
        var reachedBranches = files.Sum(file => file.ReachedBranches);
        text.Append(
            $"{name, -26} lines {reached, 6} of {lines, 6} {Share(reached, lines)}   "
                + $"branches {reachedBranches, 6} of {branches, 6} {Share(reachedBranches, branches)}\n"
        );
    }

    private static string Share(int part, int whole) => whole == 0 ? "      " : $"{100.0 * part / whole, 5:F1}%";
}
