using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Faults;

/// <summary>No entry of the list is without a test, and tests/FAULTS.md shows them all.</summary>
public sealed class FaultTableTests
{
    private static readonly IReadOnlyList<FaultTest> Tests = FaultTest.FindAll();

    [Fact]
    public void There_are_79_entries_numbered_1_to_78_and_28b()
    {
        var numbers = Enumerable.Range(1, 78).Select(number => $"{number}").Append("28b");
        Assert.Equal(
            numbers.Order(StringComparer.Ordinal),
            FaultList.All.Select(fault => fault.Number).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void Every_entry_has_a_test_or_says_what_it_comes_with()
    {
        var provoked = Tests.SelectMany(test => test.Numbers).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(FaultList.All.Where(f => f.Later is null && !provoked.Contains(f.Number)).Select(f => f.Number));
        Assert.Empty(provoked.Except(FaultList.All.Select(f => f.Number), StringComparer.Ordinal));
    }

    /// <summary>Results are looked up by the name alone.</summary>
    [Fact]
    public void No_two_tests_have_one_name() =>
        Assert.Empty(
            Tests.GroupBy(test => test.Name, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key)
        );

    [Fact]
    public void The_committed_table_is_the_generated_one_and_nothing_in_it_fails()
    {
        var committed = File.ReadAllLines(Path.Combine(Headers.Root, "tests", "FAULTS.md"));
        var generated = FaultTable.Compose(Tests, new Dictionary<string, string>(StringComparer.Ordinal)).Split('\n');
        Assert.True(
            generated
                .SkipLast(1)
                .Select(WithoutResult)
                .SequenceEqual(committed.Select(WithoutResult), StringComparer.Ordinal),
            "tests/FAULTS.md is not up to date; run ./build.sh --target=Faults and commit it."
        );
        Assert.DoesNotContain(committed, line => line.Contains("fails**", StringComparison.Ordinal));
        Assert.DoesNotContain(committed, line => line.Contains("did not run", StringComparison.Ordinal));
    }

    [Fact]
    public void Tests_are_found_in_sources_of_every_kind()
    {
        // Written such that the search does not find it here.
        const string Sources = """
            public void FAULT_13_14_a_gradient_1()
            public async Task FAULT_28b_x()
            TEST(Validation, FAULT_5_overflow) {
            add_processor_test(OtherProcessors.FAULT_59_without_avx Nehalem)
            """;
        var found = FaultTest.Find(Sources.Replace("FAULT", "Fault", StringComparison.Ordinal), "folder/fTests.cs");
        Assert.Equal(
            [
                "13 14: a gradient 1, fTests",
                "28b: x, fTests",
                "5: overflow, Validation",
                "59: without avx, OtherProcessors",
            ],
            found.Select(test => $"{string.Join(' ', test.Numbers)}: {test.Title}, {test.Name.Split('.')[0]}"),
            StringComparer.Ordinal
        );
    }

    private static string WithoutResult(string line) =>
        line.StartsWith('|') ? line[..line.TrimEnd(' ', '|').LastIndexOf('|')] : line;
}
