namespace NativeRanger.Exchange;

/// <summary>The names in a file of <see cref="TorchState"/>, whose documentation explains them.</summary>
internal static class TorchNames
{
    public const string Format = "format";
    public const string FormatValue = "pt";
    public const string Class = "optimizer";
    public const string Steps = "steps";
    public const string LookaheadStep = "lookahead._la_step";
    public const string LookaheadPeriod = "lookahead._total_la_steps";
    public const string LookaheadBlend = "lookahead.la_alpha";
    public const string LookaheadMomentum = "lookahead.pullback_momentum";
    public const string CachedParameters = "cached_params";
    public const string CachedMomentum = "cached_mom";

    public static string Parameter(string name) => "model." + name;

    public static string State(string name, string key) => $"optimizer.state.{name}.{key}";

    public static string Lookahead(string name, string key) => $"lookahead.state.{name}.{key}";

    public static string Option(string name, string option) => OptionsOf(name) + option;

    public static string OptionsOf(string name) => $"optimizer.param_groups.{name}.";
}
