using System.Numerics;
using BenchmarkDotNet.Attributes;
using NativeRanger.Benchmarks.Baselines;
using NativeRanger.Cli.Bench;

namespace NativeRanger.Benchmarks;

/// <summary>A step of one array, per instruction set, size, type and algorithm.</summary>
[GenericTypeArguments(typeof(float))]
[GenericTypeArguments(typeof(double))]
public class StepBenchmarks<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private Stepper<T> stepper = null!;
    private T[] gradient = [];

    [Params("sgd", "momentum", "adagrad", "adam", "adamw", "radam", "ranger", "ranger-nogc")]
    public string Algorithm { get; set; } = "";

    [ParamsSource(nameof(InstructionSets))]
    public InstructionSet Isa { get; set; }

    [Params(1 << 10, 1 << 16, 1 << 20, 1 << 24)]
    public int Elements { get; set; }

    public static IEnumerable<InstructionSet> InstructionSets => NativeBackend.Available;

    [GlobalSetup]
    public void Bind()
    {
        var columns = Math.Min(4096, Elements);
        stepper = BenchAlgorithm
            .Find(Algorithm)!
            .Recipe.Bind(
                Values(seed: 1),
                Elements / columns,
                columns,
                NativeBackend.On(Isa, maxDegreeOfParallelism: 1)
            );
        gradient = Values(seed: 2);
    }

    [GlobalCleanup]
    public void Release() => stepper.Dispose();

    [Benchmark]
    public bool Step() => stepper.Step(gradient);

    private T[] Values(int seed) => [.. BaselineArrays.Values(Elements, seed).Select(T.CreateChecked)];
}
