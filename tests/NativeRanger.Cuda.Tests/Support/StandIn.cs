using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace NativeRanger.Cuda.Tests.Support;

/// <summary>The driver without a GPU, which these tests run on; see native/tests/cuda/standin/standin.h.</summary>
internal static unsafe class StandIn
{
    /// <summary>The devices that it has; a device that a test loses is used by that test alone.</summary>
    public const int Devices = 8;

    private static readonly nint library = NativeLibrary.Load(Path);

    public static string Path => System.IO.Path.Combine(AppContext.BaseDirectory, "libstandin_cuda.so");

    /// <summary>Makes it the driver of this process, before anything opens one.</summary>
    [ModuleInitializer]
    internal static void Choose()
    {
        Environment.SetEnvironmentVariable("NATIVERANGER_CUDA_DRIVER", Path);
        Set($"reset=1 devices={Devices} multiprocessors=2");
    }

    /// <summary>A device of it.</summary>
    public static CudaBackend Open(int device = 0)
    {
        Assert.True(Backend.TryCuda(device, out var backend, out var reason), reason);
        return backend;
    }

    public static void Set(string settings)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes(settings + "\0"))
        {
            var set = (delegate* unmanaged[Cdecl]<byte*, int>)NativeLibrary.GetExport(library, "standin_set");
            Assert.Equal(0, set(text));
        }
    }

    /// <summary>The n-th call from now of a function of the driver fails.</summary>
    public static void Fail(string function, int n, int result) => Set($"fail={function}:{n}:{result}");

    public static long Calls(string function)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes(function + "\0"))
        {
            var calls = (delegate* unmanaged[Cdecl]<byte*, long>)NativeLibrary.GetExport(library, "standin_calls");
            return calls(text);
        }
    }

    public static long Allocations => Number("standin_allocations");

    public static long Violations => Number("standin_violations");

    private static long Number(string function) =>
        ((delegate* unmanaged[Cdecl]<long>)NativeLibrary.GetExport(library, function))();
}
