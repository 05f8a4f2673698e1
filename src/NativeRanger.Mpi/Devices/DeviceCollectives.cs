using System.Numerics;
using System.Runtime.InteropServices;
using NativeRanger.Mpi.Interop;

namespace NativeRanger.Mpi;

/// <summary>The fast mode's collectives on the memory of devices.</summary>
internal abstract unsafe class DeviceCollectives : IDisposable
{
    /// <summary>What carries them, for the ranks to compare.</summary>
    public abstract string Name { get; }

    /// <summary>Joins the other ranks, which all do.</summary>
    public abstract void Join();

    /// <summary>Sums over the ranks: from as many elements for each rank, side by side, this rank receives its own.</summary>
    public abstract void ReduceScatter<T>(T* sent, T* received, long count)
        where T : unmanaged, IFloatingPointIeee754<T>;

    /// <summary>As many elements from every rank to every rank, side by side, where this rank's own lie already.</summary>
    public abstract void AllGather<T>(T* everything, long count)
        where T : unmanaged, IFloatingPointIeee754<T>;

    public abstract void Dispose();

    /// <summary>NCCL where it is there, else the MPI library where it takes memory of devices.</summary>
    /// <exception cref="NotSupportedException">Neither will do.</exception>
    public static DeviceCollectives Choose(Communicator communicator, CudaBackend backend)
    {
        if (NcclLibrary.TryOpen(out var nccl, out var reason))
        {
            return new NcclCollectives(nccl, communicator, backend);
        }

        return MpiTakesDeviceMemory()
            ? new MpiDeviceCollectives(communicator, backend)
            : throw new NotSupportedException(
                $"The fast reduction of gradients on devices needs NCCL, which cannot be used ({reason}), or an MPI library that "
                    + $"takes memory of devices, which {communicator.Library} does not. Install NCCL (libnccl2), name it by "
                    + $"{NcclLibrary.LibraryVariable}, or use {nameof(ReductionMode)}.{nameof(ReductionMode.Reproducible)}, which "
                    + "goes through the memory of the host."
            );
    }

    /// <summary>Open MPI and MPICH both tell by an extension, which libraries built without CUDA may lack.</summary>
    private static bool MpiTakesDeviceMemory() =>
        NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "MPIX_Query_cuda_support", out var query)
        && ((delegate* unmanaged[Cdecl]<int>)query)() == 1;
}

/// <summary>NCCL's collectives, in the stream of the backend.</summary>
internal sealed unsafe class NcclCollectives(NcclLibrary library, Communicator communicator, CudaBackend backend)
    : DeviceCollectives
{
    private readonly NcclLibrary.UniqueId id = communicator.Rank == 0 ? library.NewId() : default;
    private void* joined;

    public override string Name => $"NCCL {library.Version}";

    public override void Join()
    {
        var length = NcclLibrary.UniqueId.Length;
        var everybodys = (NcclLibrary.UniqueId*)NativeMemory.AllocZeroed((nuint)communicator.Size + 1, (nuint)length);
        try
        {
            var own = everybodys + communicator.Size;
            *own = id;
            communicator.AllGather(own, length, everybodys);
            Enter();
            try
            {
                joined = library.Join(*everybodys, communicator.Rank, communicator.Size);
            }
            finally
            {
                Leave();
            }
        }
        finally
        {
            NativeMemory.Free(everybodys);
        }
    }

    public override void ReduceScatter<T>(T* sent, T* received, long count)
    {
        Enter();
        try
        {
            library.ReduceScatter<T>(sent, received, count, joined, backend.Stream);
        }
        catch (MpiException failure)
        {
            throw communicator.FailAloud(failure);
        }
        finally
        {
            Leave();
        }
    }

    public override void AllGather<T>(T* everything, long count)
    {
        Enter();
        try
        {
            library.AllGather<T>(everything + (communicator.Rank * count), everything, count, joined, backend.Stream);
        }
        catch (MpiException failure)
        {
            throw communicator.FailAloud(failure);
        }
        finally
        {
            Leave();
        }
    }

    public override void Dispose()
    {
        if (joined is not null)
        {
            library.Leave(joined, communicator.HasFailed);
            joined = null;
        }
    }

    private void Enter() => backend.Device.Check(CudaMethods.nr_cuda_enter(backend.Device.Handle));

    private void Leave() => _ = CudaMethods.nr_cuda_leave(backend.Device.Handle);
}

/// <summary>The collectives of an MPI library that takes memory of devices, once the stream is done with it.</summary>
internal sealed unsafe class MpiDeviceCollectives : DeviceCollectives
{
    private readonly Communicator communicator;
    private readonly CudaBackend backend;
    private readonly MessageBatch batch;
    private readonly long* numbers;

    public MpiDeviceCollectives(Communicator communicator, CudaBackend backend)
    {
        this.communicator = communicator;
        this.backend = backend;
        batch = new(communicator);
        numbers = (long*)NativeMemory.AllocZeroed(2 * (nuint)communicator.Size, sizeof(long));
    }

    public override string Name => "the MPI library, on memory of devices";

    public override void Join() { }

    public override void ReduceScatter<T>(T* sent, T* received, long count)
    {
        new Span<long>(numbers, communicator.Size).Fill(count);
        backend.Synchronize();
        var type = typeof(T) == typeof(float) ? nr_mpi_type.NR_MPI_FLOAT32 : nr_mpi_type.NR_MPI_FLOAT64;
        batch.ReduceScatter(type, sent, numbers, received);
        batch.Wait();
    }

    public override void AllGather<T>(T* everything, long count)
    {
        var offsets = numbers + communicator.Size;
        for (var rank = 0; rank < communicator.Size; rank++)
        {
            numbers[rank] = count * sizeof(T);
            offsets[rank] = rank * numbers[rank];
        }

        backend.Synchronize();
        batch.AllGatherRanges(everything, numbers, offsets);
        batch.Wait();
    }

    public override void Dispose() => NativeMemory.Free(numbers);
}
