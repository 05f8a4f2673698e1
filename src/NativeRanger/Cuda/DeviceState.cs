using System.Numerics;

namespace NativeRanger;

/// <summary>A state array in the memory of a device.</summary>
internal sealed unsafe class DeviceStateArray<T>(
    CudaEngine<T> engine,
    DeviceBuffer<T> buffer,
    int parameter,
    string name
) : AddressedArray<T>(parameter, name, buffer.Length)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public override T* Address => buffer.Start;

    /// <summary>A copy on the host, which is written back before the next step.</summary>
    public override Span<T> Slice(long start, int length)
    {
        ObjectDisposedException.ThrowIf(buffer.IsDisposed, typeof(Stepper<>));
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
        engine.Settle();
        engine.Touched(this);
        return buffer.Stage(start, length);
    }

    /// <summary>Writes back what <see cref="Slice"/> gave.</summary>
    public void WriteBack() => _ = buffer.Ready();

    public override void Fill(T value)
    {
        var chunk = new T[(int)Math.Min(Length, 1 << 16)];
        Array.Fill(chunk, value);
        for (var start = 0L; start < Length; start += chunk.Length)
        {
            buffer.CopyFrom(chunk.AsSpan(0, (int)Math.Min(chunk.Length, Length - start)), start);
        }
    }

    public override void CopyFrom(in Buffer<T> values)
    {
        if (values.Owner is DeviceBuffer<T> other)
        {
            buffer.CopyFrom(other);
            return;
        }

        const int Chunk = 1 << 24;
        for (var start = 0L; start < Length; start += Chunk)
        {
            buffer.CopyFrom(values.Slice(start, (int)Math.Min(Chunk, Length - start)), start);
        }
    }

    public override void Dispose() => buffer.Dispose();
}

/// <summary>State on a device.</summary>
internal sealed unsafe class DeviceStateStore<T>(CudaEngine<T> engine) : StateStore<T>, IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly List<DeviceBuffer<double>> scalars = [];

    public override AddressedArray<T>[] NewArrays(
        int firstParameter,
        string name,
        ReadOnlySpan<long> lengths,
        int ordinal
    )
    {
        var arrays = new List<DeviceStateArray<T>>(lengths.Length);
        try
        {
            foreach (var length in lengths)
            {
                var buffer = engine.Backend.Allocate<T>(length);
                arrays.Add(new(engine, buffer, firstParameter + arrays.Count, name));
            }
        }
        catch
        {
            arrays.ForEach(static array => array.Dispose());
            throw;
        }

        return [.. arrays];
    }

    public override double* NewScalars(int count)
    {
        scalars.Add(engine.Backend.Allocate<double>(count));
        return scalars[^1].Start;
    }

    public override double ReadScalar(double* scalar)
    {
        double value;
        engine.Backend.Copy(&value, scalar, sizeof(double));
        engine.Backend.Synchronize();
        return value;
    }

    public override void WriteScalar(double* scalar, double value) =>
        engine.Backend.Copy(scalar, &value, sizeof(double));

    public override void Settle() => engine.Settle();

    public void Dispose() => scalars.ForEach(s => s.Dispose());
}
