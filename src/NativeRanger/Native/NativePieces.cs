using System.Numerics;
using System.Runtime.InteropServices;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>How the tensors of a stepper are cut.</summary>
internal enum Cut
{
    /// <summary>In pieces that can be stepped by themselves: whole rows where rows matter.</summary>
    Steps,

    /// <summary>In runs that begin at a canonical block, whatever the rows: for norms.</summary>
    Blocks,
}

/// <summary>
/// The tensors of a stepper cut into pieces of similar size for several threads. Bits do not depend on the cut.
/// </summary>
internal sealed unsafe class NativePieces<T> : IPieces, IPinned, IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The canonical block of the reductions.</summary>
    public const int BlockLength = 4096;

    /// <summary>The elements of a piece: enough that claiming it costs nothing beside it, few enough that threads finish together.</summary>
    private const long PieceLength = 8 * BlockLength;

    /// <summary>From this length on a row whose mean alone matters is cut too: it does not stay in a core's own cache anyway.</summary>
    private const long LongRow = 4 * PieceLength;

    /// <summary>The rows that the library sums at once where they lie across runs.</summary>
    private const long RowTile = 128;

    private readonly List<PieceSource<T>> sources = [];
    private readonly List<Claim> claims = [];
    private readonly Cut cut;
    private readonly Func<int, (long Start, long Length)>? part;
    private readonly RowMeans<T>? means;
    private nr_tensor* tensors;
    private nr_follower_buffers* followers;

    /// <summary>Cuts the tensors of the groups.</summary>
    /// <param name="groups">The groups.</param>
    /// <param name="cut">How.</param>
    /// <param name="part">
    /// Which elements of each parameter, by its number in bind order, are of interest; null for all. Where rows matter, they are
    /// whole rows of a parameter whose rows are contiguous.
    /// </param>
    public NativePieces(
        IReadOnlyList<NativeGroup<T>> groups,
        Cut cut,
        Func<int, (long Start, long Length)>? part = null
    )
    {
        this.cut = cut;
        this.part = part;
        foreach (var group in groups)
        {
            Add(group);
        }

        var followerCount = sources.Sum(s => (long)s.Group.Options->follower_count);
        try
        {
            tensors = (nr_tensor*)NativeMemory.AllocZeroed((nuint)sources.Count, (nuint)sizeof(nr_tensor));
            followers = (nr_follower_buffers*)
                NativeMemory.AllocZeroed((nuint)followerCount, (nuint)sizeof(nr_follower_buffers));
        }
        catch
        {
            Dispose();
            throw;
        }

        var next = followers;
        for (var i = 0; i < sources.Count; i++)
        {
            PlaceState(sources[i], ref tensors[i], ref next);
        }

        if (sources.Exists(s => s.RowLength is not null))
        {
            means = new(sources, tensors);
        }
    }

    /// <summary>The number of pieces to claim.</summary>
    public int Count => claims.Count;

    /// <summary>All the tensors that the claims are of.</summary>
    public int Tensors => sources.Count;

    /// <summary>The means of the rows that are cut, to be found before a step; null where there are none.</summary>
    public RowMeans<T>? Means => means;

    /// <summary>What a claim does with its tensors; set before a run.</summary>
    public NativeCall<T>? Call { get; set; }

    /// <summary>What pins the tensors of a claim; null where they hold their addresses before a run.</summary>
    public PinnedTensors<T>? Pinned { get; init; }

    public int Run(int piece)
    {
        if (Pinned is null)
        {
            return RunPinned(piece);
        }

        var claim = claims[piece];
        var first = claim.Group.FirstParameter + sources[claim.First].Tensor;
        var last = claim.Group.FirstParameter + sources[claim.First + claim.Count - 1].Tensor;
        return Pinned.Run(this, piece, first, last + 1);
    }

    public int RunPinned(int piece)
    {
        var claim = claims[piece];
        if (claim.IsWhole)
        {
            var whole = claim.Group.Tensors + sources[claim.First].Tensor;
            return Call!.Run(claim.Group, whole, claim.First, claim.Count);
        }

        for (var i = claim.First; i < claim.First + claim.Count; i++)
        {
            Refresh(sources[i], ref tensors[i]);
        }

        return Call!.Run(claim.Group, tensors + claim.First, claim.First, claim.Count);
    }

    /// <summary>Runs every claim on the calling thread.</summary>
    public int RunAll()
    {
        for (var i = 0; i < claims.Count; i++)
        {
            var status = Run(i);
            if (status != 0)
            {
                return status;
            }
        }

        return 0;
    }

    /// <summary>The number of the parameter that a tensor is a piece of, in bind order, and the piece's first element.</summary>
    public (int Parameter, long Start) SourceOf(int tensor) =>
        (sources[tensor].Group.FirstParameter + sources[tensor].Tensor, sources[tensor].Start);

    public void Dispose()
    {
        means?.Dispose();
        NativeMemory.Free(tensors);
        NativeMemory.Free(followers);
        tensors = null;
        followers = null;
    }

    /// <summary>Cuts the tensors of a group; neighbours that are small share a claim.</summary>
    private void Add(NativeGroup<T> group)
    {
        var first = sources.Count;
        var gathered = 0L;
        for (var i = 0; i < group.Count; i++)
        {
            foreach (var piece in Pieces(group, i))
            {
                if (
                    sources.Count > first
                    && (gathered + piece.Length > PieceLength || sources.Count - first == PinnedTensors<T>.Most)
                )
                {
                    AddClaim(group, first);
                    first = sources.Count;
                    gathered = 0;
                }

                sources.Add(piece);
                gathered += piece.Length;
            }
        }

        if (sources.Count > first)
        {
            AddClaim(group, first);
        }
    }

    /// <summary>A claim of the sources from the given one on.</summary>
    private void AddClaim(NativeGroup<T> group, int first)
    {
        var isWhole = true;
        for (var i = first; i < sources.Count; i++)
        {
            isWhole &= sources[i].IsWhole && sources[i].Tensor == sources[first].Tensor + (i - first);
        }

        claims.Add(new(group, first, sources.Count - first, isWhole));
    }

    private IEnumerable<PieceSource<T>> Pieces(NativeGroup<T> group, int index)
    {
        var layout = group.LayoutOf(index);
        var (first, length) = part?.Invoke(group.FirstParameter + index) ?? (0, layout.Rows * layout.RowLength);
        if (part is not null && length == 0)
        {
            yield break;
        }

        if (cut == Cut.Steps && group.IsWhole)
        {
            yield return new(group, index, layout, 0);
            yield break;
        }

        if (
            cut == Cut.Steps
            && part is null
            && layout.Outer == 1
            && layout.RowLength >= LongRow
            && group.OnlyMeansMatter(index)
        )
        {
            for (var row = 0L; row < layout.Rows; row++)
            {
                for (var start = 0L; start < layout.RowLength; start += PieceLength)
                {
                    var piece = new RowLayout(1, 1, Math.Min(PieceLength, layout.RowLength - start));
                    yield return new(group, index, piece, (row * layout.RowLength) + start, layout.RowLength);
                }
            }

            yield break;
        }

        if (cut == Cut.Blocks || layout.Rows == 1)
        {
            // A single row that matters is stepped whole: its statistics need all of it.
            var step = cut == Cut.Steps && group.RowsMatter(index) ? Math.Max(1, length) : PieceLength;
            for (var start = first; start < first + length || start == first; start += step)
            {
                yield return new(group, index, new(1, 1, Math.Min(step, first + length - start)), start);
            }

            yield break;
        }

        // Rows that lie across runs are summed in tiles; a piece holds whole ones.
        var least = layout.Outer > 1 ? RowTile : 1;
        var rows = Math.Max(least, PieceLength / Math.Max(1, layout.RowLength) / least * least);
        var (firstRow, endRow) = part is null
            ? (0, layout.Rows)
            : (first / layout.RowLength, (first + length) / layout.RowLength);
        for (var row = firstRow; row < endRow || row == firstRow; row += rows)
        {
            yield return new(group, index, layout with { Rows = Math.Min(rows, endRow - row) }, row * layout.Inner);
        }
    }

    /// <summary>What stays the same from step to step.</summary>
    private static void PlaceState(PieceSource<T> source, ref nr_tensor piece, ref nr_follower_buffers* next)
    {
        ref var whole = ref source.Group.Tensors[source.Tensor];
        piece = whole;
        (piece.outer, piece.rows, piece.inner) = (source.Layout.Outer, source.Layout.Rows, source.Layout.Inner);
        piece.stride = source.Layout.Outer > 1 ? whole.stride : source.Layout.Rows * source.Layout.Inner;
        piece.state.e0 = Shift(whole.state.e0, source.Start);
        piece.state.e1 = Shift(whole.state.e1, source.Start);
        piece.state.e2 = Shift(whole.state.e2, source.Start);
        piece.state.e3 = Shift(whole.state.e3, source.Start);
        piece.followers = next;
        for (var f = 0; f < source.Group.Options->follower_count; f++)
        {
            *next++ = new()
            {
                weights = Shift(whole.followers[f].weights, source.Start),
                momentum = Shift(whole.followers[f].momentum, source.Start),
            };
        }
    }

    private static void Refresh(PieceSource<T> source, ref nr_tensor piece)
    {
        ref var whole = ref source.Group.Tensors[source.Tensor];
        piece.parameter = Shift(whole.parameter, source.Start);
        piece.gradient = Shift(whole.gradient, source.Start);
        piece.step = whole.step;
        piece.active = whole.active;
    }

    private static T* Shift(void* address, long elements) => address is null ? null : (T*)address + elements;

    /// <summary>Sources side by side; where they are whole tensors side by side, the group's own are stepped.</summary>
    private readonly record struct Claim(NativeGroup<T> Group, int First, int Count, bool IsWhole);
}

/// <summary>A part of one tensor: its rows, and where in the storage it begins.</summary>
/// <param name="Group">The group of the tensor.</param>
/// <param name="Tensor">Its number in the group.</param>
/// <param name="Layout">The rows of the part.</param>
/// <param name="Start">The part's first element.</param>
/// <param name="RowLength">Where rows are cut: the length of the row that it is a part of.</param>
internal sealed record PieceSource<T>(
    NativeGroup<T> Group,
    int Tensor,
    RowLayout Layout,
    long Start,
    long? RowLength = null
)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public long Length => Layout.Rows * Layout.RowLength;

    public bool IsWhole => RowLength is null && Length == Group.Parameters[Tensor].Length;
}

/// <summary>A call of the native library on some tensors of a group.</summary>
internal abstract unsafe class NativeCall<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Makes the call; returns its status.</summary>
    /// <param name="group">The group, whose options count.</param>
    /// <param name="tensors">The tensors.</param>
    /// <param name="first">The number of the first of them among all that are cut.</param>
    /// <param name="count">How many they are.</param>
    public abstract int Run(NativeGroup<T> group, nr_tensor* tensors, int first, int count);
}
