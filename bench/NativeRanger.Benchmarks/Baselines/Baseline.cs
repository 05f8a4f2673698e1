namespace NativeRanger.Benchmarks.Baselines;

/// <summary>A RAdam step in managed code: what one would write without this library.</summary>
/// <remarks>
/// All compute the same: m ← β₁m + (1-β₁)g; v ← β₂v + (1-β₂)g²; θ ← θ - s·(m/(√v+ε)), with the step size s of a
/// rectified step.
/// </remarks>
internal abstract class Baseline
{
    protected const float Beta1 = 0.9f;
    protected const float Beta2 = 0.999f;
    protected const float Epsilon = 1e-8f;
    protected const float StepSize = 1e-3f;

    public abstract string Name { get; }

    public abstract void Step();

    /// <summary>Every baseline, over the same arrays.</summary>
    public static IEnumerable<Baseline> All(BaselineArrays arrays) =>
        [
            new MathNetOperators(arrays),
            new TensorPrimitivesPasses(arrays),
            new TensorPrimitivesBlocks(arrays),
            new ScalarLoop(arrays),
            new FusedVector512(arrays, prefetch: false),
            new FusedVector512(arrays, prefetch: true),
        ];
}

/// <summary>The arrays of a step.</summary>
internal sealed class BaselineArrays(int elements)
{
    public float[] Parameter { get; } = Values(elements, seed: 1);

    public float[] Gradient { get; } = Values(elements, seed: 2);

    public float[] FirstMoment { get; } = new float[elements];

    public float[] SecondMoment { get; } = new float[elements];

    /// <summary>Of either sign, of magnitude 0.005 to 0.015: no moment of it ever becomes subnormal.</summary>
    public static float[] Values(int elements, int seed)
    {
        var random = new Random(seed);
        var values = new float[elements];
        foreach (ref var value in values.AsSpan())
        {
            var magnitude = 0.005f + (0.01f * random.NextSingle());
            value = random.Next(2) == 0 ? magnitude : -magnitude;
        }

        return values;
    }
}
