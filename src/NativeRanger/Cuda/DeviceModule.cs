using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>Kernels of the caller, compiled from PTX for one device.</summary>
public sealed unsafe class DeviceModule : SafeHandle
{
    private const int MessageCapacity = 4096;

    internal DeviceModule(CudaBackend backend, string ptx)
        : base(0, ownsHandle: true)
    {
        Backend = backend;
        var message = stackalloc sbyte[MessageCapacity];
        nr_cuda_module* module;
        int status;
        fixed (byte* text = Encoding.UTF8.GetBytes(ptx + "\0"))
        {
            status = CudaMethods.nr_cuda_module_load(
                backend.Device.Handle,
                (sbyte*)text,
                &module,
                message,
                MessageCapacity
            );
        }

        if (status == (int)nr_cuda_status_code.NR_CUDA_E_CALL)
        {
            throw new CudaException(
                $"The PTX cannot be compiled for {backend.DeviceName}: {CudaDevice.Text(message)}",
                isDeviceLost: false
            );
        }

        backend.Device.Check(status);
        SetHandle((nint)module);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    internal CudaBackend Backend { get; }

    /// <summary>A kernel of the module, valid as long as it.</summary>
    /// <param name="name">The name of its entry.</param>
    /// <exception cref="CudaException">There is no such entry.</exception>
    public DeviceKernel Kernel(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ObjectDisposedException.ThrowIf(IsClosed, this);
        nr_cuda_kernel* kernel;
        fixed (byte* text = Encoding.UTF8.GetBytes(name + "\0"))
        {
            Backend.Device.Check(CudaMethods.nr_cuda_module_kernel((nr_cuda_module*)handle, (sbyte*)text, &kernel));
        }

        return new(this, kernel);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => CudaMethods.nr_cuda_module_free((nr_cuda_module*)handle) == 0;
}

/// <summary>A kernel of the caller.</summary>
public sealed unsafe class DeviceKernel
{
    private readonly DeviceModule module;
    private readonly nr_cuda_kernel* kernel;

    internal DeviceKernel(DeviceModule module, nr_cuda_kernel* kernel)
    {
        this.module = module;
        this.kernel = kernel;
    }

    /// <summary>Puts a launch into the backend's stream; returns before it is done.</summary>
    /// <param name="blocks">The blocks of the grid; none does nothing.</param>
    /// <param name="threads">The threads of a block, at most 1,024.</param>
    /// <param name="arguments">The kernel's arguments as bits, one per argument: addresses and integers, or <see cref="Bits{T}"/>.</param>
    public void Launch(long blocks, int threads, params ReadOnlySpan<long> arguments)
    {
        ObjectDisposedException.ThrowIf(module.IsClosed, module);
        fixed (long* values = arguments)
        {
            var list = stackalloc void*[arguments.Length];
            for (var i = 0; i < arguments.Length; i++)
            {
                list[i] = values + i;
            }

            module.Backend.Device.Check(module.Backend.Launch(kernel, blocks, threads, list));
        }

        GC.KeepAlive(module);
    }

    /// <summary>A number as an argument of its own type.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="value">The number.</param>
    public static long Bits<T>(T value)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var bits = 0L;
        *(T*)&bits = value;
        return bits;
    }
}
