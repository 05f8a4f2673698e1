using NativeRanger.Mpi.Interop;

namespace NativeRanger.Mpi;

/// <summary>Operations of one communicator that are under way and waited for together.</summary>
/// <remarks>The communicator frees it. What it sends and receives must stay where it is until it has been waited for.</remarks>
internal sealed unsafe class MessageBatch
{
    private readonly Communicator communicator;
    private nr_mpi_batch* batch;

    public MessageBatch(Communicator communicator)
    {
        this.communicator = communicator;
        nr_mpi_batch* made;
        MpiStatus.Check(MpiMethods.nr_mpi_batch_create(communicator.Handle, &made));
        batch = made;
        communicator.Own(this);
    }

    /// <summary>Whether something has been begun and not waited for.</summary>
    public bool IsPending { get; private set; }

    public void Send(void* data, long bytes, int rank, Channel channel) =>
        Begun(MpiMethods.nr_mpi_send(batch, data, bytes, rank, (int)channel));

    public void Receive(void* data, long bytes, int rank, Channel channel) =>
        Begun(MpiMethods.nr_mpi_receive(batch, data, bytes, rank, (int)channel));

    /// <summary>As many bytes from every rank to every rank.</summary>
    public void AllGather(void* own, long bytes, void* everything) =>
        Begun(MpiMethods.nr_mpi_all_gather(batch, own, bytes, everything));

    /// <summary>A range from every rank to every rank; the own one must lie in place already.</summary>
    public void AllGatherRanges(void* everything, long* bytes, long* offsets) =>
        Begun(MpiMethods.nr_mpi_all_gather_ranges(batch, everything, bytes, offsets));

    public void Broadcast(void* data, long bytes, int root) =>
        Begun(MpiMethods.nr_mpi_broadcast(batch, data, bytes, root));

    /// <summary>Sums over the ranks, in the order of the MPI library's choice; each rank receives its share.</summary>
    public void ReduceScatter(nr_mpi_type type, void* data, long* counts, void* sums) =>
        Begun(MpiMethods.nr_mpi_reduce_scatter(batch, (int)type, data, counts, sums));

    /// <summary>Lets MPI work on what is under way.</summary>
    public void Progress()
    {
        if (IsPending)
        {
            int done;
            communicator.Check(MpiMethods.nr_mpi_test(batch, &done));
            IsPending = done == 0;
        }
    }

    /// <summary>Waits until all of it is done.</summary>
    /// <exception cref="RankTimeoutException">Ranks were waited for in vain.</exception>
    public void Wait()
    {
        if (IsPending)
        {
            communicator.Wait(batch);
            IsPending = false;
        }
    }

    /// <summary>Only for the communicator. What is under way after a failure is left to MPI.</summary>
    internal void Free()
    {
        _ = MpiMethods.nr_mpi_batch_free(batch);
        batch = null;
    }

    private void Begun(int status)
    {
        communicator.Check(status);
        IsPending = true;
    }
}

/// <summary>What messages between two ranks are about; within a channel they arrive in the order in which they were sent.</summary>
internal enum Channel
{
    Gradients = 1,
    Parameters = 2,
}
