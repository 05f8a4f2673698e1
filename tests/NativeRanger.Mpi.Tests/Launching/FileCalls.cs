using System.Runtime.InteropServices;

namespace NativeRanger.Mpi.Tests.Launching;

/// <summary>The preloaded library at whose n-th file call of this thread the process dies.</summary>
internal static unsafe class FileCalls
{
    private const int Files = 1;
    private const int Die = 0;

    private static readonly nint library = NativeLibrary.Load(FilePath);

    private static string FilePath => Path.Combine(AppContext.BaseDirectory, "libfailing_calls.so");

    /// <summary>The environment of a process in which this class works.</summary>
    /// <param name="directory">A directory for what it needs.</param>
    public static Dictionary<string, string?> Environment(string directory)
    {
        // P/Invokes look functions up in the library that they name, which preloading does not change; this name is tried first.
        File.CreateSymbolicLink(Path.Combine(directory, "libc.so"), FilePath);
        return new(StringComparer.Ordinal) { ["LD_PRELOAD"] = FilePath, ["LD_LIBRARY_PATH"] = directory };
    }

    /// <summary>From now on the call number <paramref name="at"/>, from 1, of this thread is its last.</summary>
    public static void DieAt(int at) =>
        ((delegate* unmanaged<int, int, int, void>)NativeLibrary.GetExport(library, "nr_calls_arm"))(Files, at, Die);

    /// <summary>Returns how many calls there were.</summary>
    public static int Disarm() => ((delegate* unmanaged<int>)NativeLibrary.GetExport(library, "nr_calls_disarm"))();
}
