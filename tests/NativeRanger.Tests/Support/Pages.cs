using System.Runtime.InteropServices;

namespace NativeRanger.Tests.Support;

/// <summary>Pages of memory, as the system gives them.</summary>
internal static unsafe partial class Pages
{
    public const int NoAccess = 0;
    public const int ReadAndWrite = 1 | 2;
    public const int Shared = 1;
    public const int Private = 2;
    public const int Fixed = 0x10;
    public const int Anonymous = 0x20;
    public const int Populate = 0x8000;

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int CreateFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate")]
    public static partial int Truncate(int file, nint length);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "mmap")]
    public static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    public static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    public static partial int Protect(void* address, nuint length, int protection);
}
