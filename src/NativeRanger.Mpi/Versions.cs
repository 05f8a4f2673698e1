using NativeRanger.Mpi.Interop;

namespace NativeRanger.Mpi;

/// <summary>What has to be the same on all ranks before they can do anything together.</summary>
/// <param name="Layer">The version of NativeRanger.Mpi.</param>
/// <param name="Core">The version of NativeRanger.</param>
/// <param name="Native">The version of libnativeranger, and the contracts of it and of libnativeranger_mpi.</param>
/// <param name="Library">What the MPI library calls itself.</param>
internal sealed record Versions(string Layer, string Core, string Native, string Library) : IVoter
{
    /// <summary>Those of this process.</summary>
    /// <param name="library">What the MPI library calls itself.</param>
    public static Versions Here(string library) =>
        new(
            $"{typeof(Communicator).Assembly.GetName().Version}",
            $"{typeof(Optimizer).Assembly.GetName().Version}",
            $"{NativeBackend.LibraryVersion}, contracts {nr_abi.NR_ABI_VERSION:D} and {nr_mpi_abi.NR_MPI_ABI_VERSION:D}",
            library
        );

    /// <summary>A line for each.</summary>
    public IEnumerable<string> Describe() =>
        [
            $"NativeRanger.Mpi: {Layer}",
            $"NativeRanger: {Core}",
            $"libnativeranger: {Native}",
            $"MPI library: {Library}",
            $"little-endian: {BitConverter.IsLittleEndian}",
        ];

    IEnumerable<string> IVoter.Describe(Ballot ballot) => Describe();
}
