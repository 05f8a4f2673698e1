using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>The weights of a parameter during a step: a copy of the caller's memory, stored back when the step is kept.</summary>
internal sealed class Weights<T>(Parameter<T> parameter) : IRevertible
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    private Vector<T>? current;

    /// <summary>The elements, in storage order; never changed in place.</summary>
    public Vector<T> Value
    {
        get => current ??= Vector<T>.Build.Dense(parameter.Slice(0, (int)parameter.Length).ToArray());
        set => current = value;
    }

    public void Keep()
    {
        current?.ToArray().CopyTo(parameter.Slice(0, (int)parameter.Length));
        current = null;
    }

    public void Revert() => current = null;
}
