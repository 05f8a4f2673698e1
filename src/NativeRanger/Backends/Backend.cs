using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace NativeRanger;

/// <summary>What carries out the steps. All backends give the same bits.</summary>
public abstract class Backend
{
    /// <summary>The native library, on the best instruction set that this processor has.</summary>
    public static Backend Native => NativeBackend.Instance;

    /// <summary>An NVIDIA GPU of this machine, if it can be used.</summary>
    /// <param name="device">The number of the device, from 0.</param>
    /// <param name="backend">The backend, the same one for each call; or null.</param>
    /// <param name="reason">Why it cannot be used: no driver, no such device, one that is too old; or null.</param>
    public static bool TryCuda(
        int device,
        [NotNullWhen(true)] out CudaBackend? backend,
        [NotNullWhen(false)] out string? reason
    ) => CudaDevice.TryOpen(device, out backend, out reason);

    /// <summary>The name that the command line and messages use.</summary>
    public abstract string Name { get; }

    /// <summary>The device whose memory is stepped; null where only the host's is.</summary>
    internal virtual CudaDevice? Device => null;

    /// <summary>Creates the engine of one stepper; it has no groups yet.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="optimizer">The stepper's recipe.</param>
    public abstract StepEngine<T> CreateEngine<T>(Optimizer optimizer)
        where T : unmanaged, IFloatingPointIeee754<T>;
}
