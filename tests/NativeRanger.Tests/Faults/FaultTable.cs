using System.Text;
using System.Xml.Linq;

namespace NativeRanger.Tests.Faults;

/// <summary>tests/FAULTS.md: every entry of the list, the tests that provoke it, and how they ended.</summary>
internal static class FaultTable
{
    private const string Missing = "has no test";
    private const string Passes = "passes";
    private const string Fails = "**fails**";

    private const string Head = """
        # What can go wrong

        Every way to fail that this project or its peers have met, what has to happen then, and the tests that provoke it. A test
        has the number in its name: `dotnet test --filter FullyQualifiedName~Fault_13_`. This file is written by
        `./build.sh --target=Faults`, which runs them; a test sees to it that no entry and no test is left out.

        """;

    /// <summary>The table.</summary>
    /// <param name="tests">The tests.</param>
    /// <param name="results">How each test ended, by its name.</param>
    public static string Compose(IReadOnlyList<FaultTest> tests, IReadOnlyDictionary<string, string> results)
    {
        var text = new StringBuilder(Head);
        foreach (var chapter in FaultList.Chapters)
        {
            text.Append($"\n## {chapter.Title}\n\n| # | fault | test | result |\n|---|---|---|---|\n");
            foreach (var fault in chapter.Faults)
            {
                var own = tests.Where(test => test.Numbers.Contains(fault.Number, StringComparer.Ordinal)).ToArray();
                var ends = own.Select(test => results.GetValueOrDefault(test.Name, "did not run"));
                var result = fault.Later is { } later ? $"later, {later}" : Missing;
                text.Append(
                    $"| {fault.Number} | {fault.Text}: *{fault.Expected}* | {string.Join("<br>", own.Select(Link))} | "
                        + $"{(own.Length > 0 ? string.Join("; ", ends.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)) : result)} |\n"
                );
            }
        }

        return text.ToString();
    }

    /// <summary>How tests ended, from reports of xunit (trx) and CTest (JUnit); a theory passes where all its rows do.</summary>
    public static IReadOnlyDictionary<string, string> ReadResults(string folder)
    {
        var ends = new List<(string Name, string End)>();
        foreach (var file in Directory.EnumerateFiles(folder, "*.trx"))
        {
            ends.AddRange(
                Elements(file, "UnitTestResult")
                    .Select(test => (Value(test, "testName"), EndOf(Value(test, "outcome"), test, "Message")))
            );
        }

        foreach (var file in Directory.EnumerateFiles(folder, "*.xml"))
        {
            ends.AddRange(
                Elements(file, "testcase")
                    .Select(test => (Value(test, "name"), EndOf(Value(test, "status"), test, "system-out")))
            );
        }

        return ends.GroupBy(
                end => string.Join('.', end.Name.Split('(')[0].Split('.').TakeLast(2)),
                end => end.End,
                StringComparer.Ordinal
            )
            .ToDictionary(rows => rows.Key, rows => Worst([.. rows]), StringComparer.Ordinal);

        static string Worst(string[] rows) =>
            rows.Contains(Fails, StringComparer.Ordinal) ? Fails
            : rows.Contains(Passes, StringComparer.Ordinal) ? Passes
            : rows[0];

        static IEnumerable<XElement> Elements(string file, string name) =>
            XDocument
                .Load(file)
                .Descendants()
                .Where(element => string.Equals(element.Name.LocalName, name, StringComparison.Ordinal));

        static string Value(XElement element, string attribute) => (string?)element.Attribute(attribute) ?? "";
    }

    private static string EndOf(string outcome, XElement test, string reason)
    {
        return outcome switch
        {
            "Passed" or "run" => Passes,
            "NotExecuted" or "notrun" or "disabled" => $"skipped: {Reason()}",
            _ => Fails,
        };

        string Reason() =>
            test.Descendants()
                .FirstOrDefault(element => string.Equals(element.Name.LocalName, reason, StringComparison.Ordinal))
                ?.Value.Trim()
            ?? "";
    }

    private static string Link(FaultTest test)
    {
        var target = test.File.StartsWith("tests/", StringComparison.Ordinal)
            ? test.File["tests/".Length..]
            : $"../{test.File}";
        return $"[{test.Title}]({target})";
    }
}
