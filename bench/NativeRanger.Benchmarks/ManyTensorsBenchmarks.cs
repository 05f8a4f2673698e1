using BenchmarkDotNet.Attributes;
using NativeRanger.Benchmarks.Baselines;

namespace NativeRanger.Benchmarks;

/// <summary>Many small tensors in one step, against one tensor of as many elements.</summary>
public class ManyTensorsBenchmarks
{
    private const int Tensors = 1000;

    private Stepper<float> many = null!;
    private Stepper<float> one = null!;
    private float[]?[] gradients = [];
    private float[] gradient = [];

    [Params(100, 1000)]
    public int ElementsPerTensor { get; set; }

    [GlobalSetup]
    public void Bind()
    {
        var recipe = new RAdam();
        var backend = NativeBackend.On(InstructionSet.Auto, maxDegreeOfParallelism: 1);
        many = recipe.Bind(
            Enumerable
                .Range(0, Tensors)
                .Select(i => Parameter.Of($"p{i}", BaselineArrays.Values(ElementsPerTensor, seed: i))),
            backend
        );
        one = recipe.Bind(BaselineArrays.Values(Tensors * ElementsPerTensor, seed: 1), backend);
        gradients = [.. Enumerable.Range(0, Tensors).Select(i => BaselineArrays.Values(ElementsPerTensor, ~i))];
        gradient = BaselineArrays.Values(Tensors * ElementsPerTensor, seed: 2);
    }

    [GlobalCleanup]
    public void Release()
    {
        many.Dispose();
        one.Dispose();
    }

    [Benchmark(Baseline = true)]
    public bool OneTensor() => one.Step(gradient);

    [Benchmark]
    public bool ManyTensors() => many.Step(gradients);
}
