namespace NativeRanger.Benchmarks.Baselines;

/// <summary>A RAdam step in managed code: what one would write without this library.</summary>
/// <remarks>
/// All compute the same: m ← β₁m + (1-β₁)g; v ← β₂v + (1-β₂)g²; θ ← θ - s·(m/(√v+ε)), and θ ← θ - s·m in the first steps,
/// which are not rectified. Each counts its steps and finds s in double, as the recipe's defaults and its t ask for.
/// </remarks>
internal abstract class Baseline
{
    protected const float Beta1 = (float)FirstDecay;
    protected const float Beta1Rest = (float)(1 - FirstDecay);
    protected const float Beta2 = (float)SecondDecay;
    protected const float Beta2Rest = (float)(1 - SecondDecay);
    protected const float Epsilon = 1e-8f;

    private const double LearningRate = 1e-3;
    private const double FirstDecay = 0.9;
    private const double SecondDecay = 0.999;
    private const double Threshold = 5;

    private long step;

    public abstract string Name { get; }

    public void Step()
    {
        var t = ++step;
        var power = Math.Pow(SecondDecay, t);
        var bias1 = 1 - Math.Pow(FirstDecay, t);
        var bias2 = 1 - power;
        const double Limit = (2 / (1 - SecondDecay)) - 1;
        var length = Limit - (2 * t * power / bias2);
        var rectified = length > Threshold;
        var stepSize = LearningRate / bias1;
        if (rectified)
        {
            stepSize *= Math.Sqrt(bias2 * (length - 4) * (length - 2) * Limit / ((Limit - 4) * (Limit - 2) * length));
        }

        Step((float)stepSize, rectified);
    }

    /// <summary>Steps the arrays, by s·(m/(√v+ε)) where the step is rectified, otherwise by s·m.</summary>
    protected abstract void Step(float stepSize, bool rectified);

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
