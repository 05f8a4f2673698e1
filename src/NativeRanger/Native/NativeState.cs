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
    /// <summary>A state array for each of some parameters, zero at the start.</summary>
    /// <param name="firstParameter">The number of the first parameter, in bind order.</param>
    /// <param name="name">One of <see cref="StateNames"/>.</param>
    /// <param name="lengths">The number of elements of each.</param>
    /// <param name="ordinal">The number of the array among those of its parameter.</param>
    public abstract AddressedArray<T>[] NewArrays(
        int firstParameter,
        string name,
        ReadOnlySpan<long> lengths,
        int ordinal
    );

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

    /// <summary>
    /// They lie in one block, in the order of the parameters, so that the steps of many small ones stream through it.
    /// </summary>
    public override AddressedArray<T>[] NewArrays(
        int firstParameter,
        string name,
        ReadOnlySpan<long> lengths,
        int ordinal
    )
    {
        var bytes = (nuint)0;
        foreach (var length in lengths)
        {
            bytes = checked(bytes + StateMemory.SizeOf<T>(length));
        }

        var block = new StateMemory(bytes, ordinal);
        var arrays = new AddressedArray<T>[lengths.Length];
        var offset = (nuint)0;
        for (var i = 0; i < arrays.Length; i++)
        {
            arrays[i] = new NativeStateArray<T>(firstParameter + i, name, lengths[i], block, offset);
            offset += StateMemory.SizeOf<T>(lengths[i]);
        }

        return arrays;
    }
}

/// <summary>A state array in memory of our own, zero at the start.</summary>
/// <param name="parameter">The number of its parameter, in bind order.</param>
/// <param name="name">One of <see cref="StateNames"/>.</param>
/// <param name="length">The number of elements.</param>
/// <param name="block">The memory that it lies in, alone or with others, which are all disposed together.</param>
/// <param name="offset">Where in it, in bytes.</param>
internal sealed unsafe class NativeStateArray<T>(
    int parameter,
    string name,
    long length,
    StateMemory block,
    nuint offset
) : AddressedArray<T>(parameter, name, length)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>A state array with memory of its own.</summary>
    /// <param name="parameter">The number of its parameter, in bind order.</param>
    /// <param name="name">One of <see cref="StateNames"/>.</param>
    /// <param name="length">The number of elements.</param>
    public NativeStateArray(int parameter, string name, long length)
        : this(parameter, name, length, new(StateMemory.SizeOf<T>(length), ordinal: 0), offset: 0) { }

    public override T* Address => block.Start is null ? null : (T*)((byte*)block.Start + offset);

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

    public override void Dispose() => block.Dispose();
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
