using System.Runtime.InteropServices;

namespace NativeRanger;

/// <summary>Zeroed memory for a state array, laid out so that several of them are streamed together at full speed.</summary>
/// <remarks>
/// Arrays that begin at the same offset within a page compete for the same cache sets, so each array of a stepper begins at
/// another one. Large arrays are mapped, so that their pages are first touched by the threads that step them, and the system is
/// asked for huge pages.
/// </remarks>
internal sealed unsafe partial class StateMemory : IDisposable
{
    private const nuint CacheLine = 64;
    private const nuint Page = 4096;
    private const nuint HugePage = 2 << 20;

    /// <summary>An odd number of cache lines, about a quarter of a page: four arrays lie as far apart as they can.</summary>
    private const nuint Stagger = 17 * CacheLine;

    private void* block;
    private readonly nuint mapped;

    /// <summary>The bytes that an array takes in a block: whole cache lines, so that the next one begins with one.</summary>
    public static nuint SizeOf<T>(long length)
        where T : unmanaged => checked((((nuint)length * (nuint)sizeof(T)) + CacheLine - 1) & ~(CacheLine - 1));

    /// <summary>Zeroed memory.</summary>
    /// <param name="bytes">Its size.</param>
    /// <param name="ordinal">The number of its arrays among those of their parameters.</param>
    /// <exception cref="OutOfMemoryException">There is not so much memory.</exception>
    public StateMemory(nuint bytes, int ordinal)
    {
        var offset = bytes >= Page ? (nuint)(ordinal + 1) * Stagger % Page : 0;
        if (OperatingSystem.IsLinux() && bytes >= HugePage)
        {
            mapped = checked(bytes + offset + HugePage);
            block = Map(null, mapped, ReadAndWrite, PrivateAndAnonymous, file: -1, 0);
            if (block != (void*)-1)
            {
                var start = ((nuint)block + HugePage - 1) & ~(HugePage - 1);

                // Only advice: without huge pages everything works, more slowly.
                _ = Advise((void*)start, (nuint)block + mapped - start, WantHugePages);
                Start = (byte*)start + offset;
                return;
            }

            mapped = 0;
        }

        block = NativeMemory.AlignedAlloc(checked(bytes + offset + CacheLine), CacheLine);
        Start = (byte*)block + offset;
        NativeMemory.Clear(Start, bytes);
    }

    /// <summary>The first byte, aligned to a cache line; null once disposed.</summary>
    public void* Start { get; private set; }

    public void Dispose()
    {
        if (block is null)
        {
            return;
        }

        if (mapped > 0)
        {
            _ = Unmap(block, mapped);
        }
        else
        {
            NativeMemory.AlignedFree(block);
        }

        block = null;
        Start = null;
    }

    private const int ReadAndWrite = 1 | 2;
    private const int PrivateAndAnonymous = 2 | 0x20;
    private const int WantHugePages = 14;

    [LibraryImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(void* address, nuint length, int advice);
}
