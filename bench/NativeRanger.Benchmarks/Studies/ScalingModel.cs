using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Benchmarks.Studies;

/// <summary>The time of a step as a fixed cost, a cost per tensor, and bytes moved over the bandwidth of where they lie.</summary>
/// <param name="Threads">The threads of the step.</param>
/// <param name="FixedNs">Nanoseconds of a step of nothing.</param>
/// <param name="NsPerTensor">Nanoseconds that a further tensor adds, beyond its bytes.</param>
/// <param name="GigabytesPerSecond">Bandwidth per level: second-level cache, last-level cache, memory; null where nothing was measured.</param>
internal sealed record ScalingModel(
    int Threads,
    double FixedNs,
    double NsPerTensor,
    IReadOnlyList<double?> GigabytesPerSecond
)
{
    /// <summary>The levels, as bandwidths are listed.</summary>
    public static IReadOnlyList<string> Levels { get; } = ["second-level cache", "last-level cache", "memory"];

    /// <summary>Bytes that a RAdam step reads and writes per float32 element.</summary>
    private const double BytesPerElement = 28;

    /// <summary>Fits the model to relative errors: every size counts the same.</summary>
    public static ScalingModel Fit(int threads, IReadOnlyList<ScalingPoint> points, long secondLevel, long lastLevel)
    {
        int LevelOf(ScalingPoint p) => Level(p, threads, secondLevel, lastLevel);
        var levels = points.Select(LevelOf).Distinct().Order().ToArray();
        var severalTensors = points.Any(p => p.Tensors > 1);
        var design = Matrix<double>.Build.Dense(
            points.Count,
            1 + levels.Length + (severalTensors ? 1 : 0),
            (i, j) =>
            {
                var p = points[i];
                var term =
                    j == 0 ? 1
                    : j <= levels.Length ? (LevelOf(p) == levels[j - 1] ? BytesPerElement * p.Elements : 0)
                    : p.Tensors - 1;
                return term / p.Nanoseconds;
            }
        );
        var fitted = design.QR().Solve(Vector<double>.Build.Dense(points.Count, 1));
        return new(
            threads,
            fitted[0],
            severalTensors ? fitted[^1] : 0,
            [
                .. Levels.Select(
                    (_, level) =>
                        Array.IndexOf(levels, level) is >= 0 and var index ? 1 / fitted[1 + index] : (double?)null
                ),
            ]
        );
    }

    /// <summary>What the model says of a point, in nanoseconds.</summary>
    public double Nanoseconds(ScalingPoint point, long secondLevel, long lastLevel) =>
        FixedNs
        + (NsPerTensor * (point.Tensors - 1))
        + (BytesPerElement * point.Elements / GigabytesPerSecond[Level(point, Threads, secondLevel, lastLevel)]!.Value);

    /// <summary>Every thread brings a second-level cache of its own.</summary>
    private static int Level(ScalingPoint point, int threads, long secondLevel, long lastLevel) =>
        point.WorkingSetBytes <= secondLevel * threads ? 0
        : point.WorkingSetBytes <= lastLevel ? 1
        : 2;
}
