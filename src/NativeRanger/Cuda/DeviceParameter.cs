using System.Numerics;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>A parameter of a stepper on a device, and what is there for it beside its state.</summary>
internal sealed unsafe class DeviceParameter<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CudaBackend backend;
    private readonly Parameter<T> parameter;
    private readonly DeviceBuffer<T>? buffer;
    private readonly HostMirror<T>? mirror;
    private readonly CudaMemory? held;
    private HostMirror<T>? gradientMirror;
    private DeviceBuffer<T>? sum;
    private bool hasSum;

    public DeviceParameter(CudaBackend backend, Parameter<T> parameter)
    {
        this.backend = backend;
        this.parameter = parameter;
        buffer = parameter.Buffer.Owner as DeviceBuffer<T>;
        if (buffer is null)
        {
            mirror = new(backend, parameter.Length);
            return;
        }

        // While it is bound the memory stays, whatever happens to the buffer.
        var added = false;
        buffer.Memory?.DangerousAddRef(ref added);
        held = added ? buffer.Memory : null;
    }

    /// <summary>Whether its values are in an array of the host.</summary>
    public bool IsHosted => mirror is not null;

    /// <summary>Points the tensor at the parameter; true if it had to be sent to the device.</summary>
    public bool Place(ref nr_tensor tensor)
    {
        if (buffer is not null)
        {
            tensor.parameter = buffer.IsDisposed ? throw Disposed() : buffer.Ready();
            return false;
        }

        mirror!.Send(parameter.Buffer);
        tensor.parameter = mirror.Address;
        return true;
    }

    /// <summary>Points the tensor at a gradient, or at none; true if it had to be sent to the device.</summary>
    public bool PlaceGradient(in Gradient<T> gradient, ref nr_tensor tensor)
    {
        if (gradient.IsNone)
        {
            tensor.gradient = null;
            return false;
        }

        if (gradient.Buffer.Owner is DeviceBuffer<T> there)
        {
            tensor.gradient = Present(there.Ready());
            return false;
        }

        gradientMirror ??= new(backend, parameter.Length);
        gradientMirror.Send(gradient.Buffer);
        tensor.gradient = Present(gradientMirror.Address);
        return true;
    }

    /// <summary>Points the tensor at the sum of the micro-batches, which is then forgotten.</summary>
    public bool PlaceSum(ref nr_tensor tensor)
    {
        tensor.gradient = hasSum ? Present(sum!.Start) : null;
        hasSum = false;
        return false;
    }

    /// <summary>Allocates what adding the gradient of a micro-batch needs.</summary>
    public void ReserveSum(in Gradient<T> gradient)
    {
        if (gradient.IsNone)
        {
            return;
        }

        sum ??= backend.Allocate<T>(parameter.Length);
        if (gradient.Buffer.Owner is not DeviceBuffer<T>)
        {
            gradientMirror ??= new(backend, parameter.Length);
        }
    }

    /// <summary>
    /// Adds the gradient of one micro-batch, for which there is room: copied where there is no sum yet. Returns the library's
    /// status.
    /// </summary>
    public int Accumulate(CudaQueue queue, in Gradient<T> gradient)
    {
        if (gradient.IsNone)
        {
            return 0;
        }

        T* from;
        if (gradient.Buffer.Owner is DeviceBuffer<T> there)
        {
            from = there.Ready();
        }
        else
        {
            // The pinned memory is used again for the next micro-batch.
            backend.Synchronize();
            gradientMirror!.Send(gradient.Buffer);
            from = gradientMirror.Address;
        }

        if (!hasSum)
        {
            hasSum = true;
            return CudaMethods.nr_cuda_copy(queue.Handle, sum!.Start, from, parameter.Length * sizeof(T));
        }

        var type = typeof(T) == typeof(float) ? nr_type.NR_FLOAT32 : nr_type.NR_FLOAT64;
        return CudaMethods.nr_cuda_accumulate(queue.Handle, (int)type, parameter.Length, from, sum!.Start);
    }

    /// <summary>Begins to bring the values back to an array of the host.</summary>
    public void Fetch() => mirror?.Fetch();

    /// <summary>Ends it.</summary>
    public void Store() => mirror?.Store(parameter.Buffer);

    public void Dispose()
    {
        mirror?.Dispose();
        gradientMirror?.Dispose();
        sum?.Dispose();
        held?.DangerousRelease();
    }

    private ObjectDisposedException Disposed() =>
        new(parameter.Name, $"The buffer of parameter '{parameter.Name}' was disposed while it is bound to a stepper.");

    /// <summary>A gradient that is there is never null, also where it has no elements.</summary>
    private static T* Present(T* gradient) => gradient is null ? (T*)sizeof(T) : gradient;
}
