using System.Numerics.Tensors;

namespace NativeRanger.Benchmarks.Baselines;

/// <summary>The formula in passes of TensorPrimitives over whole arrays.</summary>
internal sealed class TensorPrimitivesPasses(BaselineArrays arrays) : Baseline
{
    private readonly float[] scratch = new float[arrays.Parameter.Length];

    public override string Name => "TensorPrimitives";

    protected override void Step(float stepSize, bool rectified) =>
        Step(arrays.Parameter, arrays.Gradient, arrays.FirstMoment, arrays.SecondMoment, scratch, stepSize, rectified);

    public static void Step(
        Span<float> p,
        ReadOnlySpan<float> g,
        Span<float> m,
        Span<float> v,
        Span<float> t,
        float stepSize,
        bool rectified
    )
    {
        TensorPrimitives.Multiply(m, Beta1, m);
        TensorPrimitives.Multiply(g, Beta1Rest, t);
        TensorPrimitives.Add(m, t, m);
        TensorPrimitives.Multiply(v, Beta2, v);
        TensorPrimitives.Multiply(g, g, t);
        TensorPrimitives.Multiply(t, Beta2Rest, t);
        TensorPrimitives.Add(v, t, v);
        if (rectified)
        {
            TensorPrimitives.Sqrt(v, t);
            TensorPrimitives.Add(t, Epsilon, t);
            TensorPrimitives.Divide(m, t, t);
            TensorPrimitives.Multiply(t, stepSize, t);
        }
        else
        {
            TensorPrimitives.Multiply(m, stepSize, t);
        }

        TensorPrimitives.Subtract(p, t, p);
    }
}

/// <summary>The same passes over blocks that stay in the first-level cache.</summary>
internal sealed class TensorPrimitivesBlocks(BaselineArrays arrays) : Baseline
{
    private const int Block = 1024;

    private readonly float[] scratch = new float[Block];

    public override string Name => "TensorPrimitives, in blocks";

    protected override void Step(float stepSize, bool rectified)
    {
        for (var begin = 0; begin < arrays.Parameter.Length; begin += Block)
        {
            var length = Math.Min(Block, arrays.Parameter.Length - begin);
            TensorPrimitivesPasses.Step(
                arrays.Parameter.AsSpan(begin, length),
                arrays.Gradient.AsSpan(begin, length),
                arrays.FirstMoment.AsSpan(begin, length),
                arrays.SecondMoment.AsSpan(begin, length),
                scratch.AsSpan(0, length),
                stepSize,
                rectified
            );
        }
    }
}
