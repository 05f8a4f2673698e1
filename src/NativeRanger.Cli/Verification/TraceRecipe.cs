namespace NativeRanger.Cli.Verification;

/// <summary>A trace asks for something that there is no counterpart of.</summary>
internal sealed class UnsupportedTraceException(string message) : Exception(message);

/// <summary>Translates the original's options into a recipe.</summary>
internal static class TraceRecipe
{
    private const string RAdam = "radam";
    private const string CentralizedPrefix = "gc-";

    /// <summary>The recipe of a group.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="options">The options of the group: the trace's with the group's over them.</param>
    /// <exception cref="UnsupportedTraceException">A family or an option that there is no counterpart of.</exception>
    /// <exception cref="TraceFormatException">An option is not of the documented type.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static Optimizer Of(Trace trace, TraceValues options)
    {
        var family = trace.Family.ToLowerInvariant();
        var inner = family is "lookahead" ? trace.Lookahead?.Inner.ToLowerInvariant() : family;
        if (inner is null)
        {
            throw new TraceFormatException("lookahead is missing, which the family lookahead needs.");
        }

        var recipe = Core(inner, options);
        return trace.Lookahead is { } lookahead ? Wrap(recipe, lookahead) : recipe;
    }

    private static GradientOptimizer Core(string family, TraceValues options)
    {
        var centralized = family.StartsWith(CentralizedPrefix, StringComparison.Ordinal);
        var reader = new OptionReader(options);
        GradientOptimizer recipe = (centralized ? family[CentralizedPrefix.Length..] : family) switch
        {
            "sgd" => reader.Read(new Sgd()),
            "adagrad" => reader.Read(new AdaGrad()),
            "adam" => reader.Read(new Adam()),
            "adamw" => reader.Read(new AdamW()),
            RAdam => reader.Read(new RAdam { DecoupledWeightDecay = centralized }),
            "ranger" => reader.Read(new Ranger()),
            "seed-ranger" => reader.Read(new SeedRanger()),
            _ => throw new UnsupportedTraceException($"the family '{family}' is not known"),
        };
        recipe = reader.ReadCommon(recipe, centralized);
        reader.RefuseUnread();
        return recipe;
    }

    private static Lookahead Wrap(Optimizer inner, TraceLookahead lookahead)
    {
        var wrapper = new Lookahead(inner)
        {
            InnerState = lookahead.InnerState switch
            {
                "none" => InnerState.Keep,
                "reset" => InnerState.Reset,
                "pullback" => InnerState.Pullback,
                var other => throw new UnsupportedTraceException($"pullback_momentum '{other}' is not known"),
            },
        };
        return wrapper with
        {
            Period = lookahead.Period?.Integer() ?? wrapper.Period,
            Blend = lookahead.Blend?.Number() ?? wrapper.Blend,
        };
    }

    /// <summary>Reads options by their original names and remembers which.</summary>
    private sealed class OptionReader(TraceValues options)
    {
        /// <summary>Options of the originals that change nothing, as long as they are off.</summary>
        private static readonly string[] Harmless = ["maximize", "foreach", "capturable", "differentiable", "fused"];

        private readonly HashSet<string> read = new(StringComparer.Ordinal);

        public Sgd Read(Sgd recipe) =>
            // Set together: the recipe refuses Nesterov with dampening whichever comes last.
            recipe with
            {
                Momentum = Number("momentum") ?? recipe.Momentum,
                Dampening = Number("dampening") ?? recipe.Dampening,
                Nesterov = Flag("nesterov") ?? recipe.Nesterov,
            };

        public AdaGrad Read(AdaGrad recipe) =>
            recipe with
            {
                RateDecay = Number("lr_decay") ?? recipe.RateDecay,
                InitialAccumulator = Number("initial_accumulator_value") ?? recipe.InitialAccumulator,
                Epsilon = Number("eps") ?? recipe.Epsilon,
            };

        public Adam Read(Adam recipe) => Moments(recipe) with { AmsGrad = Flag("amsgrad") ?? recipe.AmsGrad };

        public AdamW Read(AdamW recipe) => Moments(recipe) with { AmsGrad = Flag("amsgrad") ?? recipe.AmsGrad };

        public RAdam Read(RAdam recipe)
        {
            var threshold = Number("N_sma_threshhold") ?? recipe.Threshold;
            recipe = Moments(recipe) with { Threshold = threshold };
            // Only the authors' RAdam has this option, and only PyTorch's the other; they also differ in the decay.
            if (Flag("degenerated_to_sgd") is { } degenerated)
            {
                return recipe with
                {
                    DecoupledWeightDecay = true,
                    Unrectified = degenerated ? UnrectifiedStep.Sgd : UnrectifiedStep.Skip,
                };
            }

            return recipe with
            {
                DecoupledWeightDecay = Flag("decoupled_weight_decay") ?? recipe.DecoupledWeightDecay,
            };
        }

        public Ranger Read(Ranger recipe) =>
            Moments(recipe) with
            {
                Blend = Number("alpha") ?? recipe.Blend,
                Period = Integer("k") ?? recipe.Period,
                Threshold = Number("N_sma_threshhold") ?? recipe.Threshold,
            };

        public SeedRanger Read(SeedRanger recipe) =>
            Moments(recipe) with
            {
                Blend = Number("alpha") ?? recipe.Blend,
                Period = Integer("k") ?? recipe.Period,
                Threshold = Number("N_sma_threshhold") ?? recipe.Threshold,
            };

        public GradientOptimizer ReadCommon(GradientOptimizer recipe, bool centralized)
        {
            var use = Flag("use_gc") ?? (centralized || recipe.Centralization != Centralization.None);
            var convOnly = Flag("gc_conv_only") ?? false;
            var onGradient = Flag("gc_loc") ?? true;
            return recipe with
            {
                LearningRate = Number("lr") ?? recipe.LearningRate,
                WeightDecay = Number("weight_decay") ?? recipe.WeightDecay,
                Centralization =
                    !use ? Centralization.None
                    : convOnly ? Centralization.ConvOnly
                    : Centralization.All,
                CentralizationTarget = onGradient ? CentralizationTarget.Gradient : CentralizationTarget.Update,
            };
        }

        public void RefuseUnread()
        {
            foreach (var name in options.Names.Where(name => !read.Contains(name) && options[name] is not null))
            {
                if (!Harmless.Contains(name, StringComparer.Ordinal) || options[name]!.Value.Flag())
                {
                    throw new UnsupportedTraceException($"the option '{name}' has no counterpart");
                }
            }
        }

        private TRecipe Moments<TRecipe>(TRecipe recipe)
            where TRecipe : MomentOptimizer
        {
            var betas = Value("betas") is { } node ? node.Numbers() : [recipe.Beta1, recipe.Beta2];
            if (betas.Length != 2)
            {
                throw new TraceFormatException($"betas must be two numbers; there are {betas.Length}.");
            }

            MomentOptimizer changed = recipe;
            return (TRecipe)(
                changed with
                {
                    Beta1 = betas[0],
                    Beta2 = betas[1],
                    Epsilon = Number("eps") ?? recipe.Epsilon,
                }
            );
        }

        private double? Number(string name) => Value(name)?.Number();

        private int? Integer(string name) => Value(name)?.Integer();

        private bool? Flag(string name) => Value(name)?.Flag();

        private TraceNode? Value(string name)
        {
            read.Add(name);
            return options[name];
        }
    }
}
