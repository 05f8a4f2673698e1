using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>What is done to a gradient, or to an update, row by row.</summary>
internal static class RowTransforms
{
    /// <summary>Gradient centralisation: g ← g - mean(g).</summary>
    /// <remarks>Yong, Huang, Hua, Zhang: Gradient Centralization, ECCV 2020.</remarks>
    public static Vector<T> Centralize<T>(Vector<T> row)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> =>
        row.Minus(Elementwise.Round<T>(CanonicalSum.Of(row) / row.Count));

    /// <summary>g ← (g - mean) / (std + ε), std unbiased.</summary>
    public static Vector<T> Standardize<T>(Vector<T> row, double epsilon)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var deviation = Centralize(row);
        var variance = CanonicalSum.Of(deviation, static d => d * d) / (row.Count - 1);
        return deviation.Over(Elementwise.Round<T>(Math.Sqrt(variance) + epsilon));
    }

    /// <summary>Adaptive gradient clipping: where ‖g‖ &gt; λ·max(‖θ‖, 1e-3), g ← g·(λ·max(‖θ‖, 1e-3)/‖g‖).</summary>
    /// <remarks>Brock, De, Smith, Simonyan: High-Performance Large-Scale Image Recognition Without Normalization, ICML 2021.</remarks>
    public static Vector<T> ClipAdaptively<T>(Vector<T> gradient, Vector<T> parameter, double lambda)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var norm = EuclideanNorm.Of(gradient);
        var limit = lambda * Math.Max(EuclideanNorm.Of(parameter), 1e-3);
        return norm > limit ? gradient.Times(Elementwise.Round<T>(limit / norm)) : gradient;
    }
}
