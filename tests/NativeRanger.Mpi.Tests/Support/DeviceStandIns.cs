using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace NativeRanger.Mpi.Tests.Support;

/// <summary>
/// A driver without a GPU, with a device for each rank, and an NCCL on it (native/tests/cuda/standin, native/tests/nccl).
/// </summary>
internal static unsafe class DeviceStandIns
{
    private static readonly nint driver = NativeLibrary.Load(PathOf("libstandin_cuda.so"));
    private static readonly nint nccl = NativeLibrary.Load(PathOf("libstandin_nccl.so"));

    /// <summary>The stand-in NCCL.</summary>
    public static string Nccl => PathOf("libstandin_nccl.so");

    /// <summary>Chooses the NCCL of this process.</summary>
    public static void UseNccl(string? path) => Environment.SetEnvironmentVariable("NATIVERANGER_NCCL_LIBRARY", path);

    /// <summary>The device of a rank.</summary>
    public static CudaBackend DeviceOf(Communicator communicator)
    {
        Assert.True(Backend.TryCuda(communicator.Rank, out var backend, out var reason), reason);
        return backend;
    }

    /// <summary>From now on the call of a function of NCCL number <paramref name="after"/> + 1, over all ranks, fails.</summary>
    public static void FailNccl(string function, long after, int result)
    {
        fixed (byte* name = Encoding.ASCII.GetBytes(function + "\0"))
        {
            ((delegate* unmanaged[Cdecl]<byte*, long, int, void>)NativeLibrary.GetExport(nccl, "standin_nccl_fail"))(
                name,
                after,
                result
            );
        }
    }

    public static long CallsOfNccl(string function)
    {
        fixed (byte* name = Encoding.ASCII.GetBytes(function + "\0"))
        {
            return ((delegate* unmanaged[Cdecl]<byte*, long>)NativeLibrary.GetExport(nccl, "standin_nccl_calls"))(name);
        }
    }

    public static long Communicators =>
        ((delegate* unmanaged[Cdecl]<long>)NativeLibrary.GetExport(nccl, "standin_nccl_communicators"))();

    public static void SetNcclVersion(int version) =>
        ((delegate* unmanaged[Cdecl]<int, void>)NativeLibrary.GetExport(nccl, "standin_nccl_version"))(version);

    public static void Reset()
    {
        UseNccl(null);
        ((delegate* unmanaged[Cdecl]<void>)NativeLibrary.GetExport(nccl, "standin_nccl_reset"))();
        SetDriver("reset=1");
    }

    /// <summary>The next call of a function of the driver, on whichever device, fails.</summary>
    public static void FailDriver(string function, int result) => SetDriver($"fail={function}:1:{result}");

    /// <summary>Makes it the driver of this process, before anything opens one.</summary>
    [ModuleInitializer]
    internal static void Choose()
    {
        Environment.SetEnvironmentVariable("NATIVERANGER_CUDA_DRIVER", PathOf("libstandin_cuda.so"));
        SetDriver("devices=8 multiprocessors=2");
    }

    private static void SetDriver(string settings)
    {
        fixed (byte* text = Encoding.ASCII.GetBytes(settings + "\0"))
        {
            ((delegate* unmanaged[Cdecl]<byte*, int>)NativeLibrary.GetExport(driver, "standin_set"))(text);
        }
    }

    private static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, file);
}
