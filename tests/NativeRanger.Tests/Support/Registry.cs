using NativeRanger.Numerics;

namespace NativeRanger.Tests.Support;

/// <summary>
/// Everything that laws and conformance run over: optimizers × transforms × wrappers × backends. A new optimizer, transform or
/// wrapper is one line here.
/// </summary>
internal static class Registry
{
    /// <summary>The optimizers, in the forms that have code of their own.</summary>
    public static readonly IReadOnlyDictionary<string, GradientOptimizer> Optimizers = new Dictionary<
        string,
        GradientOptimizer
    >(StringComparer.Ordinal)
    {
        ["sgd"] = new Sgd { LearningRate = 0.1 },
        ["sgd-l2"] = new Sgd { LearningRate = 0.1, WeightDecay = 0.01 },
        ["momentum"] = new Sgd { LearningRate = 0.1, Momentum = 0.9 },
        ["momentum-dampening"] = new Sgd
        {
            LearningRate = 0.1,
            Momentum = 0.9,
            Dampening = 0.25,
            WeightDecay = 0.01,
        },
        ["nesterov"] = new Sgd
        {
            LearningRate = 0.1,
            Momentum = 0.9,
            Nesterov = true,
            WeightDecay = 0.01,
        },
        ["adagrad"] = new AdaGrad { LearningRate = 0.1 },
        ["adagrad-decay"] = new AdaGrad
        {
            LearningRate = 0.1,
            RateDecay = 0.1,
            InitialAccumulator = 0.1,
            WeightDecay = 0.01,
        },
        ["adam"] = new Adam { LearningRate = 0.01 },
        ["adam-l2"] = new Adam { LearningRate = 0.01, WeightDecay = 0.01 },
        ["amsgrad"] = new Adam { LearningRate = 0.01, AmsGrad = true },
        ["adamw"] = new AdamW { LearningRate = 0.01 },
        ["adamw-amsgrad"] = new AdamW { LearningRate = 0.01, AmsGrad = true },
        ["radam"] = new RAdam { LearningRate = 0.01 },
        ["radam-l2"] = new RAdam { LearningRate = 0.01, WeightDecay = 0.01 },
        ["radam-decoupled"] = new RAdam
        {
            LearningRate = 0.01,
            WeightDecay = 0.01,
            DecoupledWeightDecay = true,
        },
        ["radam-skip"] = new RAdam
        {
            LearningRate = 0.01,
            WeightDecay = 0.01,
            DecoupledWeightDecay = true,
            Unrectified = UnrectifiedStep.Skip,
        },
        ["radam-never"] = new RAdam { LearningRate = 0.01, Beta2 = 0.6 },
        ["ranger"] = new Ranger { LearningRate = 0.01 },
        ["ranger-decay"] = new Ranger
        {
            LearningRate = 0.01,
            WeightDecay = 0.01,
            Period = 2,
            Blend = 0.8,
        },
        ["ranger-uncentralised"] = new Ranger { LearningRate = 0.01, Centralization = Centralization.None },
        ["seed-ranger"] = new SeedRanger { LearningRate = 0.01, WeightDecay = 0.01 },
        ["seed-ranger-branches"] = new SeedRanger
        {
            LearningRate = 0.01,
            Beta1 = 0.9,
            Beta2 = 0.9,
            Period = 2,
            Threshold = 4,
        },
    };

    /// <summary>The gradient transforms; each keeps the optimizer's other options.</summary>
    public static readonly IReadOnlyDictionary<string, Func<GradientOptimizer, GradientOptimizer>> Transforms =
        new Dictionary<string, Func<GradientOptimizer, GradientOptimizer>>(StringComparer.Ordinal)
        {
            ["none"] = o => o,
            ["centralised"] = o => o with { Centralization = Centralization.All },
            ["conv-only"] = o => o with { Centralization = Centralization.ConvOnly },
            ["centralised-update"] = o =>
                o with
                {
                    Centralization = Centralization.All,
                    CentralizationTarget = CentralizationTarget.Update,
                },
            ["standardised"] = o => o with { Standardize = true },
            ["clip-value"] = o => o with { ClipValue = 0.5 },
            ["clip-norm"] = o => o with { ClipNorm = 0.5 },
            ["adaptive-clip"] = o => o with { AdaptiveClip = 0.01 },
            ["everything"] = o =>
                o with
                {
                    ClipValue = 1.5,
                    ClipNorm = 2,
                    AdaptiveClip = 0.05,
                    Centralization = Centralization.All,
                    WeightDecay = 0.02,
                },
        };

    /// <summary>The wrappers.</summary>
    public static readonly IReadOnlyDictionary<string, Func<Optimizer, Optimizer>> Wrappers = new Dictionary<
        string,
        Func<Optimizer, Optimizer>
    >(StringComparer.Ordinal)
    {
        ["bare"] = o => o,
        ["lookahead"] = o => new Lookahead(o) { Period = 3, Blend = 0.5 },
        ["lookahead-alpha1"] = o => new Lookahead(o) { Period = 2, Blend = 1 },
        ["lookahead-own-counter"] = o => new Lookahead(o) { Period = 2, Counter = SyncCounter.PerParameter },
        ["lookahead-reset"] = o => new Lookahead(o) { Period = 3, InnerState = InnerState.Reset },
        ["lookahead-pullback"] = o => new Lookahead(o) { Period = 3, InnerState = InnerState.Pullback },
        ["lookahead-twice"] = o => new Lookahead(new Lookahead(o) { Period = 2 }) { Period = 3, Blend = 0.5 },
        ["lookahead-twice-reset"] = o => new Lookahead(
            new Lookahead(o) { Period = 2, Counter = SyncCounter.PerParameter }
        )
        {
            Period = 3,
            InnerState = InnerState.Reset,
        },
    };

    /// <summary>Whether a combination is one that recipes allow.</summary>
    public static bool Allows(string optimizer, string transform, string wrapper) =>
        (
            Optimizers[optimizer] is not SeedRanger
            || transform is "none" or "clip-value" or "clip-norm" or "adaptive-clip"
        )
        && (
            !string.Equals(wrapper, "lookahead-pullback", StringComparison.Ordinal)
            || Optimizers[optimizer] is Sgd { Momentum: > 0 }
        );

    /// <summary>The recipe of a combination.</summary>
    public static Optimizer Recipe(string optimizer, string transform = "none", string wrapper = "bare") =>
        Wrappers[wrapper](Transforms[transform](Optimizers[optimizer]));

    /// <summary>The names of all allowed combinations, as theory data.</summary>
    public static TheoryData<string, string, string> Combinations()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var optimizer in Optimizers.Keys)
        {
            foreach (var transform in Transforms.Keys)
            {
                foreach (var wrapper in Wrappers.Keys.Where(w => Allows(optimizer, transform, w)))
                {
                    data.Add(optimizer, transform, wrapper);
                }
            }
        }

        return data;
    }

    /// <summary>The names of the optimizers, as theory data.</summary>
    /// <summary>Every optimizer with every wrapper that it may have.</summary>
    public static TheoryData<string, string> Wrapped()
    {
        var data = new TheoryData<string, string>();
        foreach (var optimizer in Optimizers.Keys)
        {
            foreach (var wrapper in Wrappers.Keys.Where(w => Allows(optimizer, "none", w)))
            {
                data.Add(optimizer, wrapper);
            }
        }

        return data;
    }

    public static TheoryData<string> OptimizerNames() => [.. Optimizers.Keys];

    /// <summary>The native backend on every instruction set that can run here.</summary>
    public static IEnumerable<Backend> NativeBackends() => NativeBackend.Available.Select(isa => NativeBackend.On(isa));

    /// <summary>Every backend that can run here, the reference last.</summary>
    public static IEnumerable<Backend> Backends() => NativeBackends().Append(Backend.Managed);
}
