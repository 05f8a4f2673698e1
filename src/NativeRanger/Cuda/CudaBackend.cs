using System.Numerics;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>An NVIDIA GPU: the same steps with the same bits, on arrays in its memory or, copied at each step, of the host.</summary>
/// <remarks>
/// Work is put into one stream and runs there in order: copies, steps and kernels of the caller need no waiting between them.
/// A step on <see cref="DeviceBuffer{T}"/> returns before the device has done it; what goes wrong there is reported by a later
/// call. Parameters or gradients in arrays of the host are copied to the device and back within each step, which costs far more
/// than the step: bind buffers instead.
/// </remarks>
public sealed unsafe class CudaBackend : Backend
{
    private readonly Lock copying = new();

    internal CudaBackend(CudaDevice device)
    {
        Device = device;
        Queue = new(device);
    }

    private CudaBackend(CudaDevice device, nint stream)
    {
        Device = device;
        Queue = new(device, stream);
    }

    /// <inheritdoc/>
    public override string Name => "cuda";

    /// <summary>The number of the device, from 0.</summary>
    public int Ordinal => Device.About.ordinal;

    /// <summary>The name of the device.</summary>
    public string DeviceName => Device.Name;

    /// <summary>The compute capability of the device, as in 9.0.</summary>
    public Version Capability => new(Device.About.capability / 10, Device.About.capability % 10);

    /// <summary>The CUDA version of the driver, as in 12.4.</summary>
    public Version DriverVersion => new(Device.About.driver_version / 1000, Device.About.driver_version % 1000 / 10);

    /// <summary>The memory of the device in bytes.</summary>
    public long MemoryBytes => Device.About.memory_bytes;

    /// <summary>The stream that all work goes into, a CUstream.</summary>
    public nint Stream => Queue.Stream;

    internal override CudaDevice Device { get; }

    internal CudaQueue Queue { get; }

    /// <summary>The same device on a stream of another library, which keeps the stream as long as this is in use.</summary>
    /// <param name="stream">A CUstream of the device's primary context; 0 is the default stream.</param>
    public CudaBackend OnStream(nint stream) => new(Device, stream);

    /// <summary>Allocates memory of the device, all zero.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="length">The number of elements.</param>
    /// <exception cref="InsufficientMemoryException">The device has not so much memory left.</exception>
    public DeviceBuffer<T> Allocate<T>(long length)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ElementType.Require<T>();
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var bytes = checked(length * sizeof(T));
        var memory = CudaMemory.OnDevice(Device, bytes);
        var buffer = new DeviceBuffer<T>(this, memory, (T*)memory.DangerousGetHandle(), length);
        lock (copying)
        {
            Queue.Clear((void*)memory.DangerousGetHandle(), bytes);
        }

        return buffer;
    }

    /// <summary>Copies an array to new memory of the device.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="values">The elements.</param>
    public DeviceBuffer<T> Upload<T>(ReadOnlySpan<T> values)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var buffer = Allocate<T>(values.Length);
        buffer.CopyFrom(values);
        return buffer;
    }

    /// <summary>Uses memory of the device that another library owns and keeps as long as this is in use.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="address">The first element.</param>
    /// <param name="length">The number of elements.</param>
    /// <exception cref="ArgumentException">The memory is not this device's (of the host, of another device), or shorter.</exception>
    public DeviceBuffer<T> Adopt<T>(nint address, long length)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ElementType.Require<T>();
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Device.Check(CudaMethods.nr_cuda_check_memory(Device.Handle, (void*)address, checked(length * sizeof(T))));
        return new(this, memory: null, (T*)address, length);
    }

    /// <summary>Uses the memory of a DLPack tensor, and deletes the tensor when the buffer is disposed.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="managedTensor">A DLManagedTensor that has not been consumed, on this device, contiguous.</param>
    /// <exception cref="ArgumentException">The tensor is of another device or type, or not contiguous; it stays its owner's.</exception>
    public DeviceBuffer<T> AdoptDLPack<T>(nint managedTensor)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ElementType.Require<T>();
        return DLPack.Adopt<T>(this, managedTensor);
    }

    /// <summary>Allocates memory of the host that copies to and from the device run beside other work with.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="length">The number of elements.</param>
    public PinnedBuffer<T> AllocatePinned<T>(int length)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ElementType.Require<T>();
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return new(CudaMemory.OnHost(Device, checked((long)length * sizeof(T))), length);
    }

    /// <summary>Compiles kernels of the caller.</summary>
    /// <param name="ptx">PTX of compute capability 7.0 or lower than this device's.</param>
    /// <exception cref="CudaException">The driver cannot compile it; the message has the compiler's words.</exception>
    public DeviceModule LoadModule(string ptx)
    {
        ArgumentException.ThrowIfNullOrEmpty(ptx);
        return new(this, ptx);
    }

    /// <summary>Waits until everything in the stream is done, and reports what went wrong there.</summary>
    /// <exception cref="CudaException">Work that was under way has failed.</exception>
    public void Synchronize() => Queue.Wait();

    /// <inheritdoc/>
    public override StepEngine<T> CreateEngine<T>(Optimizer optimizer) => new CudaEngine<T>(this);

    /// <summary>The backend and the device.</summary>
    public override string ToString() => $"cuda {DeviceName}";

    /// <summary>Copies in the stream; from different threads one after the other.</summary>
    internal void Copy(void* to, void* from, long bytes)
    {
        lock (copying)
        {
            Queue.Copy(to, from, bytes);
        }
    }

    /// <summary>Launches in the stream.</summary>
    internal int Launch(nr_cuda_kernel* kernel, long blocks, int threads, void** arguments)
    {
        lock (copying)
        {
            return CudaMethods.nr_cuda_launch(Queue.Handle, kernel, blocks, threads, arguments);
        }
    }
}
