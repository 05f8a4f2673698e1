using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace NativeRanger.Checkpoints;

/// <summary>What .NET has no call for: synchronising to disk such that failures are seen, and the type of a file.</summary>
internal static unsafe partial class Libc
{
    private const int InvalidArgument = 22;
    private const int Interrupted = 4;

    /// <summary>Makes the contents of a file durable. (On Unix, FileStream.Flush ignores that the disk fails.)</summary>
    /// <exception cref="IOException">The disk fails.</exception>
    public static void Synchronize(SafeFileHandle file, string path)
    {
        if (TrySynchronize((int)file.DangerousGetHandle()) is { } error)
        {
            throw new IOException($"'{path}' cannot be synchronised to disk: {error}.");
        }
    }

    /// <summary>Makes a rename in the directory durable.</summary>
    /// <returns>Null, or why it failed.</returns>
    public static string? SynchronizeDirectory(string directory)
    {
        const int ReadOnly = 0;
        const int CloseOnExecute = 0x80000;
        var descriptor = Open(directory, OperatingSystem.IsLinux() ? ReadOnly | CloseOnExecute : ReadOnly);
        if (descriptor < 0)
        {
            return Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
        }

        var error = TrySynchronize(descriptor);
        _ = Close(descriptor);
        return error;
    }

    private static string? TrySynchronize(int descriptor)
    {
        int error;
        do
        {
            error = Fsync(descriptor) == 0 ? 0 : Marshal.GetLastPInvokeError();
        } while (error == Interrupted);

        // Some file systems have nothing to synchronise in a directory, or at all, and say so.
        return error is 0 or InvalidArgument ? null : Marshal.GetPInvokeErrorMessage(error);
    }

    /// <summary>Whether a path of Linux is an ordinary file, itself and not through a link.</summary>
    public static bool IsRegularFile(string path)
    {
        const int WorkingDirectory = -100;
        const int NoFollow = 0x100;
        const uint TypeOnly = 1;

        // struct statx has one layout on every architecture: 256 bytes, the mode at byte 28.
        const int Size = 256;
        const int ModeOffset = 28;
        const int TypeMask = 0xF000;
        const int Regular = 0x8000;
        var buffer = stackalloc byte[Size];
        return Statx(WorkingDirectory, path, NoFollow, TypeOnly, buffer) != 0
            || (*(ushort*)(buffer + ModeOffset) & TypeMask) == Regular;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Statx(int directory, string path, int flags, uint mask, byte* buffer);
}
