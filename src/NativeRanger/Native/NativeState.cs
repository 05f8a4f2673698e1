using System.Numerics;

namespace NativeRanger;

/// <summary>A state array with an address that the library is given.</summary>
internal abstract unsafe class AddressedArray<T>(int parameter, string name, long length)
    : StateArray<T>(parameter, name, length),
        IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The first element, on the host or on a device.</summary>
    public abstract T* Address { get; }

    /// <summary>Sets every element.</summary>
    public abstract void Fill(T value);

    /// <summary>Copies as many elements.</summary>
    public abstract void CopyFrom(in Buffer<T> values);

    public abstract void Dispose();
}

/// <summary>Where the state of a group lives.</summary>
internal abstract unsafe class StateStore<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>A state array, zero at the start.</summary>
    /// <param name="parameter">The number of its parameter, in bind order.</param>
    /// <param name="name">One of <see cref="StateNames"/>.</param>
    /// <param name="length">The number of elements.</param>
    /// <param name="ordinal">Its number among the arrays of its parameter.</param>
    public abstract AddressedArray<T> NewArray(int parameter, string name, long length, int ordinal);

    /// <summary>Zeroed scalars that are not kept in the tensor table's own memory; null where they are.</summary>
    public virtual double* NewScalars(int count) => null;

    public virtual double ReadScalar(double* scalar) => *scalar;

    public virtual void WriteScalar(double* scalar, double value) => *scalar = value;

    /// <summary>Makes sure that counters are final.</summary>
    public virtual void Settle() { }
}

/// <summary>State in memory of this process.</summary>
internal sealed class NativeStateStore<T> : StateStore<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static NativeStateStore<T> Instance { get; } = new();

    public override AddressedArray<T> NewArray(int parameter, string name, long length, int ordinal) =>
        new NativeStateArray<T>(parameter, name, length, ordinal);
}

/// <summary>A state array in memory of our own, zero at the start.</summary>
internal sealed unsafe class NativeStateArray<T> : AddressedArray<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly StateMemory memory;

    /// <summary>A state array.</summary>
    /// <param name="parameter">The number of its parameter, in bind order.</param>
    /// <param name="name">One of <see cref="StateNames"/>.</param>
    /// <param name="length">The number of elements.</param>
    /// <param name="ordinal">Its number among the arrays of its parameter.</param>
    public NativeStateArray(int parameter, string name, long length, int ordinal)
        : base(parameter, name, length) => memory = new(checked((nuint)length * (nuint)sizeof(T)), ordinal);

    public override T* Address => (T*)memory.Start;

    public override Span<T> Slice(long start, int length)
    {
        ObjectDisposedException.ThrowIf(Address is null, typeof(Stepper<>));
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
        return new(Address + start, length);
    }

    public override void Fill(T value)
    {
        for (var i = 0L; i < Length; i++)
        {
            Address[i] = value;
        }
    }

    public override void CopyFrom(in Buffer<T> values)
    {
        fixed (T* array = values.Array)
        {
            var from = values.Array is null ? values.Address : array + values.Offset;
            System.Buffer.MemoryCopy(from, Address, Length * sizeof(T), Length * sizeof(T));
        }
    }

    public override void Dispose() => memory.Dispose();
}

/// <summary>A counter that lives in the tensor table or in an array beside it.</summary>
internal sealed class NativeStateCounter(int owner, string name, Action settle, Func<long> get, Action<long> set)
    : StateCounter(owner, name)
{
    public override long Value
    {
        get
        {
            settle();
            return get();
        }
        set
        {
            settle();
            set(value);
        }
    }
}
