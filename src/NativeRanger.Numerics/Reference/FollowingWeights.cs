using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>Weights that follow the parameter: slow weights and averages.</summary>
internal static class FollowingWeights
{
    /// <summary>f ← f + w·(θ-f), which is θ itself where w is 1.</summary>
    public static Vector<T> Towards<T>(this Vector<T> follower, Vector<T> weights, double weight)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> =>
        weight == 1 ? weights : follower + (weights - follower).Times(Elementwise.Round<T>(weight));
}
