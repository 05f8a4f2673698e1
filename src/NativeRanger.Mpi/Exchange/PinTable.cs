using System.Runtime.InteropServices;

namespace NativeRanger.Mpi;

/// <summary>
/// Pins any number of arrays for the length of one call. The handles are made once; only what they point to changes, so a step
/// allocates nothing, and between steps nothing is pinned.
/// </summary>
internal sealed unsafe class PinTable<T> : IDisposable
    where T : unmanaged
{
    private PinnedGCHandle<T[]?>[] handles = [];
    private int used;
    private T[]? last;
    private T* lastAddress;

    /// <summary>Makes room for so many arrays, and for as many again where it grows, since groups may come one by one.</summary>
    public void Reserve(int count)
    {
        var present = handles.Length;
        if (count <= present)
        {
            return;
        }

        Array.Resize(ref handles, Math.Max(2 * present, count));
        for (var i = present; i < handles.Length; i++)
        {
            handles[i] = new(null);
        }
    }

    /// <summary>The address of a buffer, which stays until <see cref="Release"/>. Neighbours in one array share a handle.</summary>
    public T* Pin(in Buffer<T> buffer)
    {
        if (buffer.Array is not { } array)
        {
            return buffer.Address;
        }

        if (!ReferenceEquals(array, last))
        {
            ref var handle = ref handles[used++];
            handle.Target = array;
            last = array;
            lastAddress = handle.GetAddressOfArrayData();
        }

        return lastAddress + buffer.Offset;
    }

    public void Release()
    {
        for (var i = 0; i < used; i++)
        {
            handles[i].Target = null;
        }

        used = 0;
        last = null;
    }

    public void Dispose()
    {
        foreach (ref var handle in handles.AsSpan())
        {
            handle.Dispose();
        }

        handles = [];
    }
}
