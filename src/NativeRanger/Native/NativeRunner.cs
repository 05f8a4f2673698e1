using System.Numerics;
using System.Runtime.CompilerServices;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>Steps the groups of one stepper: on the calling thread, or cut into pieces on several.</summary>
internal sealed unsafe class NativeRunner<T> : NativeCall<T>, IPinned, IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>A thread that has less to do costs more than it saves: waking it may take longer than its share of the step.</summary>
    private const long WorkPerThread = 32 * 1024;

    /// <summary>Steps of at most so many elements and tensors take less than a microsecond.</summary>
    private const long ElementsOfShortStep = 1024;
    private const int TensorsOfShortStep = 8;

    private readonly List<NativeGroup<T>> groups = [];
    private readonly ClaimedWork claimed = new();
    private readonly int? threads;
    private PinnedTensors<T>? pinned;
    private NativeGroup<T>? stepped;
    private NativePieces<T>? stepPieces;
    private NativePieces<T>? blockPieces;

    /// <summary>The work of all groups, or a negative number where it has to be counted again.</summary>
    private long work = -1;
    private bool isShort;

    /// <summary>A stepper without groups.</summary>
    /// <param name="threads">The most threads of a step, or null for <see cref="NativeBackend.MaxDegreeOfParallelism"/>.</param>
    public NativeRunner(int? threads) => this.threads = threads;

    /// <summary>The groups; a list, so that going through them allocates nothing.</summary>
    public List<NativeGroup<T>> Groups => groups;

    /// <summary>What pins the tensors of a call; null where they hold their addresses before a step.</summary>
    public PinnedTensors<T>? Pinned
    {
        get => pinned;
        set
        {
            pinned = value;
            Invalidate();
        }
    }

    public void Add(NativeGroup<T> group)
    {
        groups.Add(group);
        Invalidate();
    }

    /// <summary>Forgets how the groups were cut, since their tensors have changed.</summary>
    public void Invalidate()
    {
        stepPieces?.Dispose();
        blockPieces?.Dispose();
        stepPieces = null;
        blockPieces = null;
        work = -1;
    }

    /// <summary>Steps every group, as each is prepared.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step()
    {
        if (Threads > 1)
        {
            StepPieces();
            return;
        }

        for (var i = 0; i < groups.Count; i++)
        {
            var group = groups[i];
            NativeStatus.Check(
                pinned is not null ? StepPinned(group)
                : isShort ? ShortCalls.nr_step(group.Options, group.Count, group.Tensors)
                : Run(group, group.Tensors, 0, group.Count)
            );
        }
    }

    private int StepPinned(NativeGroup<T> group)
    {
        stepped = group;
        var status = 0;
        for (var first = 0; first < group.Count && status == 0; first += PinnedTensors<T>.Most)
        {
            var end = Math.Min(first + PinnedTensors<T>.Most, group.Count);
            status = pinned!.Run(this, first, group.FirstParameter + first, group.FirstParameter + end);
        }

        return status;
    }

    /// <summary>Steps the tensors of a group from the given one on.</summary>
    public int RunPinned(int first)
    {
        var group = stepped!;
        var count = Math.Min(PinnedTensors<T>.Most, group.Count - first);
        return isShort
            ? ShortCalls.nr_step(group.Options, count, group.Tensors + first)
            : Run(group, group.Tensors + first, first, count);
    }

    private void StepPieces()
    {
        var pieces = Pieces(Cut.Steps);
        if (pieces.Means is { } means)
        {
            NativeStatus.Check(Run(means, pieces));
            means.Reduce();
        }

        NativeStatus.Check(Run(this, pieces));
    }

    /// <summary>Makes a call for every piece.</summary>
    public int Run(NativeCall<T> call, NativePieces<T> pieces)
    {
        pieces.Call = call;
        return Threads == 1 ? pieces.RunAll() : claimed.Run(pieces, pieces.Count, Threads);
    }

    public NativePieces<T> Pieces(Cut cut) =>
        cut == Cut.Steps ? stepPieces ??= NewPieces(cut) : blockPieces ??= NewPieces(cut);

    private NativePieces<T> NewPieces(Cut cut) => new(groups, cut) { Pinned = pinned };

    // Inlined, it would prepare for a collection where there is only a short call.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override int Run(NativeGroup<T> group, nr_tensor* tensors, int first, int count) =>
        NativeMethods.nr_step(group.Options, count, tensors);

    public void Dispose()
    {
        foreach (var group in groups)
        {
            group.Dispose();
        }

        groups.Clear();
        Invalidate();
    }

    /// <summary>How many threads a call is worth; every call asks before it steps.</summary>
    public int Threads
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if (work < 0)
            {
                work = Measure();
            }

            return work < 2 * WorkPerThread
                ? 1
                : (int)Math.Min(work / WorkPerThread, threads ?? NativeBackend.MaxDegreeOfParallelism);
        }
    }

    /// <summary>Counts the work, and tells every group how much memory a step of all of them touches.</summary>
    private long Measure()
    {
        var workingSet = groups.Sum(g => g.WorkingSet);
        foreach (var group in groups)
        {
            group.Options->working_set = workingSet;
        }

        isShort = groups.Sum(g => g.Elements) <= ElementsOfShortStep && groups.Sum(g => g.Count) <= TensorsOfShortStep;
        return groups.Sum(g => g.Work);
    }
}
