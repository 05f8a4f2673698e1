using BenchmarkDotNet.Attributes;
using NativeRanger.Benchmarks.Baselines;

namespace NativeRanger.Benchmarks;

/// <summary>RAdam steps in managed code against the native step, on one thread, over the same arrays.</summary>
public class BaselineBenchmarks
{
    private Stepper<float> native = null!;
    private float[] gradient = [];
    private MathNetOperators mathNetOperators = null!;
    private TensorPrimitivesPasses tensorPrimitives = null!;
    private TensorPrimitivesBlocks tensorPrimitivesInBlocks = null!;
    private ScalarLoop scalarLoop = null!;
    private FusedVector512 fusedVector512 = null!;
    private FusedVector512 fusedVector512Prefetching = null!;

    [Params(1 << 10, 1 << 16, 1 << 20)]
    public int Elements { get; set; }

    [GlobalSetup]
    public void Bind()
    {
        var arrays = new BaselineArrays(Elements);
        var backend = NativeBackend.On(InstructionSet.Auto, maxDegreeOfParallelism: 1);
        native = new RAdam().Bind(arrays.Parameter, backend);
        gradient = arrays.Gradient;
        mathNetOperators = new(arrays);
        tensorPrimitives = new(arrays);
        tensorPrimitivesInBlocks = new(arrays);
        scalarLoop = new(arrays);
        fusedVector512 = new(arrays, prefetch: false);
        fusedVector512Prefetching = new(arrays, prefetch: true);
    }

    [GlobalCleanup]
    public void Release() => native.Dispose();

    [Benchmark(Baseline = true)]
    public bool Native() => native.Step(gradient);

    [Benchmark]
    public void MathNetOperators() => mathNetOperators.Step();

    [Benchmark]
    public void TensorPrimitives() => tensorPrimitives.Step();

    [Benchmark]
    public void TensorPrimitivesInBlocks() => tensorPrimitivesInBlocks.Step();

    [Benchmark]
    public void ScalarLoop() => scalarLoop.Step();

    [Benchmark]
    public void FusedVector512() => fusedVector512.Step();

    [Benchmark]
    public void FusedVector512Prefetching() => fusedVector512Prefetching.Step();
}
