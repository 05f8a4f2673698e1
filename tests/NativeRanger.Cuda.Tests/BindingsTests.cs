using System.Runtime.InteropServices;
using NativeRanger.Interop;

namespace NativeRanger.Cuda.Tests;

/// <summary>The library was compiled with the layouts that the bindings have.</summary>
public sealed unsafe class BindingsTests
{
    [Fact]
    public void Structs_have_the_layouts_of_the_library()
    {
        Compare<nr_cuda_about>(nr_cuda_structure.NR_CUDA_STRUCT_ABOUT);
        Compare<nr_cuda_group>(nr_cuda_structure.NR_CUDA_STRUCT_GROUP);
        Compare<nr_cuda_kernel_about>(nr_cuda_structure.NR_CUDA_STRUCT_KERNEL_ABOUT);
    }

    private static void Compare<T>(nr_cuda_structure structure)
        where T : unmanaged
    {
        Support.StandIn.Open();
        Assert.Equal(sizeof(T), CudaMethods.nr_cuda_layout((int)structure, -1));
        var fields = typeof(T).GetFields();
        for (var i = 0; i < fields.Length; i++)
        {
            Assert.Equal(Marshal.OffsetOf<T>(fields[i].Name), (nint)CudaMethods.nr_cuda_layout((int)structure, i));
        }

        Assert.Equal(-1, CudaMethods.nr_cuda_layout((int)structure, fields.Length));
    }
}
