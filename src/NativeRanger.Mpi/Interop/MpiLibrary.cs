using System.Text;

namespace NativeRanger.Mpi.Interop;

/// <summary>The MPI library of this process, opened once by libnativeranger_mpi.</summary>
internal static unsafe class MpiLibrary
{
    /// <summary>Names the MPI library to open: a path, or a name for the dynamic loader.</summary>
    public const string LibraryVariable = "NATIVERANGER_MPI_LIBRARY";

    /// <summary>How long the end of the process waits for the other ranks before it leaves MPI as it is.</summary>
    private static readonly TimeSpan farewell = TimeSpan.FromSeconds(30);

    private static readonly NativeLibraryFile layer = new()
    {
        Name = "nativeranger_mpi",
        OverrideVariable = "NATIVERANGER_MPI_LAYER",
        Bindings = typeof(MpiMethods),
        VersionFunction = nameof(MpiMethods.nr_mpi_abi_version),
        Version = (int)nr_mpi_abi.NR_MPI_ABI_VERSION,
        Alternative = "On one machine, bind without a communicator.",
    };

    private static readonly Lock opening = new();
    private static Opened? opened;

    /// <summary>What was opened.</summary>
    /// <param name="About">Its flavour and thread level, and this process's place in the world.</param>
    /// <param name="Version">The first line of what it says about itself.</param>
    public sealed record Opened(nr_mpi_about About, string Version);

    /// <summary>Opens MPI, the first time.</summary>
    /// <exception cref="MpiException">There is no usable MPI library, or the launcher belongs to another one.</exception>
    /// <exception cref="NativeLibraryException">libnativeranger_mpi cannot be loaded.</exception>
    public static Opened Open()
    {
        lock (opening)
        {
            return opened ??= OpenOnce();
        }
    }

    private static Opened OpenOnce()
    {
        const int Capacity = 2048;
        layer.EnsureLoaded();
        var message = stackalloc sbyte[Capacity];
        nr_mpi_about about;
        int status;
        var name = Environment.GetEnvironmentVariable(LibraryVariable);
        fixed (byte* library = string.IsNullOrEmpty(name) ? null : Encoding.UTF8.GetBytes(name + "\0"))
        {
            status = MpiMethods.nr_mpi_open((sbyte*)library, &about, message, Capacity);
        }

        var text = new string(message);
        if (status != (int)nr_mpi_status_code.NR_MPI_OK)
        {
            throw new MpiException(Explain((nr_mpi_status_code)status, text));
        }

        if (about.initialised_here != 0)
        {
            AppDomain.CurrentDomain.ProcessExit += static (_, _) =>
                _ = MpiMethods.nr_mpi_close(MpiStatus.Nanoseconds(farewell));
        }

        // MPICH sets its version off by a tab.
        return new(about, text.Replace('\t', ' '));
    }

    private static string Explain(nr_mpi_status_code status, string text) =>
        status switch
        {
            nr_mpi_status_code.NR_MPI_E_LIBRARY =>
                $"No MPI library can be used: {text}. Install Open MPI (Debian: openmpi-bin) or MPICH (mpich), or name the "
                    + $"library by the environment variable {LibraryVariable}. On one machine, bind without a communicator.",
            nr_mpi_status_code.NR_MPI_E_LAUNCHER =>
                $"The launcher does not fit the MPI library: {text} by {LibraryVariable}.",
            nr_mpi_status_code.NR_MPI_E_FINALISED =>
                "The host program has finalised MPI, which cannot be initialised again in one process.",
            _ => $"MPI cannot be initialised: {text}",
        };
}
