using System.Globalization;
using System.Text.Json;

namespace NativeRanger.Exchange;

/// <summary>An option of an optimizer class in Python.</summary>
/// <param name="Name">Its key in a parameter group.</param>
/// <param name="Get">Its value in a recipe, as JSON.</param>
/// <param name="Default">What its absence means, as JSON; null where it must be there.</param>
internal sealed record TorchOption(string Name, Func<Optimizer, string> Get, string? Default = null)
{
    /// <summary>Whether it is written: not where its absence says the same.</summary>
    public bool IsWritten(Optimizer optimizer) => !string.Equals(Get(optimizer), Default, StringComparison.Ordinal);

    /// <summary>The text of two JSON values that mean the same: 1 and 1.0 do.</summary>
    /// <exception cref="InvalidDataException">The text from a file is no JSON.</exception>
    public static bool Same(string expected, string found)
    {
        try
        {
            using var one = JsonDocument.Parse(expected);
            using var other = JsonDocument.Parse(found, new() { MaxDepth = 2 });
            return JsonElement.DeepEquals(one.RootElement, other.RootElement);
        }
        catch (JsonException malformed)
        {
            throw new InvalidDataException(
                $"The checkpoint is damaged or hostile: an option is no JSON: {malformed.Message}",
                malformed
            );
        }
    }

    public static string Json(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    public static string Json(bool value) => value ? "true" : "false";
}

/// <summary>An array of the state: its key in Python, and its name among <see cref="StateNames"/>.</summary>
internal readonly record struct TorchArray(string Key, string Name);

/// <summary>How an optimizer class in Python names its options and its state.</summary>
/// <param name="Name">The name of the class.</param>
/// <param name="Options">Its options in a parameter group.</param>
/// <param name="CountsSteps">Whether its state holds the steps of each parameter.</param>
internal sealed record TorchClass(string Name, IReadOnlyList<TorchOption> Options, bool CountsSteps)
{
    public const string StepKey = "step";

    private static readonly TorchOption Maximize = new("maximize", _ => "false", Default: "false");

    private static readonly TorchOption[] Common =
    [
        Option<GradientOptimizer>("lr", o => o.LearningRate),
        Option<GradientOptimizer>("weight_decay", o => o.WeightDecay),
        Maximize,
    ];

    private static readonly TorchOption[] Moments =
    [
        .. Common,
        new(
            "betas",
            o => $"[{TorchOption.Json(((MomentOptimizer)o).Beta1)}, {TorchOption.Json(((MomentOptimizer)o).Beta2)}]"
        ),
        Option<MomentOptimizer>("eps", o => o.Epsilon),
    ];

    private static readonly TorchClass Sgd = new(
        "SGD",
        [
            .. Common,
            Option<Sgd>("momentum", o => o.Momentum),
            Option<Sgd>("dampening", o => o.Dampening),
            new("nesterov", o => TorchOption.Json(((Sgd)o).Nesterov)),
        ],
        CountsSteps: false
    );

    private static readonly TorchClass Adagrad = new(
        "Adagrad",
        [
            .. Common,
            Option<AdaGrad>("lr_decay", o => o.RateDecay),
            Option<AdaGrad>("initial_accumulator_value", o => o.InitialAccumulator),
            Option<AdaGrad>("eps", o => o.Epsilon),
        ],
        CountsSteps: true
    );

    private static readonly TorchClass Adam = new(
        "Adam",
        [.. Moments, new("amsgrad", o => TorchOption.Json(((Adam)o).AmsGrad))],
        CountsSteps: true
    );

    private static readonly TorchClass AdamW = new(
        "AdamW",
        [.. Moments, new("amsgrad", o => TorchOption.Json(((AdamW)o).AmsGrad))],
        CountsSteps: true
    );

    private static readonly TorchClass RAdam = new(
        "RAdam",
        [
            .. Moments,
            // PyTorch has had it since 2.1.
            new("decoupled_weight_decay", o => TorchOption.Json(((RAdam)o).DecoupledWeightDecay), Default: "false"),
        ],
        CountsSteps: true
    );

    private static readonly TorchClass Ranger = new(
        "Ranger",
        [
            .. Moments,
            Option<Ranger>("alpha", o => o.Blend),
            Option<Ranger>("k", o => o.Period),
            // The original's spelling.
            Option<Ranger>("N_sma_threshhold", o => o.Threshold),
        ],
        CountsSteps: true
    );

    /// <summary>
    /// Options that say how PyTorch computes, and not what; the original Ranger never uses its step_counter; a rate that a
    /// scheduler has changed has its base in initial_lr, which is compared in the place of lr.
    /// </summary>
    public static IReadOnlySet<string> Ignored { get; } =
        new HashSet<string>(StringComparer.Ordinal)
        {
            "foreach",
            "fused",
            "capturable",
            "differentiable",
            "step_counter",
            InitialRate,
        };

    public const string Rate = "lr";
    public const string InitialRate = "initial_lr";

    /// <summary>The class, or null where Python has none.</summary>
    /// <param name="core">The recipe without its Lookahead.</param>
    public static TorchClass? Of(Optimizer core) =>
        core switch
        {
            NativeRanger.Sgd => Sgd,
            AdaGrad => Adagrad,
            NativeRanger.Adam => Adam,
            NativeRanger.AdamW => AdamW,
            NativeRanger.RAdam => RAdam,
            NativeRanger.Ranger => Ranger,
            _ => null,
        };

    /// <summary>The arrays of the state of one parameter.</summary>
    public static IEnumerable<TorchArray> Arrays(Optimizer core) =>
        core switch
        {
            NativeRanger.Sgd { Momentum: 0 } => [],
            NativeRanger.Sgd => [new("momentum_buffer", StateNames.Momentum)],
            AdaGrad => [new("sum", StateNames.Accumulator)],
            NativeRanger.Adam { AmsGrad: true } or NativeRanger.AdamW { AmsGrad: true } =>
            [
                .. BothMoments,
                new("max_exp_avg_sq", StateNames.MaximumSecondMoment),
            ],
            NativeRanger.Ranger => [.. BothMoments, new("slow_buffer", StateNames.SlowWeights(0))],
            _ => BothMoments,
        };

    private static readonly TorchArray[] BothMoments =
    [
        new("exp_avg", StateNames.FirstMoment),
        new("exp_avg_sq", StateNames.SecondMoment),
    ];

    private static TorchOption Option<TRecipe>(string name, Func<TRecipe, double> get)
        where TRecipe : Optimizer => new(name, optimizer => TorchOption.Json(get((TRecipe)optimizer)));
}
