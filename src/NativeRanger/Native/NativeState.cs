using System.Runtime.InteropServices;

namespace NativeRanger;

/// <summary>A state array in memory of our own: 64-byte aligned, zero at the start.</summary>
internal sealed unsafe class NativeStateArray<T> : StateArray<T>, IDisposable
    where T : unmanaged
{
    private const nuint Alignment = 64;

    public NativeStateArray(int parameter, string name, long length)
        : base(parameter, name, length)
    {
        var bytes = checked((nuint)length * (nuint)sizeof(T));
        Address = (T*)NativeMemory.AlignedAlloc(Math.Max(bytes, Alignment), Alignment);
        NativeMemory.Clear(Address, bytes);
    }

    public T* Address { get; private set; }

    public override Span<T> Slice(long start, int length)
    {
        ObjectDisposedException.ThrowIf(Address is null, typeof(Stepper<>));
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
        return new(Address + start, length);
    }

    public void Fill(T value)
    {
        for (var i = 0L; i < Length; i++)
        {
            Address[i] = value;
        }
    }

    public void CopyFrom(T* values) =>
        System.Buffer.MemoryCopy(values, Address, Length * sizeof(T), Length * sizeof(T));

    public void Dispose()
    {
        NativeMemory.AlignedFree(Address);
        Address = null;
    }
}

/// <summary>A counter that lives in the tensor table or in an array beside it.</summary>
internal sealed class NativeStateCounter(int owner, string name, Func<long> get, Action<long> set)
    : StateCounter(owner, name)
{
    public override long Value
    {
        get => get();
        set => set(value);
    }
}
