using NativeRanger.Benchmarks.Baselines;
using NativeRanger.Cli.Bench;

namespace NativeRanger.Benchmarks.Studies;

/// <summary>A peer that does the same work, against the native step of the same run.</summary>
/// <param name="Peer">What does it.</param>
/// <param name="Algorithm">The algorithm.</param>
/// <param name="Tensors">The tensors of a step.</param>
/// <param name="Elements">The elements of all tensors together.</param>
/// <param name="PeerNsPerElement">Nanoseconds per element of the peer.</param>
/// <param name="NsPerElement">Nanoseconds per element of the native step, on one thread.</param>
/// <param name="Ratio">The peer's time over the native step's, median over the rounds.</param>
/// <param name="AllocatedBytes">What a step of the peer allocates on the managed heap; null where that is not known.</param>
internal sealed record PeerResult(
    string Peer,
    string Algorithm,
    long Tensors,
    long Elements,
    double PeerNsPerElement,
    double NsPerElement,
    double Ratio,
    long? AllocatedBytes = null
);

/// <summary>What comparing with peers gave. LeftOut says which were not there, and why.</summary>
internal sealed record PeerResults(
    string Kind,
    Circumstances Circumstances,
    IReadOnlyList<PeerResult> Peers,
    IReadOnlyList<string> LeftOut
);

/// <summary>RAdam in managed code against the native step, interleaved over the same arrays.</summary>
internal static class PeerStudy
{
    /// <summary>The name of the native step among its peers.</summary>
    public const string Native = "native step";

    public static PeerResults Run(Circumstances circumstances, bool quick)
    {
        int[] sizes = quick ? [1 << 10, 1 << 16, 1 << 20] : [1 << 10, 1 << 16, 1 << 20, 1 << 26];
        return new("managed", circumstances, [.. sizes.SelectMany(n => Compare(n, quick ? 1 : 6))], []);
    }

    private static IEnumerable<PeerResult> Compare(int elements, double seconds)
    {
        var arrays = new BaselineArrays(elements);
        var baselines = Baseline.All(arrays).ToArray();
        using var stepper = new RAdam().Bind(
            arrays.Parameter,
            NativeBackend.On(InstructionSet.Auto, maxDegreeOfParallelism: 1)
        );
        void Step() => stepper.Step(arrays.Gradient);
        var times = Interleaved.Compare(
            [Variant.Of(Step), .. baselines.Select(baseline => Variant.Of(baseline.Step))],
            seconds
        );
        yield return Result(Native, Step, 0);
        for (var i = 0; i < baselines.Length; i++)
        {
            yield return Result(baselines[i].Name, baselines[i].Step, i + 1);
        }

        PeerResult Result(string name, Action step, int index) =>
            new(
                name,
                "radam",
                1,
                elements,
                1e9 * Interleaved.Median(times[index]) / elements,
                1e9 * Interleaved.Median(times[0]) / elements,
                Interleaved.MedianRatio(times[index], times[0]),
                Allocated(step)
            );
    }

    private static long Allocated(Action step)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        step();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
