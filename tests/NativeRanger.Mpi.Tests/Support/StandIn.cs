using System.Runtime.InteropServices;
using System.Text;

namespace NativeRanger.Mpi.Tests.Support;

/// <summary>The stand-in MPI library, whose ranks are threads of this process, and its faults (native/tests/mpi/standin.h).</summary>
internal static unsafe class StandIn
{
    private static readonly nint library = Load();

    /// <summary>From now on the call of an MPI function number <paramref name="after"/> + 1, over all ranks, fails.</summary>
    public static void Fail(string function, long after) => Inject("standin_fail", function, after);

    /// <summary>From now on the operation that this call begins never completes.</summary>
    public static void Stall(string function, long after) => Inject("standin_stall", function, after);

    /// <summary>Forgets all faults and counts.</summary>
    public static void Reset() => ((delegate* unmanaged[Cdecl]<void>)Export("standin_reset"))();

    /// <summary>Whether buffers of MPI functions may be in the memory of a device.</summary>
    public static void TakeDeviceMemory(bool supported) =>
        ((delegate* unmanaged[Cdecl]<int, void>)Export("standin_cuda_support"))(supported ? 1 : 0);

    /// <summary>The tags of the messages that a rank has sent since the last reset, in order.</summary>
    public static int[] SentTags(int rank)
    {
        var tag = (delegate* unmanaged[Cdecl]<int, long, int>)Export("standin_sent_tag");
        var tags = new List<int>();
        while (tag(rank, tags.Count) is >= 0 and var next)
        {
            tags.Add(next);
        }

        return [.. tags];
    }

    /// <summary>How often an MPI function was called since the last reset.</summary>
    public static long Calls(string function)
    {
        fixed (byte* name = Encoding.ASCII.GetBytes(function + "\0"))
        {
            return ((delegate* unmanaged[Cdecl]<byte*, long>)Export("standin_calls"))(name);
        }
    }

    /// <summary>A new world; the communicator of each rank.</summary>
    public static long[] World(int size)
    {
        var handles = new long[size];
        fixed (long* h = handles)
        {
            ((delegate* unmanaged[Cdecl]<int, long*, void>)Export("standin_world"))(size, h);
        }

        return handles;
    }

    private static void Inject(string how, string function, long after)
    {
        fixed (byte* name = Encoding.ASCII.GetBytes(function + "\0"))
        {
            ((delegate* unmanaged[Cdecl]<byte*, long, void>)Export(how))(name, after);
        }
    }

    private static nint Export(string name) => NativeLibrary.GetExport(library, name);

    private static nint Load()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "libstandin_open_mpi.so");
        Environment.SetEnvironmentVariable("NATIVERANGER_MPI_LIBRARY", path);
        return NativeLibrary.Load(path);
    }
}
