namespace NativeRanger.Mpi;

/// <summary>The native library, or a device, with each rank stepping its own range of the parameters.</summary>
internal sealed class ShardedBackend(
    Communicator communicator,
    ShardingOptions options,
    int number,
    CudaBackend? device
) : Backend
{
    /// <inheritdoc/>
    internal override CudaDevice? Device => device?.Device;

    /// <inheritdoc/>
    public override string Name => "mpi";

    /// <inheritdoc/>
    public override StepEngine<T> CreateEngine<T>(Optimizer optimizer) =>
        device is null
            ? new ShardedEngine<T>(communicator, options, number)
            : new DeviceShardedEngine<T>(communicator, options, number, device);

    /// <summary>The backend and what runs.</summary>
    public override string ToString() => $"mpi, {communicator}";
}
