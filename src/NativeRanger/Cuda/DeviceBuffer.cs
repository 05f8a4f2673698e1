using System.Numerics;

namespace NativeRanger;

/// <summary>An array in the memory of a device, for parameters, gradients and whatever else lives there.</summary>
/// <remarks>
/// Disposing, or the finaliser, waits for the device before memory is freed. While it is bound to a stepper the memory stays
/// allocated, but stepping with a disposed buffer is refused.
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
public sealed unsafe class DeviceBuffer<T> : IDisposable, IStaged<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly T* address;
    private readonly DLPack.Tensor? tensor;
    private readonly DeviceBuffer<T>? whole;
    private readonly long start;
    private T[] staged = [];
    private long stagedStart;
    private int stagedLength;
    private bool disposed;

    internal DeviceBuffer(CudaBackend backend, CudaMemory? memory, T* address, long length)
    {
        Backend = backend;
        Memory = memory;
        this.address = address;
        Length = length;
    }

    internal DeviceBuffer(CudaBackend backend, DLPack.Tensor tensor, T* address, long length)
        : this(backend, (CudaMemory?)null, address, length) => this.tensor = tensor;

    private DeviceBuffer(DeviceBuffer<T> whole, long start, long length)
        : this(whole.Backend, whole.Memory, whole.address + start, length) => (this.whole, this.start) = (whole, start);

    /// <summary>The device and the stream.</summary>
    public CudaBackend Backend { get; }

    /// <summary>The number of elements.</summary>
    public long Length { get; }

    /// <summary>The address on the device, for kernels and other libraries.</summary>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed.</exception>
    public nint Address => (nint)Ready();

    /// <summary>Whether the buffer, or the one that it is a part of, has been disposed.</summary>
    public bool IsDisposed => disposed || whole is { IsDisposed: true };

    /// <summary>What keeps the memory; null where somebody else owns it.</summary>
    internal CudaMemory? Memory { get; }

    /// <summary>The address as it is, for comparisons.</summary>
    internal T* Start => address;

    /// <summary>A part of the buffer, which shares its memory.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="length">The number of elements.</param>
    public DeviceBuffer<T> View(long start, long length)
    {
        RequireRange(start, length);
        return new(this, start, length);
    }

    /// <summary>Copies from the host. When it returns, the values may be changed.</summary>
    /// <param name="values">The elements.</param>
    /// <param name="start">Where the first of them goes.</param>
    public void CopyFrom(ReadOnlySpan<T> values, long start = 0)
    {
        RequireRange(start, values.Length);
        var to = Ready() + start;
        fixed (T* from = values)
        {
            Backend.Copy(to, from, (long)values.Length * sizeof(T));
        }
    }

    /// <summary>Copies to the host, once the device has done what is in its stream.</summary>
    /// <param name="values">Where the elements go.</param>
    /// <param name="start">The first of them.</param>
    public void CopyTo(Span<T> values, long start = 0)
    {
        RequireRange(start, values.Length);
        var from = Ready() + start;
        fixed (T* to = values)
        {
            Backend.Copy(to, from, (long)values.Length * sizeof(T));
        }

        Backend.Synchronize();
    }

    /// <summary>Copies from pinned memory, in the stream: the values stay as they are until the device has done it.</summary>
    /// <param name="values">The elements.</param>
    /// <param name="start">Where the first of them goes.</param>
    public void CopyFromAsync(PinnedBuffer<T> values, long start = 0)
    {
        ArgumentNullException.ThrowIfNull(values);
        RequireRange(start, values.Length);
        Backend.Copy(Ready() + start, values.Start, (long)values.Length * sizeof(T));
    }

    /// <summary>Copies to pinned memory, in the stream: the values are there after <see cref="CudaBackend.Synchronize"/>.</summary>
    /// <param name="values">Where the elements go.</param>
    /// <param name="start">The first of them.</param>
    public void CopyToAsync(PinnedBuffer<T> values, long start = 0)
    {
        ArgumentNullException.ThrowIfNull(values);
        RequireRange(start, values.Length);
        Backend.Copy(values.Start, Ready() + start, (long)values.Length * sizeof(T));
    }

    /// <summary>Copies from another buffer of the same device, in the stream.</summary>
    /// <param name="values">As many elements.</param>
    public void CopyFrom(DeviceBuffer<T> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Length != Length || values.Backend.Device != Backend.Device)
        {
            throw new ArgumentException(
                $"{values.Length} elements of {values.Backend} cannot be copied to {Length} of {Backend}.",
                nameof(values)
            );
        }

        Backend.Copy(Ready(), values.Ready(), Length * sizeof(T));
    }

    /// <summary>Copies everything to a new array.</summary>
    public T[] ToArray()
    {
        var values = new T[checked((int)Length)];
        CopyTo(values);
        return values;
    }

    /// <summary>Frees the memory once nothing uses it any more.</summary>
    public void Dispose()
    {
        if (disposed)
        {
            return;
        }

        disposed = true;
        if (whole is null)
        {
            Memory?.Dispose();
            tensor?.Dispose();
        }
    }

    /// <summary>As parameters and gradients keep it.</summary>
    internal Buffer<T> AsBuffer() => new(address, Length, this);

    Span<T> IStaged<T>.Stage(long start, int length) => Stage(start, length);

    /// <inheritdoc cref="IStaged{T}.Stage"/>
    /// <remarks>A buffer and its parts share what is staged: none of them may write back over another.</remarks>
    internal Span<T> Stage(long start, int length)
    {
        if (whole is not null)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this);
            return whole.Stage(this.start + start, length);
        }

        var from = Ready() + start;
        if (staged.Length < length)
        {
            staged = new T[length];
        }

        fixed (T* to = staged)
        {
            Backend.Copy(to, from, (long)length * sizeof(T));
        }

        Backend.Synchronize();
        stagedStart = start;
        stagedLength = length;
        return staged.AsSpan(0, length);
    }

    /// <summary>The address, with what was staged written back.</summary>
    internal T* Ready() => !disposed && whole is null && stagedLength == 0 ? address : Readied();

    private T* Readied()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        if (whole is not null)
        {
            _ = whole.Ready();
        }
        else if (stagedLength > 0)
        {
            var length = stagedLength;
            stagedLength = 0;
            fixed (T* from = staged)
            {
                Backend.Copy(address + stagedStart, from, (long)length * sizeof(T));
            }
        }

        return address;
    }

    private void RequireRange(long start, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
    }
}

/// <summary>An array of the host at a fixed address, which copies to and from a device run beside other work with.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed unsafe class PinnedBuffer<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CudaMemory memory;

    internal PinnedBuffer(CudaMemory memory, int length)
    {
        this.memory = memory;
        Length = length;
    }

    /// <summary>The number of elements.</summary>
    public int Length { get; }

    /// <summary>The elements. They are gone once the buffer is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed.</exception>
    public Span<T> Span => new(Start, Length);

    internal T* Start
    {
        get
        {
            ObjectDisposedException.ThrowIf(memory.IsClosed, this);
            return (T*)memory.DangerousGetHandle();
        }
    }

    /// <summary>Frees the memory once the device has done its work.</summary>
    public void Dispose() => memory.Dispose();
}
