using System.Diagnostics;
using NativeRanger.Mpi.Interop;

namespace NativeRanger.Mpi;

/// <summary>
/// The ranks that step together: processes that an MPI launcher started (<c>mpirun -np 4 …</c>), or a part of them.
/// </summary>
/// <remarks>
/// All methods that communicate are called by all ranks, in the same order; where ranks call different ones, or with arguments
/// that contradict each other, all throw the same <see cref="RankDisagreementException"/> and nothing has changed. One thread at a time uses a
/// communicator. It serves any number of steppers. Dispose it on every rank, last: a rank that disposes it while others step
/// makes those throw. Open MPI and every library with MPICH's binary interface will do; the one that is used is the one that the
/// process has loaded already, else the one named by the environment variable NATIVERANGER_MPI_LIBRARY, else that of the launcher.
/// </remarks>
public sealed unsafe partial class Communicator : IDisposable
{
    private static readonly TimeSpan defaultTimeout = TimeSpan.FromMinutes(10);

    private readonly List<MessageBatch> batches = [];
    private readonly Versions versions;
    private nr_mpi_communicator* handle;
    private Exception? failure;
    private int busy;
    private bool disposed;

    private Communicator(nr_mpi_communicator* handle, Versions versions, TimeSpan timeout)
    {
        this.handle = handle;
        this.versions = versions;
        Timeout = timeout;
        int rank;
        int size;
        MpiStatus.Check(MpiMethods.nr_mpi_rank(handle, &rank, &size));
        (Rank, Size) = (rank, size);
        PrepareConsensus();
        try
        {
            AgreeOnVersions(versions);
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>The number of this process among the ranks, from 0.</summary>
    public int Rank { get; }

    /// <summary>The number of ranks.</summary>
    public int Size { get; }

    /// <summary>What the MPI library calls itself.</summary>
    public string Library => versions.Library;

    /// <summary>
    /// How long other ranks are waited for, at least 1 ms; 10 minutes by default. It covers the time by which the slowest rank
    /// computes its gradients later than the fastest.
    /// </summary>
    public TimeSpan Timeout
    {
        get;
        set =>
            field =
                value >= TimeSpan.FromMilliseconds(1)
                    ? value
                    : throw new ArgumentOutOfRangeException(
                        nameof(Timeout),
                        value,
                        $"Timeout must be at least 1 ms; it is {value}."
                    );
    }

    internal nr_mpi_communicator* Handle => handle;

    /// <summary>All processes that the launcher started; a world of 1 without a launcher.</summary>
    /// <param name="timeout"><see cref="Timeout"/>, also for this call; 10 minutes by default.</param>
    /// <exception cref="MpiException">There is no usable MPI library, or the launcher belongs to another one.</exception>
    /// <exception cref="RankTimeoutException">Not all ranks have called in time.</exception>
    /// <exception cref="RankDisagreementException">The ranks run different versions.</exception>
    public static Communicator World(TimeSpan? timeout = null)
    {
        var library = MpiLibrary.Open();
        var limit = timeout ?? defaultTimeout;
        nr_mpi_communicator* made;
        CheckNew(MpiMethods.nr_mpi_world(MpiStatus.Nanoseconds(limit), 0, &made), limit);
        return new(made, Versions.Here(library.Version), limit);
    }

    /// <summary>
    /// The ranks of a communicator of the host program, which stays the host's: it is duplicated, and may be freed afterwards.
    /// </summary>
    /// <param name="communicator">Its <c>MPI_Comm</c> as C has it: an address for Open MPI, an int for MPICH.</param>
    /// <param name="timeout"><see cref="Timeout"/>, also for this call; 10 minutes by default.</param>
    /// <inheritdoc cref="World" path="/exception"/>
    public static Communicator FromHandle(nint communicator, TimeSpan? timeout = null) =>
        FromHandle(communicator, timeout, Versions.Here(MpiLibrary.Open().Version));

    /// <inheritdoc cref="FromHandle(nint, TimeSpan?)"/>
    internal static Communicator FromHandle(nint communicator, TimeSpan? timeout, Versions versions)
    {
        _ = MpiLibrary.Open();
        var limit = timeout ?? defaultTimeout;
        nr_mpi_communicator* made;
        CheckNew(MpiMethods.nr_mpi_adopt(communicator, MpiStatus.Nanoseconds(limit), 0, &made), limit);
        return new(made, versions, limit);
    }

    /// <summary>A communicator of those ranks that call with the same colour, in the order of the key. All ranks call.</summary>
    /// <param name="colour">At least 0; or null for a rank that will be in no part.</param>
    /// <param name="key">Ranks of equal keys keep their order.</param>
    /// <returns>The part that this rank is in, or null.</returns>
    public Communicator? Split(int? colour, int key = 0)
    {
        if (colour < 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(colour),
                colour,
                $"A colour must be at least 0; it is {colour}."
            );
        }

        Enter();
        try
        {
            Agree(new() { Operation = (long)Operation.Split }, NoWords.Instance);
            nr_mpi_communicator* made;
            Check(MpiMethods.nr_mpi_split(Handle, colour ?? -1, key, MpiStatus.Nanoseconds(Timeout), &made));
            return made is null ? null : new(made, versions, Timeout);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Waits until all ranks have called.</summary>
    /// <exception cref="RankTimeoutException">Not all ranks have called in time.</exception>
    /// <exception cref="RankDisagreementException">A rank has called something else.</exception>
    public void Barrier()
    {
        Enter();
        try
        {
            Agree(new() { Operation = (long)Operation.Barrier }, NoWords.Instance);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>
    /// Leaves the other ranks. It waits for them to do so too, as long as <see cref="Timeout"/>; those that call anything else
    /// throw <see cref="RankDisagreementException"/>. Steppers that are bound to it can be disposed afterwards, but not used.
    /// </summary>
    /// <exception cref="InvalidOperationException">Another thread is using it.</exception>
    public void Dispose()
    {
        if (disposed)
        {
            return;
        }

        if (failure is null)
        {
            Enter();
            try
            {
                Agree(new() { Operation = (long)Operation.Close }, NoWords.Instance);
            }
            catch (Exception late) when (late is RankDisagreementException or RankTimeoutException or MpiException)
            {
                // Whoever is still at work has been told; there is nobody left to tell here.
                failure = late;
            }
        }

        disposed = true;
        Release();
    }

    /// <summary>The rank, the number of ranks and the MPI library.</summary>
    public override string ToString() => $"rank {Rank} of {Size} over {Library}";

    /// <summary>Whether something has failed that leaves messages under way, whose buffers must stay for ever.</summary>
    internal bool HasFailed => failure is not null;

    internal void Own(MessageBatch batch) => batches.Add(batch);

    /// <summary>Begins an operation of all ranks; another thread that is in one is an error.</summary>
    internal void Enter()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (failure is not null)
        {
            throw new MpiException(
                $"The communicator can no longer be used: {failure.Message} Go on from the last checkpoint.",
                failure
            );
        }

        if (Interlocked.CompareExchange(ref busy, 1, 0) != 0)
        {
            throw new InvalidOperationException("Another thread is using this communicator; use one for each thread.");
        }
    }

    internal void Exit() => Volatile.Write(ref busy, 0);

    /// <summary>Checks a status of the MPI layer; an MPI function that fails ends the use of the communicator.</summary>
    internal void Check(int status)
    {
        if (status == (int)nr_mpi_status_code.NR_MPI_OK)
        {
            return;
        }

        if (status == (int)nr_mpi_status_code.NR_MPI_E_TIMEOUT)
        {
            throw Fail(GiveUp(Timeout));
        }

        throw FailAloud(MpiStatus.Failure(status, handle));
    }

    /// <summary>Ends the use of the communicator, and tells the ranks that wait; returns what to throw.</summary>
    internal Exception FailAloud(Exception reason)
    {
        CallRoll(nr_mpi_presence.NR_MPI_FAILED, TimeSpan.Zero);
        return Fail(reason);
    }

    /// <summary>Waits for a batch. When a rank gives up waiting, all that wait give up together.</summary>
    internal void Wait(nr_mpi_batch* batch)
    {
        var slice = TimeSpan.FromMilliseconds(100);
        var waited = TimeSpan.Zero;
        while (true)
        {
            var start = Stopwatch.GetTimestamp();
            var left = Timeout - waited;
            var status = MpiMethods.nr_mpi_wait(batch, MpiStatus.Nanoseconds(left < slice ? left : slice));
            if (status != (int)nr_mpi_status_code.NR_MPI_E_TIMEOUT)
            {
                Check(status);
                return;
            }

            // While this process is stopped, or its machine asleep, it does not wait.
            var passed = Stopwatch.GetElapsedTime(start);
            waited += passed < 2 * slice ? passed : 2 * slice;
            int called;
            Check(MpiMethods.nr_mpi_roll_called(handle, &called));
            if (called != 0 || waited >= Timeout)
            {
                throw Fail(GiveUp(waited));
            }
        }
    }

    /// <summary>Ends the use of the communicator; returns what to throw.</summary>
    internal Exception Fail(Exception reason) => failure = reason;

    private RankTimeoutException GiveUp(TimeSpan waited)
    {
        // Ranks that wait answer within a slice; the rest is for a busy machine.
        var limit = TimeSpan.FromSeconds(5);
        var presence = CallRoll(nr_mpi_presence.NR_MPI_WAITED_IN_VAIN, Timeout < limit ? Timeout : limit);
        var missing = RanksOf(nr_mpi_presence.NR_MPI_ABSENT);
        var failed = RanksOf(nr_mpi_presence.NR_MPI_FAILED);
        var who =
            failed.Length > 0 ? $"{Name(failed)} failed, for the reason that is given there"
            : missing.Length > 0 ? $"{Name(missing)} did not come"
            : $"rank {Rank} came after the others had given up";
        return new(
            missing,
            $"During {current}, {who}; rank {Rank} of {Size} waited {waited.TotalSeconds:F1} s, and the limit is "
                + $"{Timeout.TotalSeconds:F1} s ({nameof(Communicator)}.{nameof(Timeout)}). A rank that is missing is dead, stuck "
                + "or slow. Parameters in memory may be of different steps: go on from the last checkpoint."
        );

        int[] RanksOf(nr_mpi_presence wanted) => [.. Enumerable.Range(0, Size).Where(r => presence[r] == (byte)wanted)];

        static string Name(int[] ranks) => $"{(ranks.Length == 1 ? "rank" : "ranks")} {string.Join(", ", ranks)}";
    }

    /// <summary>Tells the other ranks that this one is at its end, and learns who else is.</summary>
    private byte[] CallRoll(nr_mpi_presence own, TimeSpan patience)
    {
        var presence = new byte[Size];
        fixed (byte* p = presence)
        {
            // What fails here fails after the failure that is to be reported.
            _ = MpiMethods.nr_mpi_roll_call(handle, (int)own, MpiStatus.Nanoseconds(patience), p);
        }

        return presence;
    }

    private static void CheckNew(int status, TimeSpan timeout)
    {
        if (status == (int)nr_mpi_status_code.NR_MPI_E_TIMEOUT)
        {
            throw new RankTimeoutException(
                $"Not all ranks of the communicator have called within {timeout.TotalSeconds:F1} s."
            );
        }

        MpiStatus.Check(status);
    }

    private void Release()
    {
        foreach (var batch in batches)
        {
            batch.Free();
        }

        batches.Clear();
        if (failure is null)
        {
            _ = MpiMethods.nr_mpi_free(handle);
            ReleaseConsensus();
        }

        handle = null;
    }
}
