using NativeRanger.Benchmarks.Baselines;
using NativeRanger.Cli.Bench;

namespace NativeRanger.Benchmarks.Studies;

/// <summary>The time of a step of one size.</summary>
/// <param name="Threads">The most threads of the step.</param>
/// <param name="Tensors">The tensors.</param>
/// <param name="Elements">The elements of all together.</param>
/// <param name="Nanoseconds">The time of the step, median.</param>
internal sealed record ScalingPoint(int Threads, long Tensors, long Elements, double Nanoseconds)
{
    /// <summary>Gradient, parameter and two moments of float32.</summary>
    public const int BytesPerElement = 16;

    public long WorkingSetBytes => BytesPerElement * Elements;

    public double NsPerElement => Nanoseconds / Elements;
}

/// <summary>What the study of scaling gave.</summary>
internal sealed record ScalingResults(
    string Kind,
    Circumstances Circumstances,
    long SecondLevelBytes,
    long LastLevelBytes,
    IReadOnlyList<ScalingPoint> Points,
    IReadOnlyList<ScalingModel> Models
);

/// <summary>How the cost of a RAdam step grows with elements, tensors and threads.</summary>
internal static class ScalingStudy
{
    private const int ElementsPerTensor = 100;
    private const int SmallestPower = 10;
    private const int LargestPower = 30;
    private const int LargestPowerOfQuickRun = 22;

    /// <summary>The share of the memory that an array may take together with its states.</summary>
    private const double MemoryShare = 0.75;

    public static ScalingResults Run(Circumstances circumstances, bool quick)
    {
        var (secondLevel, lastLevel) = CacheSizes();
        var seconds = quick ? 0.05 : 0.5;
        var points = new List<ScalingPoint>();
        foreach (var elements in ElementCounts(quick))
        {
            points.AddRange(OneTensor(elements, seconds));
        }

        foreach (var tensors in Powers(10, quick ? 1000 : 100_000))
        {
            points.AddRange(ManyTensors(tensors, seconds));
        }

        var models = points
            .GroupBy(p => p.Threads)
            .OrderBy(group => group.Key)
            .Select(group => ScalingModel.Fit(group.Key, [.. group], secondLevel, lastLevel));
        return new("scaling", circumstances, secondLevel, lastLevel, points, [.. models]);
    }

    private static IEnumerable<long> ElementCounts(bool quick)
    {
        var memory = MemoryShare * GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        for (var power = SmallestPower; power <= (quick ? LargestPowerOfQuickRun : LargestPower); power += 2)
        {
            if ((1L << power) * ScalingPoint.BytesPerElement <= memory)
            {
                yield return 1L << power;
            }
        }
    }

    private static ScalingPoint[] OneTensor(long elements, double seconds)
    {
        var what = new BenchCase(
            BenchAlgorithm.Find("radam")!,
            BenchCase.Float32,
            InstructionSet.Auto,
            Environment.ProcessorCount,
            elements * ScalingPoint.BytesPerElement
        );
        using var problem = BenchProblem.Create(what, AnyThreads);
        return OnThreads(problem.Step, 1, elements, seconds);
    }

    private static ScalingPoint[] ManyTensors(int tensors, double seconds)
    {
        using var stepper = new RAdam().Bind(
            Enumerable
                .Range(0, tensors)
                .Select(i => Parameter.Of($"p{i}", BaselineArrays.Values(ElementsPerTensor, i))),
            AnyThreads
        );
        float[]?[] gradients =
        [
            .. Enumerable.Range(0, tensors).Select(i => BaselineArrays.Values(ElementsPerTensor, ~i)),
        ];
        return OnThreads(
            Variant.Of(() => stepper.Step(gradients)),
            tensors,
            (long)tensors * ElementsPerTensor,
            seconds
        );
    }

    /// <summary>A backend whose steps use as many threads as <see cref="NativeBackend.MaxDegreeOfParallelism"/> says at the time.</summary>
    private static NativeBackend AnyThreads => NativeBackend.On(InstructionSet.Auto);

    /// <summary>The same steps of the same arrays on 1, 2, 4, … threads by turns, so that a noisy moment meets all of them.</summary>
    private static ScalingPoint[] OnThreads(Variant step, long tensors, long elements, double seconds)
    {
        var most = NativeBackend.MaxDegreeOfParallelism;
        try
        {
            var threads = Powers(2, most).ToArray();
            var variants = threads.Select(count => step with { Time = OnThreads(step, count) }).ToArray();
            var times = Interleaved.Compare(variants, threads.Length * seconds);
            return
            [
                .. threads.Select(
                    (count, i) => new ScalingPoint(count, tensors, elements, 1e9 * Interleaved.Median(times[i]))
                ),
            ];
        }
        finally
        {
            NativeBackend.MaxDegreeOfParallelism = most;
        }
    }

    private static Func<long, long, double> OnThreads(Variant step, int threads) =>
        (untimed, timed) =>
        {
            NativeBackend.MaxDegreeOfParallelism = threads;
            return step.Time(untimed, timed);
        };

    private static IEnumerable<int> Powers(int factor, int largest)
    {
        for (var power = 1; power <= largest; power *= factor)
        {
            yield return power;
        }
    }

    /// <summary>The sizes of a core's own cache and of the last-level cache, as the system tells them.</summary>
    private static (long SecondLevel, long LastLevel) CacheSizes()
    {
        var caches = Machine.Here().Caches;
        long Size(string name, long usual) => caches.FirstOrDefault(c => c.Name.Equals(name))?.Bytes ?? usual;
        return (Size("L2", 1 << 20), Size("L3", 32 << 20));
    }
}
