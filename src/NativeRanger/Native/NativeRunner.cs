using System.Numerics;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>Steps the groups of one stepper: on the calling thread, or cut into pieces on several.</summary>
internal sealed unsafe class NativeRunner<T> : NativeCall<T>, IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Below so many elements a second thread costs more than it saves.</summary>
    private const long ElementsPerThread = 32 * 1024;

    private readonly List<NativeGroup<T>> groups = [];
    private readonly ClaimedWork work = new();
    private readonly int? threads;
    private NativePieces<T>? stepPieces;
    private NativePieces<T>? blockPieces;

    /// <summary>The elements of all groups, or null where they have to be counted again.</summary>
    private long? elements;

    /// <summary>A stepper without groups.</summary>
    /// <param name="threads">The most threads of a step, or null for <see cref="NativeBackend.MaxDegreeOfParallelism"/>.</param>
    public NativeRunner(int? threads) => this.threads = threads;

    /// <summary>The groups; a list, so that going through them allocates nothing.</summary>
    public List<NativeGroup<T>> Groups => groups;

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
        elements = null;
    }

    /// <summary>Steps every group, as each is prepared.</summary>
    public void Step()
    {
        if (Threads == 1)
        {
            foreach (var group in groups)
            {
                NativeStatus.Check(Run(group, group.Tensors, 0, group.Count));
            }
        }
        else
        {
            var pieces = Pieces(Cut.Steps);
            if (pieces.Means is { } means)
            {
                NativeStatus.Check(Run(means, pieces));
                means.Reduce();
            }

            NativeStatus.Check(Run(this, pieces));
        }
    }

    /// <summary>Makes a call for every piece.</summary>
    public int Run(NativeCall<T> call, NativePieces<T> pieces)
    {
        pieces.Call = call;
        return Threads == 1 ? pieces.RunAll() : work.Run(pieces, pieces.Count, Threads);
    }

    public NativePieces<T> Pieces(Cut cut) =>
        cut == Cut.Steps ? stepPieces ??= new(groups, cut) : blockPieces ??= new(groups, cut);

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
    public int Threads =>
        (int)
            Math.Clamp(
                (elements ??= Measure()) / ElementsPerThread,
                1,
                threads ?? NativeBackend.MaxDegreeOfParallelism
            );

    /// <summary>Counts the elements, and tells every group how much memory a step of all of them touches.</summary>
    private long Measure()
    {
        var workingSet = groups.Sum(g => g.WorkingSet);
        foreach (var group in groups)
        {
            group.Options->working_set = workingSet;
        }

        return groups.Sum(g => g.Elements);
    }
}
