using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>One device of this process: opened once, and kept until the process ends.</summary>
internal sealed unsafe class CudaDevice
{
    /// <summary>Names another driver than libcuda.so.1: a path, or a name for the dynamic loader.</summary>
    public const string DriverVariable = "NATIVERANGER_CUDA_DRIVER";

    private const int MessageCapacity = 1024;

    private static readonly NativeLibraryFile layer = new()
    {
        Name = "nativeranger_cuda",
        OverrideVariable = "NATIVERANGER_CUDA_LAYER",
        Bindings = typeof(CudaMethods),
        VersionFunction = nameof(CudaMethods.nr_cuda_abi_version),
        Version = (int)nr_cuda_abi.NR_CUDA_ABI_VERSION,
        Alternative = "Without it, bind with Backend.Native.",
    };

    private static readonly Lock opening = new();
    private static readonly Dictionary<int, CudaBackend> backends = [];

    private readonly nr_cuda_device* handle;

    private CudaDevice(nr_cuda_device* handle)
    {
        this.handle = handle;
        nr_cuda_about about;
        _ = CudaMethods.nr_cuda_describe(handle, &about);
        About = about;
        Name = Marshal.PtrToStringUTF8((nint)(&about.name)) ?? "";
    }

    public nr_cuda_device* Handle => handle;

    public nr_cuda_about About { get; }

    public string Name { get; }

    /// <summary>Opens a device, the first time; a device that could not be opened is tried again.</summary>
    public static bool TryOpen(
        int ordinal,
        [NotNullWhen(true)] out CudaBackend? backend,
        [NotNullWhen(false)] out string? reason
    )
    {
        lock (opening)
        {
            reason = null;
            if (backends.TryGetValue(ordinal, out backend))
            {
                return true;
            }

            try
            {
                layer.EnsureLoaded();
            }
            catch (NativeLibraryException missing)
            {
                reason = missing.Message;
                return false;
            }

            nr_cuda_device* opened;
            var message = stackalloc sbyte[MessageCapacity];
            *message = 0;
            int status;
            var driver = Environment.GetEnvironmentVariable(DriverVariable);
            fixed (byte* name = string.IsNullOrEmpty(driver) ? null : Encoding.UTF8.GetBytes(driver + "\0"))
            {
                status = CudaMethods.nr_cuda_open((sbyte*)name, ordinal, &opened, message, MessageCapacity);
            }

            if (status != 0)
            {
                reason = Explain(status, Text(message));
                return false;
            }

            backend = new(new CudaDevice(opened));
            backends.Add(ordinal, backend);
            return true;
        }
    }

    /// <summary>Throws unless a call succeeded.</summary>
    /// <param name="status">What it returned.</param>
    public void Check(int status)
    {
        if (status != (int)nr_status_code.NR_OK)
        {
            throw Failure(status);
        }
    }

    /// <summary>The exception of a status.</summary>
    public Exception Failure(int status)
    {
        var text = Text(CudaMethods.nr_cuda_status_text(status));
        var driver = stackalloc sbyte[MessageCapacity];
        _ = CudaMethods.nr_cuda_failure(handle, driver, MessageCapacity);
        var failure = $"{Name} (device {About.ordinal}): {text}. {Text(driver)}".TrimEnd();
        return (nr_cuda_status_code)status switch
        {
            nr_cuda_status_code.NR_CUDA_E_MEMORY => new InsufficientMemoryException(failure),
            nr_cuda_status_code.NR_CUDA_E_POINTER => new ArgumentException($"{Name} (device {About.ordinal}): {text}."),
            nr_cuda_status_code.NR_CUDA_E_LOST => new CudaException(failure, isDeviceLost: true),
            nr_cuda_status_code.NR_CUDA_E_CALL => new CudaException(failure, isDeviceLost: false),
            _ => NativeStatus.Failure(status, text, Text(CudaMethods.nr_cuda_status_name(status))),
        };
    }

    /// <summary>The text behind a pointer that the library gives; empty for null.</summary>
    public static string Text(sbyte* text) => text is null ? "" : Marshal.PtrToStringUTF8((nint)text) ?? "";

    private static string Explain(int status, string message)
    {
        var named = Environment.GetEnvironmentVariable(DriverVariable) is { Length: > 0 } driver
            ? $" ({DriverVariable} names {driver})"
            : "";
        var what = Text(CudaMethods.nr_cuda_status_text(status));
        return message.Length > 0 ? $"{what}: {message}{named}" : what + named;
    }
}

/// <summary>Memory of a device, or pinned memory of the host. It is freed once the device has done all its work.</summary>
internal sealed unsafe class CudaMemory : SafeHandle
{
    private readonly CudaDevice device;
    private readonly bool pinned;

    private CudaMemory(CudaDevice device, bool pinned)
        : base(0, ownsHandle: true)
    {
        this.device = device;
        this.pinned = pinned;
    }

    public override bool IsInvalid => handle == 0;

    public static CudaMemory OnDevice(CudaDevice device, long bytes) => Allocate(device, bytes, pinned: false);

    public static CudaMemory OnHost(CudaDevice device, long bytes) => Allocate(device, bytes, pinned: true);

    protected override bool ReleaseHandle() =>
        (
            pinned
                ? CudaMethods.nr_cuda_free_host(device.Handle, (void*)handle)
                : CudaMethods.nr_cuda_free(device.Handle, (void*)handle)
        ) == 0;

    private static CudaMemory Allocate(CudaDevice device, long bytes, bool pinned)
    {
        var memory = new CudaMemory(device, pinned);
        void* address;
        device.Check(
            pinned
                ? CudaMethods.nr_cuda_allocate_host(device.Handle, bytes, &address)
                : CudaMethods.nr_cuda_allocate(device.Handle, bytes, &address)
        );
        memory.SetHandle((nint)address);
        return memory;
    }
}

/// <summary>A queue of a device. It is freed once its work is done.</summary>
internal sealed unsafe class CudaQueue : SafeHandle
{
    private readonly CudaDevice device;

    /// <summary>A queue with a stream of its own.</summary>
    public CudaQueue(CudaDevice device)
        : base(0, ownsHandle: true)
    {
        this.device = device;
        nr_cuda_queue* queue;
        device.Check(CudaMethods.nr_cuda_queue_create(device.Handle, &queue));
        SetHandle((nint)queue);
    }

    /// <summary>A queue on a stream that somebody else owns.</summary>
    public CudaQueue(CudaDevice device, nint stream)
        : base(0, ownsHandle: true)
    {
        this.device = device;
        nr_cuda_queue* queue;
        device.Check(CudaMethods.nr_cuda_queue_adopt(device.Handle, (void*)stream, &queue));
        SetHandle((nint)queue);
    }

    public override bool IsInvalid => handle == 0;

    public nr_cuda_queue* Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return (nr_cuda_queue*)handle;
        }
    }

    /// <summary>The CUstream.</summary>
    public nint Stream
    {
        get
        {
            void* stream;
            device.Check(CudaMethods.nr_cuda_queue_stream(Handle, &stream));
            return (nint)stream;
        }
    }

    /// <summary>Copies between any two of host and device.</summary>
    public void Copy(void* to, void* from, long bytes) =>
        device.Check(CudaMethods.nr_cuda_copy(Handle, to, from, bytes));

    public void Clear(void* memory, long bytes) => device.Check(CudaMethods.nr_cuda_clear(Handle, memory, bytes));

    public void Wait() => device.Check(CudaMethods.nr_cuda_queue_wait(Handle));

    protected override bool ReleaseHandle() => CudaMethods.nr_cuda_queue_free((nr_cuda_queue*)handle) == 0;
}
