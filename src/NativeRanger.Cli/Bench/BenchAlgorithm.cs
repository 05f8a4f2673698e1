namespace NativeRanger.Cli.Bench;

/// <summary>An algorithm that is measured.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Algorithm">What it is, whether centralised or not.</param>
/// <param name="Centralised">Whether gradients are centralised.</param>
/// <param name="Arrays">The arrays that every step reads and writes: the parameter and its states.</param>
/// <param name="Recipe">Its recipe.</param>
internal sealed record BenchAlgorithm(string Name, string Algorithm, bool Centralised, int Arrays, Optimizer Recipe)
{
    private const double Momentum = 0.9;
    private const double Decay = 0.01;

    public static IReadOnlyList<BenchAlgorithm> All { get; } =
    [
        new("sgd", "sgd", false, 1, new Sgd()),
        new("momentum", "momentum", false, 2, new Sgd { Momentum = Momentum }),
        new("adagrad", "adagrad", false, 2, new AdaGrad()),
        new("adam", "adam", false, 3, new Adam()),
        new("adamw", "adamw", false, 3, new AdamW { WeightDecay = Decay }),
        new("radam", "radam", false, 3, new RAdam()),
        new("radam-gc", "radam", true, 3, new RAdam { Centralization = Centralization.All }),
        new("ranger", "ranger", true, 3, new Ranger()),
        new("ranger-nogc", "ranger", false, 3, new Ranger { Centralization = Centralization.None }),
    ];

    /// <summary>What is measured when nothing is asked for: one of each pattern of streams, and what Ranger adds.</summary>
    public static IReadOnlyList<BenchAlgorithm> Default { get; } =
    [.. new[] { "sgd", "momentum", "adagrad", "adam", "radam", "ranger" }.Select(name => Find(name)!)];

    /// <summary>The steps from one synchronisation of slow weights to the next; 0 where there are none.</summary>
    public int Period { get; } = (Recipe as Ranger)?.Period ?? 0;

    /// <summary>Arrays of the working set: the gradient, and what steps read and write.</summary>
    public int WorkingSetArrays => 1 + Arrays + (Period > 0 ? 1 : 0);

    public static BenchAlgorithm? Find(string name) =>
        All.FirstOrDefault(a => string.Equals(a.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// Bytes that a step reads and writes per element, averaged over the period of the slow weights: the gradient once, every
    /// other array twice.
    /// </summary>
    public double BytesPerElement(int elementBytes) =>
        elementBytes * (1 + (2.0 * Arrays) + (Period > 0 ? 2.0 / Period : 0));
}
