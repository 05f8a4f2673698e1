namespace NativeRanger;

/// <summary>The CUDA driver refused a call, or a device was lost.</summary>
public sealed class CudaException : Exception
{
    /// <summary>A failure of the driver.</summary>
    /// <param name="message">The driver's function and its words, and what is left.</param>
    /// <param name="isDeviceLost">Whether nothing on the device can be used any more.</param>
    public CudaException(string message, bool isDeviceLost)
        : base(message) => IsDeviceLost = isDeviceLost;

    /// <summary>
    /// Whether the device is lost to this process: what its memory held is gone, and every later call fails with this message.
    /// </summary>
    public bool IsDeviceLost { get; }
}
