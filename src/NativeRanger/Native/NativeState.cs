namespace NativeRanger;

/// <summary>A state array in memory of our own, zero at the start.</summary>
internal sealed unsafe class NativeStateArray<T> : StateArray<T>, IDisposable
    where T : unmanaged
{
    private readonly StateMemory memory;

    /// <summary>A state array.</summary>
    /// <param name="parameter">The number of its parameter, in bind order.</param>
    /// <param name="name">One of <see cref="StateNames"/>.</param>
    /// <param name="length">The number of elements.</param>
    /// <param name="ordinal">Its number among the arrays of its parameter.</param>
    public NativeStateArray(int parameter, string name, long length, int ordinal)
        : base(parameter, name, length) => memory = new(checked((nuint)length * (nuint)sizeof(T)), ordinal);

    public T* Address => (T*)memory.Start;

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

    public void Dispose() => memory.Dispose();
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
