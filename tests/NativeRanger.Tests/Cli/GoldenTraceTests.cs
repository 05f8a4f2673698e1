using NativeRanger.Cli;
using NativeRanger.Cli.Verification;

namespace NativeRanger.Tests.Cli;

/// <summary>What the originals did, replayed on every backend, type and instruction set.</summary>
public sealed class GoldenTraceTests
{
    /// <summary>Deviations that are documented, not reproduced. A new one is a decision, so it is listed here.</summary>
    private static readonly string[] UpstreamQuirks =
    [
        "gc_adamw_gcloc_false",
        "gc_adamw_gcloc_true",
        "lookahead_sgd_momentum_pullback_upstream_alias",
        "lookahead_timm_sgd_upstream",
        "ranger2020_gcloc_false_upstream",
        "ranger2020_gcloc_true_wd_upstream",
        "ranger_nogc_upstream_ignored_flag",
    ];

    public static TheoryData<string> Canonical() =>
        [.. TraceFile.BuiltIn().Select(file => file.Name).Except(UpstreamQuirks, StringComparer.Ordinal)];

    public static TheoryData<string> Quirks() => [.. UpstreamQuirks];

    [Theory]
    [MemberData(nameof(Canonical))]
    public void Fault_28_28b_29_every_backend_does_what_the_original_did_and_native_is_managed_bit_for_bit(string name)
    {
        NamedBackend[] backends = [BackendChoice.ManagedBackend(), .. NativeBackend.Available.Select(BackendChoice.On)];

        var checks = new Verifier(backends).Verify(Traces.File(name));

        // Two types; each backend against the original, and each native one against the managed one.
        Assert.Equal(2 * ((2 * backends.Length) - 1), checks.Count);
        Assert.All(checks, check => Assert.True(check.Verdict == Verdict.Passed, check.ToString()));
    }

    [Theory]
    [MemberData(nameof(Quirks))]
    public void A_bug_of_an_original_is_skipped_with_its_reason(string name)
    {
        var check = Assert.Single(new Verifier([BackendChoice.ManagedBackend()]).Verify(Traces.File(name)));

        Assert.Equal(Verdict.Skipped, check.Verdict);
        Assert.Contains("upstream-quirk", check.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void All_83_traces_are_built_in() => Assert.Equal(83, TraceFile.BuiltIn().Count);
}
