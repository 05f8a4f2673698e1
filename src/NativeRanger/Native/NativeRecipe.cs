using System.Numerics;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>A recipe taken apart as the C contract wants it: one algorithm, and Lookahead levels around it, innermost first.</summary>
internal sealed class NativeRecipe
{
    private readonly GradientOptimizer core;

    private NativeRecipe(GradientOptimizer core, Lookahead[] levels)
    {
        this.core = core;
        Levels = levels;
    }

    /// <summary>The Lookahead levels, innermost first.</summary>
    public Lookahead[] Levels { get; }

    /// <summary>The threshold of the global norm, or null.</summary>
    public double? ClipNorm => core.ClipNorm;

    /// <summary>What the accumulators start at.</summary>
    public double InitialState => core is AdaGrad adaGrad ? adaGrad.InitialAccumulator : 0;

    /// <summary>Whether there are scalars beside the arrays.</summary>
    public bool HasScalars => core is SeedRanger;

    public static NativeRecipe Of(Optimizer optimizer)
    {
        var levels = new List<Lookahead>();
        while (true)
        {
            switch (optimizer)
            {
                case Ranger ranger:
                    optimizer = ranger.Composition;
                    break;
                case Lookahead lookahead:
                    levels.Add(lookahead);
                    optimizer = lookahead.Inner;
                    break;
                default:
                    levels.Reverse();
                    return new((GradientOptimizer)optimizer, [.. levels]);
            }
        }
    }

    /// <summary>How long a step of an element takes, roughly, against one that divides by a square root.</summary>
    public double Work =>
        core switch
        {
            Sgd { Momentum: 0 } => 0.25,
            Sgd => 0.5,
            _ => 1,
        };

    /// <summary>The names of the state arrays, in the order of the C contract; null where one is not used.</summary>
    public string?[] StateArrays() =>
        core switch
        {
            Sgd { Momentum: 0 } => [],
            Sgd => [StateNames.Momentum],
            AdaGrad => [StateNames.Accumulator],
            Adam { AmsGrad: true } or AdamW { AmsGrad: true } =>
            [
                StateNames.FirstMoment,
                StateNames.SecondMoment,
                StateNames.MaximumSecondMoment,
            ],
            SeedRanger =>
            [
                StateNames.FirstMoment,
                StateNames.SecondMoment,
                StateNames.SlowFirstMoment,
                StateNames.SlowSecondMoment,
            ],
            _ => [StateNames.FirstMoment, StateNames.SecondMoment],
        };

    /// <summary>The options that stay the same from step to step.</summary>
    public unsafe nr_options Options<T>(InstructionSet instructionSet)
        where T : unmanaged
    {
        var options = new nr_options
        {
            struct_size = (uint)sizeof(nr_options),
            type = (int)(typeof(T) == typeof(float) ? nr_type.NR_FLOAT32 : nr_type.NR_FLOAT64),
            isa = (int)instructionSet,
            learning_rate = core.LearningRate,
            weight_decay = core.WeightDecay,
            gradient_scale = 1,
            clip_value = core.ClipValue ?? double.PositiveInfinity,
            clip_factor = 1,
            adaptive_clip = core.AdaptiveClip ?? 0,
            standardise_epsilon = core.StandardizationEpsilon,
        };
        if (core is MomentOptimizer moments)
        {
            (options.beta1, options.beta2, options.epsilon) = (moments.Beta1, moments.Beta2, moments.Epsilon);
        }

        nr_option_flags flags = 0;
        switch (core)
        {
            case Sgd sgd:
                options.algorithm = (int)nr_algorithm.NR_SGD;
                (options.beta1, options.dampening) = (sgd.Momentum, sgd.Dampening);
                flags |= sgd.Nesterov ? nr_option_flags.NR_NESTEROV : 0;
                break;
            case AdaGrad adaGrad:
                options.algorithm = (int)nr_algorithm.NR_ADAGRAD;
                (options.epsilon, options.rate_decay) = (adaGrad.Epsilon, adaGrad.RateDecay);
                options.initial_accumulator = adaGrad.InitialAccumulator;
                break;
            case Adam adam:
                options.algorithm = (int)nr_algorithm.NR_ADAM;
                flags |= adam.AmsGrad ? nr_option_flags.NR_AMSGRAD : 0;
                break;
            case AdamW adamW:
                options.algorithm = (int)nr_algorithm.NR_ADAM;
                flags |= nr_option_flags.NR_DECOUPLED_DECAY | (adamW.AmsGrad ? nr_option_flags.NR_AMSGRAD : 0);
                break;
            case RAdam radam:
                options.algorithm = (int)nr_algorithm.NR_RADAM;
                options.threshold = radam.Threshold;
                flags |= radam.DecoupledWeightDecay ? nr_option_flags.NR_DECOUPLED_DECAY : 0;
                flags |= radam.Unrectified == UnrectifiedStep.Skip ? nr_option_flags.NR_SKIP_UNRECTIFIED : 0;
                break;
            case SeedRanger seed:
                options.algorithm = (int)nr_algorithm.NR_SEED_RANGER;
                (options.threshold, options.seed_alpha, options.seed_period) = (
                    seed.Threshold,
                    seed.Blend,
                    seed.Period
                );
                break;
        }

        flags |= core.CentralizationTarget == CentralizationTarget.Update ? nr_option_flags.NR_CENTRALISE_UPDATE : 0;
        options.flags = (uint)flags;
        return options;
    }

    /// <summary>Whether a sync restarts the inner optimizer: not with α = 1, which is the inner optimizer itself.</summary>
    public bool Resets(int level) => Levels[level] is { InnerState: InnerState.Reset, Blend: < 1 };

    /// <summary>One follower per level: its blend and what a sync does.</summary>
    public nr_follower Follower(int level)
    {
        var flags =
            nr_follower_flags.NR_FOLLOWER_LEADS
            | Levels[level].InnerState switch
            {
                InnerState.Reset when Resets(level) => nr_follower_flags.NR_FOLLOWER_RESET,
                InnerState.Pullback => nr_follower_flags.NR_FOLLOWER_PULLBACK,
                _ => 0,
            };
        return new() { weight = Levels[level].Blend, flags = (uint)flags };
    }

    /// <summary>The row transforms that apply to a parameter.</summary>
    public nr_tensor_flags RowTransforms<T>(Parameter<T> parameter)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var standardize = core.Standardize || core is SeedRanger;
        var scope =
            standardize && core.Centralization == Centralization.None ? Centralization.All : core.Centralization;
        var dimensions = parameter.Shape.Length;
        var applies = scope switch
        {
            Centralization.All => dimensions > 1,
            Centralization.ConvOnly => dimensions > 3,
            _ => false,
        };
        return !applies || parameter.Rows.RowLength < 2 ? 0
            : standardize ? nr_tensor_flags.NR_STANDARDISE
            : nr_tensor_flags.NR_CENTRALISE;
    }

    /// <summary>Whether a transform takes rows together.</summary>
    public bool RowsMatter<T>(Parameter<T> parameter)
        where T : unmanaged, IFloatingPointIeee754<T> => RowTransforms(parameter) != 0 || core.AdaptiveClip is not null;

    /// <summary>Whether the mean of its gradient is all that a step must know of a whole row.</summary>
    public bool OnlyMeansMatter<T>(Parameter<T> parameter)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        RowTransforms(parameter) == nr_tensor_flags.NR_CENTRALISE
        && core.AdaptiveClip is null
        && core.CentralizationTarget == CentralizationTarget.Gradient;

    /// <summary>Where the rows of a parameter lie, or one flat row where no transform needs them.</summary>
    public RowLayout Layout<T>(Parameter<T> parameter)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        RowsMatter(parameter) ? parameter.Rows : new(1, 1, parameter.Length);
}
