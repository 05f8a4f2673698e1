using System.Xml.Linq;
using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Coverage;

/// <summary>What <c>build.sh --target=Coverage</c> fails for.</summary>
public sealed class UnreachedLinesTests
{
    /// <summary>One file, two of whose four lines were not reached, and another that is no source of the product.</summary>
    private const string Report = """
        <coverage><packages><package><classes>
          <class filename="native/cpu/a.cpp"><lines>
            <line number="1" hits="3" branch="true" condition-coverage="50% (1/2)" />
            <line number="2" hits="0" />
            <line number="3" hits="0" />
          </lines></class>
          <class filename="./native/cpu/a.cpp"><lines><line number="2" hits="0" /><line number="4" hits="1" /></lines></class>
          <class filename="tests/b.cs"><lines><line number="1" hits="0" /></lines></class>
        </classes></package></packages></coverage>
        """;

    private static readonly string[] Source = ["if (x)", "    return 1;", "}", "return 2;"];

    private static (string Text, bool IsExplained) Judge(params IEnumerable<string> explanations) =>
        UnreachedLines.Judge(
            CoverageReport.Read(XDocument.Parse(Report), Headers.Root),
            UnreachedLines.Parse(explanations),
            _ => Source
        );

    [Fact]
    public void Lines_and_branches_are_counted_once_per_file_of_the_product()
    {
        var (text, _) = Judge();
        Assert.Matches("native/cpu +lines +2 of +4  50.0% +branches +1 of +2  50.0%", text);
        Assert.DoesNotContain("tests/", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_is_neither_reached_nor_explained_is_named_and_fails()
    {
        var (text, isExplained) = Judge();
        Assert.Contains(
            "native/cpu/a.cpp:2: neither reached nor explained: return 1;\n",
            text,
            StringComparison.Ordinal
        );
        Assert.Contains("\n1 lines are neither reached", text, StringComparison.Ordinal);
        Assert.False(isExplained);
    }

    [Fact]
    public void A_line_that_is_explained_passes()
    {
        var (text, isExplained) = Judge("native/cpu/a.cpp: only on another platform", "    return 1;");
        Assert.DoesNotContain("explained:", text, StringComparison.Ordinal);
        Assert.True(isExplained);
    }

    [Fact]
    public void An_explanation_of_a_line_that_is_reached_is_reported()
    {
        var (text, isExplained) = Judge("native/cpu/a.cpp: never", "    return 1;", "    return 2;");
        Assert.Contains(
            "native/cpu/a.cpp: explained, but reached or gone: return 2;\n",
            text,
            StringComparison.Ordinal
        );
        Assert.True(isExplained);
    }

    [Theory]
    [InlineData("    return 1;")]
    [InlineData("native/cpu/a.cpp")]
    [InlineData("native/cpu/a.cpp: no lines follow")]
    public void An_explanation_without_a_file_a_reason_or_lines(string line) =>
        Assert.Throws<FormatException>(() => UnreachedLines.Parse([line]));

    [Fact]
    public void Every_explanation_is_of_lines_that_exist()
    {
        var explanations = UnreachedLines.Parse(File.ReadLines(Path.Combine(Headers.Root, "tests", "unreached.txt")));
        Assert.NotEmpty(explanations);
        foreach (var explanation in explanations)
        {
            var lines = File.ReadLines(Path.Combine(Headers.Root, explanation.Path)).Select(line => line.Trim());
            Assert.Subset(lines.ToHashSet(StringComparer.Ordinal), explanation.Texts.ToHashSet(StringComparer.Ordinal));
        }
    }
}
