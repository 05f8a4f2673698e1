namespace NativeRanger.Mpi;

/// <summary>The native library, with each rank stepping its own range of the parameters.</summary>
internal sealed class ShardedBackend(Communicator communicator, ShardingOptions options, int number) : Backend
{
    /// <inheritdoc/>
    public override string Name => "mpi";

    /// <inheritdoc/>
    public override StepEngine<T> CreateEngine<T>(Optimizer optimizer) =>
        new ShardedEngine<T>(communicator, options, number);

    /// <summary>The backend and what runs.</summary>
    public override string ToString() => $"mpi, {communicator}";
}
