namespace NativeRanger.Checkpoints;

/// <summary>One kind of recipe: its name in checkpoints, how to make one, and all its options.</summary>
/// <param name="Name">The name in checkpoints.</param>
/// <param name="Type">The record.</param>
/// <param name="Create">The recipe with its defaults; its argument is the inner recipe of a wrapper, otherwise null.</param>
/// <param name="Options">Every option but a wrapper's inner recipe and what it takes from there.</param>
internal sealed record RecipeKind(
    string Name,
    Type Type,
    Func<Optimizer?, Optimizer> Create,
    IReadOnlyList<RecipeOption> Options
)
{
    private static readonly RecipeOption[] GradientOptions =
    [
        RecipeOption<GradientOptimizer>.Number(
            "learning_rate",
            o => o.LearningRate,
            (o, v) => o with { LearningRate = v }
        ),
        RecipeOption<GradientOptimizer>.Choice("non_finite", o => o.NonFinite, (o, v) => o with { NonFinite = v }),
        RecipeOption<GradientOptimizer>.Number(
            "weight_decay",
            o => o.WeightDecay,
            (o, v) => o with { WeightDecay = v }
        ),
        RecipeOption<GradientOptimizer>.Choice(
            "centralization",
            o => o.Centralization,
            (o, v) => o with { Centralization = v }
        ),
        RecipeOption<GradientOptimizer>.Choice(
            "centralization_target",
            o => o.CentralizationTarget,
            (o, v) => o with { CentralizationTarget = v }
        ),
        RecipeOption<GradientOptimizer>.Flag("standardize", o => o.Standardize, (o, v) => o with { Standardize = v }),
        RecipeOption<GradientOptimizer>.Number(
            "standardization_epsilon",
            o => o.StandardizationEpsilon,
            (o, v) => o with { StandardizationEpsilon = v }
        ),
        RecipeOption<GradientOptimizer>.NumberOrNull(
            "clip_value",
            o => o.ClipValue,
            (o, v) => o with { ClipValue = v }
        ),
        RecipeOption<GradientOptimizer>.NumberOrNull("clip_norm", o => o.ClipNorm, (o, v) => o with { ClipNorm = v }),
        RecipeOption<GradientOptimizer>.NumberOrNull(
            "adaptive_clip",
            o => o.AdaptiveClip,
            (o, v) => o with { AdaptiveClip = v }
        ),
    ];

    private static readonly RecipeOption[] MomentOptions =
    [
        .. GradientOptions,
        RecipeOption<MomentOptimizer>.Number("beta1", o => o.Beta1, (o, v) => o with { Beta1 = v }),
        RecipeOption<MomentOptimizer>.Number("beta2", o => o.Beta2, (o, v) => o with { Beta2 = v }),
        RecipeOption<MomentOptimizer>.Number("epsilon", o => o.Epsilon, (o, v) => o with { Epsilon = v }),
    ];

    /// <summary>All kinds. Their names, and those of their options, are pinned: old checkpoints hold them.</summary>
    public static IReadOnlyList<RecipeKind> All { get; } =
    [
        new(
            "sgd",
            typeof(Sgd),
            _ => new Sgd(),
            [
                .. GradientOptions,
                RecipeOption<Sgd>.Number("momentum", o => o.Momentum, (o, v) => o with { Momentum = v }),
                RecipeOption<Sgd>.Number("dampening", o => o.Dampening, (o, v) => o with { Dampening = v }),
                RecipeOption<Sgd>.Flag("nesterov", o => o.Nesterov, (o, v) => o with { Nesterov = v }),
            ]
        ),
        new(
            "adagrad",
            typeof(AdaGrad),
            _ => new AdaGrad(),
            [
                .. GradientOptions,
                RecipeOption<AdaGrad>.Number("rate_decay", o => o.RateDecay, (o, v) => o with { RateDecay = v }),
                RecipeOption<AdaGrad>.Number(
                    "initial_accumulator",
                    o => o.InitialAccumulator,
                    (o, v) => o with { InitialAccumulator = v }
                ),
                RecipeOption<AdaGrad>.Number("epsilon", o => o.Epsilon, (o, v) => o with { Epsilon = v }),
            ]
        ),
        new(
            "adam",
            typeof(Adam),
            _ => new Adam(),
            [.. MomentOptions, RecipeOption<Adam>.Flag("amsgrad", o => o.AmsGrad, (o, v) => o with { AmsGrad = v })]
        ),
        new(
            "adamw",
            typeof(AdamW),
            _ => new AdamW(),
            [.. MomentOptions, RecipeOption<AdamW>.Flag("amsgrad", o => o.AmsGrad, (o, v) => o with { AmsGrad = v })]
        ),
        new(
            "radam",
            typeof(RAdam),
            _ => new RAdam(),
            [
                .. MomentOptions,
                RecipeOption<RAdam>.Number("threshold", o => o.Threshold, (o, v) => o with { Threshold = v }),
                RecipeOption<RAdam>.Choice("unrectified", o => o.Unrectified, (o, v) => o with { Unrectified = v }),
                RecipeOption<RAdam>.Flag(
                    "decoupled_weight_decay",
                    o => o.DecoupledWeightDecay,
                    (o, v) => o with { DecoupledWeightDecay = v }
                ),
            ]
        ),
        new(
            "ranger",
            typeof(Ranger),
            _ => new Ranger(),
            [
                .. MomentOptions,
                RecipeOption<Ranger>.Number("threshold", o => o.Threshold, (o, v) => o with { Threshold = v }),
                RecipeOption<Ranger>.Integer("period", o => o.Period, (o, v) => o with { Period = v }),
                RecipeOption<Ranger>.Number("blend", o => o.Blend, (o, v) => o with { Blend = v }),
            ]
        ),
        new(
            "seed_ranger",
            typeof(SeedRanger),
            _ => new SeedRanger(),
            [
                .. MomentOptions,
                RecipeOption<SeedRanger>.Number("threshold", o => o.Threshold, (o, v) => o with { Threshold = v }),
                RecipeOption<SeedRanger>.Integer("period", o => o.Period, (o, v) => o with { Period = v }),
                RecipeOption<SeedRanger>.Number("blend", o => o.Blend, (o, v) => o with { Blend = v }),
            ]
        ),
        new(
            "lookahead",
            typeof(Lookahead),
            inner => new Lookahead(inner ?? throw new FormatException("A lookahead has no inner optimizer.")),
            [
                RecipeOption<Lookahead>.Integer("period", o => o.Period, (o, v) => o with { Period = v }),
                RecipeOption<Lookahead>.Number("blend", o => o.Blend, (o, v) => o with { Blend = v }),
                RecipeOption<Lookahead>.Choice("inner_state", o => o.InnerState, (o, v) => o with { InnerState = v }),
                RecipeOption<Lookahead>.Choice("counter", o => o.Counter, (o, v) => o with { Counter = v }),
            ]
        ),
    ];

    public static RecipeKind Of(Optimizer optimizer) => All.First(kind => kind.Type == optimizer.GetType());

    public static RecipeKind? Named(string name) =>
        All.FirstOrDefault(kind => string.Equals(kind.Name, name, StringComparison.Ordinal));
}
