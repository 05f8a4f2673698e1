using System.Text.Json.Nodes;
using NativeRanger.Cli;
using NativeRanger.Cli.Verification;

namespace NativeRanger.Tests.Cli;

/// <summary>The replayer finds what it is there to find, and survives whatever a file holds.</summary>
public sealed class VerifierTests
{
    private const string Trace = "ranger_gc";

    public static TheoryData<string, string> Mistakes() =>
        new()
        {
            { "parameter", "parameter 2[3]" },
            { "float32 parameter", "float32 managed: step 6" },
            { "gradient", "step 2" },
            { "initial", "step 1" },
            { "rate", "step 1" },
            { "period", "step 5" },
            { "rate at step 7", "step 7" },
            { "first moment", "exp_avg of parameter 1" },
            { "slow weights", "slow_buffer of parameter 2" },
            { "step", "step of parameter 0 is 20, expected 21" },
            { "not a number", "step 3" },
        };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_deliberate_mistake_fails(string mistake, string where)
    {
        var json = Traces.Json(Trace);
        var exact = json["expected"]!["float64"]!;
        switch (mistake)
        {
            case "parameter":
                Add(exact["params"]!["13"]![2]!.AsArray(), 3, 1e-8);
                break;
            case "float32 parameter":
                Add(json["expected"]!["float32"]!["params"]!["6"]![1]!.AsArray(), 0, 1e-4);
                break;
            case "gradient":
                Add(json["gradients"]![1]![2]!.AsArray(), 0, 0.25);
                break;
            case "initial":
                Add(json["params"]![3]!["initial"]!.AsArray(), 0, 0.25);
                break;
            case "rate":
                json["options"]!["lr"] = 0.0100001;
                break;
            case "period":
                json["options"]!["k"] = 5;
                break;
            case "rate at step 7":
                json["options_at_step"] = JsonNode.Parse("""{"7": {"0": {"lr": 0.02}}}""");
                break;
            case "first moment":
                Add(exact["final_state"]![1]!["exp_avg"]!.AsArray(), 2, 1e-8);
                break;
            case "slow weights":
                Add(exact["final_state"]![2]!["slow_buffer"]!.AsArray(), 2, 1e-8);
                break;
            case "step":
                exact["final_state"]![0]!["step"] = 21;
                break;
            case "not a number":
                exact["params"]!["3"]![0]![0] = "NaN";
                break;
        }

        var failed = Failed(Traces.Of(json));

        Assert.NotEmpty(failed);
        Assert.Contains(failed, check => check.ToString().Contains(where, StringComparison.Ordinal));
    }

    [Fact]
    public void An_unchanged_copy_passes() =>
        Assert.All(Checks(Traces.Of(Traces.Json(Trace))), check => Assert.Equal(Verdict.Passed, check.Verdict));

    [Theory]
    [InlineData("float32")]
    [InlineData("float64")]
    public void One_bit_between_two_backends_fails_though_both_are_within_the_tolerance(string type)
    {
        var skewed = new NamedBackend(BackendChoice.Native, "skewed", new SkewedBackend());
        var checks = new Verifier([BackendChoice.ManagedBackend(), skewed]).Verify(Traces.File(Trace));

        Assert.Equal(Verdict.Passed, checks.Single(check => Is(check, $"{type} native skewed")).Verdict);
        var comparison = checks.Single(check => Is(check, $"{type} native skewed = managed"));
        Assert.Equal(Verdict.Failed, comparison.Verdict);
        Assert.Contains("managed has", comparison.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_backend_that_throws_fails_and_the_others_go_on()
    {
        var broken = new NamedBackend(BackendChoice.Native, "broken", new BrokenBackend());
        var checks = new Verifier([broken, BackendChoice.ManagedBackend()]).Verify(Traces.File(Trace));

        Assert.Equal(4, checks.Count(check => check.Verdict == Verdict.Failed));
        Assert.Equal(2, checks.Count(check => check.Verdict == Verdict.Passed));
        Assert.Contains(checks, check => check.Reason?.Contains("out of order", StringComparison.Ordinal) == true);
    }

    [Theory]
    [InlineData("", "not JSON")]
    [InlineData("[1, 2", "not JSON")]
    [InlineData("[]", "must be an object")]
    [InlineData("{}", "schema is missing")]
    [InlineData("""{"schema": "other/2"}""", "other/2")]
    [InlineData("""{"schema": "nativeranger-golden/1", "params": 3}""", "params must be an array")]
    public void A_file_that_is_no_trace_fails_with_the_reason(string text, string reason)
    {
        var check = Assert.Single(Failed(Traces.Of(text)));

        Assert.Contains(reason, check.Reason, StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string> Damages() =>
        new()
        {
            { "family", "null", "family is missing" },
            { "conformance", "\"perhaps\"", "conformance" },
            { "steps", "-1", "steps must be" },
            { "steps", "1.5", "steps must be an integer" },
            { "steps", "21", "gradients has 20 entries for 21 steps" },
            { "gradients", "null", "gradients is missing" },
            { "gradients", "[[[1]]]", "1 entries" },
            { "param_groups", """[{"params": [0, 1, 2]}]""", "param_groups must name each" },
            { "param_groups", """[{"params": [0, 1, 2, 3, 4]}]""", "param_groups must name each" },
            { "options_at_step", """{"2": {"5": {"lr": 1}}}""", "no group 5" },
            { "options_at_step", """{"soon": {}}""", "'soon' is not an integer" },
            { "options", """{"lr": "fast"}""", "options.lr must be a number" },
            { "options", """{"lr": -1}""", "LearningRate" },
            { "options", """{"betas": [0.9]}""", "betas must be two numbers" },
            { "params", """[{"shape": [2], "initial": [1]}]""", "has 2 elements" },
            { "recorded_steps", "[1, 4]", "no step 4" },
            { "expected", "{}", "neither float64 nor float32" },
            { "expected", """{"float64": {"params": {}}}""", "tolerance is missing" },
        };

    [Theory]
    [MemberData(nameof(Damages))]
    public void A_damaged_trace_fails_with_the_reason(string key, string value, string reason)
    {
        var json = Traces.Json(Trace);
        json[key] = JsonNode.Parse(value);

        var failed = Failed(Traces.Of(json));

        Assert.NotEmpty(failed);
        Assert.All(failed, check => Assert.Contains(reason, check.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public void A_damaged_gzip_stream_fails_with_the_reason()
    {
        var check = Assert.Single(
            Failed(new("cut", () => new MemoryStream([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 255, 255, 255])))
        );

        Assert.Contains("gzip", check.Reason, StringComparison.OrdinalIgnoreCase);
    }

    public static TheoryData<string, string, string> Unsupported() =>
        new()
        {
            { "family", "\"lion\"", "the family 'lion'" },
            { "options", """{"lr": 0.1, "warp": 9}""", "the option 'warp'" },
            { "options", """{"lr": 0.1, "maximize": true}""", "the option 'maximize'" },
            { "gradient_source", """{"function": "mystery"}""", "'mystery' has no definition" },
            {
                "gradient_source",
                """{"function": "mystery", "definition": "g_j = sin p_j ?"}""",
                "'mystery' cannot be"
            },
        };

    [Theory]
    [MemberData(nameof(Unsupported))]
    public void What_has_no_counterpart_is_skipped_with_the_reason(string key, string value, string reason)
    {
        var json = Traces.Json(Trace);
        json[key] = JsonNode.Parse(value);

        var check = Assert.Single(Checks(Traces.Of(json)));

        Assert.Equal(Verdict.Skipped, check.Verdict);
        Assert.Contains(reason, check.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_that_are_off_or_null_change_nothing()
    {
        var json = Traces.Json(Trace);
        json["options"]!["maximize"] = false;
        json["options"]!["foreach"] = null;

        Assert.All(Checks(Traces.Of(json)), check => Assert.Equal(Verdict.Passed, check.Verdict));
    }

    [Fact]
    public void A_type_that_the_trace_does_not_record_is_skipped()
    {
        var json = Traces.Json(Trace);
        json["expected"]!["float32"] = null;

        var checks = Checks(Traces.Of(json));

        Assert.Equal(
            Verdict.Skipped,
            checks.Single(check => check.Subject.StartsWith("float32", StringComparison.Ordinal)).Verdict
        );
        Assert.Contains(checks, check => check is { Verdict: Verdict.Passed, Subject: "float64 managed" });
    }

    private static bool Is(Check check, string subject) =>
        string.Equals(check.Subject, subject, StringComparison.Ordinal);

    private static void Add(JsonArray numbers, int index, double difference) =>
        numbers[index] = numbers[index]!.GetValue<double>() + difference;

    private static IReadOnlyList<Check> Checks(TraceFile file) =>
        new Verifier([BackendChoice.ManagedBackend()]).Verify(file);

    private static List<Check> Failed(TraceFile file) =>
        [.. Checks(file).Where(check => check.Verdict == Verdict.Failed)];
}
