using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>The exponential averages of the gradient and of its square that Adam introduced.</summary>
/// <remarks>Kingma, Ba: Adam, ICLR 2015, algorithm 1.</remarks>
internal sealed class Moments<T>(StateVector<T> first, StateVector<T> second)
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    public StateVector<T> First { get; } = first;

    public StateVector<T> Second { get; } = second;

    /// <summary>m ← β1·m + (1-β1)·g;  v ← β2·v + (1-β2)·g².</summary>
    public void Advance(Vector<T> gradient, MomentOptimizer recipe)
    {
        First.Value = Average(First.Value, gradient, recipe.Beta1);
        Second.Value = Average(Second.Value, gradient.Squared(), recipe.Beta2);
    }

    private static Vector<T> Average(Vector<T> average, Vector<T> value, double beta) =>
        (average.Times(Elementwise.Round<T>(beta)) + value.Times(Elementwise.Round<T>(1 - beta))).Flushed();
}
