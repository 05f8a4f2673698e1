using System.Numerics;

namespace NativeRanger;

/// <summary>The copy on the device of an array of the host, by way of pinned memory.</summary>
/// <remarks>
/// What comes back goes to the pinned memory first, and to the array only once all of it is known to be there: a device that is
/// lost meanwhile leaves the array as it was.
/// </remarks>
internal sealed unsafe class HostMirror<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Chunk = 1 << 20;

    private readonly CudaBackend backend;
    private readonly DeviceBuffer<T> values;
    private readonly CudaMemory pinned;

    public HostMirror(CudaBackend backend, long length)
    {
        this.backend = backend;
        values = backend.Allocate<T>(length);
        pinned = CudaMemory.OnHost(backend.Device, length * sizeof(T));
    }

    public T* Address => values.Start;

    private T* Pinned => (T*)pinned.DangerousGetHandle();

    /// <summary>Copies the array to the device, in the stream. The device must have done with the last copy.</summary>
    public void Send(in Buffer<T> array)
    {
        for (var start = 0L; start < values.Length; start += Chunk)
        {
            var length = (int)Math.Min(Chunk, values.Length - start);
            array.Slice(start, length).CopyTo(new Span<T>(Pinned + start, length));
        }

        backend.Copy(Address, Pinned, values.Length * sizeof(T));
    }

    /// <summary>Copies back to the pinned memory, in the stream.</summary>
    public void Fetch() => backend.Copy(Pinned, Address, values.Length * sizeof(T));

    /// <summary>Copies what was fetched to the array.</summary>
    public void Store(in Buffer<T> array)
    {
        for (var start = 0L; start < values.Length; start += Chunk)
        {
            var length = (int)Math.Min(Chunk, values.Length - start);
            new Span<T>(Pinned + start, length).CopyTo(array.Slice(start, length));
        }
    }

    public void Dispose()
    {
        values.Dispose();
        pinned.Dispose();
    }
}
