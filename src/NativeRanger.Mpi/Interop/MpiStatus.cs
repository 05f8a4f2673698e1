namespace NativeRanger.Mpi.Interop;

/// <summary>Maps statuses of libnativeranger_mpi to exceptions; checked in every build.</summary>
internal static unsafe class MpiStatus
{
    public static void Check(int status, nr_mpi_communicator* communicator = null)
    {
        if (status != (int)nr_mpi_status_code.NR_MPI_OK)
        {
            throw Failure(status, communicator);
        }
    }

    public static Exception Failure(int status, nr_mpi_communicator* communicator)
    {
        const int Capacity = 2048;
        var message = stackalloc sbyte[Capacity];
        message[0] = 0;
        if (status == (int)nr_mpi_status_code.NR_MPI_E_CALL)
        {
            _ = MpiMethods.nr_mpi_failure(communicator, message, Capacity);
            return new MpiException($"An MPI function failed: {new string(message)}.");
        }

        return status == (int)nr_mpi_status_code.NR_MPI_E_MEMORY
            ? new InsufficientMemoryException("There is not enough memory to communicate.")
            : new MpiException(
                $"The MPI layer refused the call: {new string(MpiMethods.nr_mpi_status_text(status))} "
                    + $"({new string(MpiMethods.nr_mpi_status_name(status))})."
            );
    }

    /// <summary>A time span as the layer takes it.</summary>
    public static long Nanoseconds(TimeSpan time) => (long)Math.Min(time.TotalNanoseconds, long.MaxValue / 2);
}
