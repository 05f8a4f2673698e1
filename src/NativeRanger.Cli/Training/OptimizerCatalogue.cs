namespace NativeRanger.Cli.Training;

/// <summary>An optimizer that can be trained with.</summary>
/// <param name="Name">Its name on the command line and in results.</param>
/// <param name="Label">Its name for people.</param>
/// <param name="Recipe">Its recipe, at its default learning rate.</param>
internal sealed record OptimizerChoice(string Name, string Label, Optimizer Recipe);

/// <summary>The optimizers by name; <c>lookahead-</c> before any of them wraps it.</summary>
internal static class OptimizerCatalogue
{
    private const string Wrapper = "lookahead-";
    private const double Momentum = 0.9;

    /// <summary>The optimizers that are not wrapped.</summary>
    public static IReadOnlyList<OptimizerChoice> Plain { get; } =
    [
        new("sgd", "SGD", new Sgd()),
        new("momentum", "SGD with momentum", new Sgd { Momentum = Momentum }),
        new("nesterov", "Nesterov", new Sgd { Momentum = Momentum, Nesterov = true }),
        new("adagrad", "AdaGrad", new AdaGrad()),
        new("adam", "Adam", new Adam()),
        new("amsgrad", "AMSGrad", new Adam { AmsGrad = true }),
        new("adamw", "AdamW", new AdamW()),
        new("radam", "RAdam", new RAdam()),
        new("ranger", "Ranger", new Ranger()),
        new("ranger-nogc", "Ranger, not centralised", new Ranger { Centralization = Centralization.None }),
        new("seed-ranger", "SeedRanger", new SeedRanger()),
    ];

    /// <summary>What is compared when nothing is asked for.</summary>
    public static IReadOnlyList<OptimizerChoice> Compared { get; } =
    [
        .. new[] { "sgd", "nesterov", "adam", "lookahead-nesterov", "ranger", "ranger-nogc" }
            .Select(Find)
            .Select(choice => choice!),
    ];

    /// <summary>Everything: what a sweep compares.</summary>
    public static IReadOnlyList<OptimizerChoice> All { get; } =
    [.. Plain, .. new[] { "sgd", "nesterov", "adagrad", "adam", "radam" }.Select(inner => Find(Wrapper + inner)!)];

    /// <summary>Everything that differs on a vector, of which nothing is centralised.</summary>
    public static IReadOnlyList<OptimizerChoice> OnVectors { get; } =
    [.. All.Where(choice => choice.Recipe is not Ranger { Centralization: Centralization.None })];

    /// <summary>The optimizer of that name, as in <c>adam</c>, <c>lookahead-adam</c> or <c>Lookahead(Adam)</c>; null if there is none.</summary>
    public static OptimizerChoice? Find(string name)
    {
        var wanted = name.ToLowerInvariant().Replace('(', '-').TrimEnd(')');
        if (Plain.FirstOrDefault(choice => string.Equals(choice.Name, wanted, StringComparison.Ordinal)) is { } plain)
        {
            return plain;
        }

        return wanted.StartsWith(Wrapper, StringComparison.Ordinal) && Find(wanted[Wrapper.Length..]) is { } inner
            ? new(
                Wrapper + inner.Name,
                $"Lookahead({inner.Label})",
                new Lookahead(inner.Recipe) { Period = 5, Blend = 0.5 }
            )
            : null;
    }
}
