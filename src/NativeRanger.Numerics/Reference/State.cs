using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>State that a step may change, and that is as before where the step fails.</summary>
internal interface IRevertible
{
    /// <summary>Makes what there is now what <see cref="Revert"/> goes back to.</summary>
    void Keep();

    /// <summary>Goes back to what was kept last.</summary>
    void Revert();
}

/// <summary>A state array. Steps replace its value by another vector; what others see changes when it is kept.</summary>
internal sealed class StateVector<T> : StateArray<T>, IRevertible
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    private readonly T[] kept;
    private readonly Vector<T> view;
    private Vector<T>? next;

    /// <summary>An array of +0.</summary>
    public StateVector(int parameter, string name, int length)
        : this(parameter, name, Vector<T>.Build.Dense(length)) { }

    /// <summary>An array that starts as a copy of a vector.</summary>
    public StateVector(int parameter, string name, Vector<T> start)
        : base(parameter, name, start.Count)
    {
        kept = start.ToArray();
        view = Vector<T>.Build.Dense(kept);
    }

    /// <summary>The elements; never changed in place by a step.</summary>
    /// <remarks>It is copied, since it may be the value of another array, which keeping that one overwrites.</remarks>
    public Vector<T> Value
    {
        get => next ?? view;
        set => next = value.Clone();
    }

    public override Span<T> Slice(long start, int length) => kept.AsSpan(checked((int)start), length);

    public void Keep()
    {
        next?.CopyTo(view);
        next = null;
    }

    public void Revert() => next = null;
}

/// <summary>A counter, or a scalar as the bits of a double.</summary>
internal sealed class Counter(int owner, string name, long start = 0) : StateCounter(owner, name), IRevertible
{
    private long kept = start;

    public override long Value { get; set; } = start;

    /// <summary>The scalar.</summary>
    public double Scalar
    {
        get => BitConverter.Int64BitsToDouble(Value);
        set => Value = BitConverter.DoubleToInt64Bits(value);
    }

    public void Keep() => kept = Value;

    public void Revert() => Value = kept;
}
