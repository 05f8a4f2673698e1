using BenchmarkDotNet.Attributes;

namespace NativeRanger.Benchmarks;

/// <summary>What a step costs beyond its elements: the crossing alone, and steps of one element.</summary>
public class CallBenchmarks
{
    private readonly float[] gradient = [0.01f];
    private Stepper<float> sgd = null!;
    private Stepper<float> radam = null!;

    [GlobalSetup]
    public void Bind()
    {
        sgd = new Sgd().Bind(new float[1]);
        radam = new RAdam().Bind(new float[1]);
    }

    [GlobalCleanup]
    public void Release()
    {
        sgd.Dispose();
        radam.Dispose();
    }

    [Benchmark(Baseline = true)]
    public int CrossingAlone() => Crossing.Call();

    [Benchmark]
    public bool OneElementSgd() => sgd.Step(gradient);

    [Benchmark]
    public bool OneElementRAdam() => radam.Step(gradient);
}
