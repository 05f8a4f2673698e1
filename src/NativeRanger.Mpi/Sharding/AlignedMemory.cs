using System.Runtime.InteropServices;

namespace NativeRanger.Mpi;

/// <summary>Unmanaged memory that begins at a cache line. It is freed by whoever knows that nothing reads it any more.</summary>
internal sealed unsafe class AlignedMemory<T>
    where T : unmanaged
{
    private const nuint CacheLine = 64;

    public AlignedMemory(long length)
    {
        Length = length;
        Address = (T*)NativeMemory.AlignedAlloc(checked((nuint)Math.Max(1, length) * (nuint)sizeof(T)), CacheLine);
    }

    public long Length { get; }

    public T* Address { get; private set; }

    public long Bytes => Length * sizeof(T);

    public void Free()
    {
        NativeMemory.AlignedFree(Address);
        Address = null;
    }
}
