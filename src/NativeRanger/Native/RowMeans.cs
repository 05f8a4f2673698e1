using System.Numerics;
using System.Runtime.InteropServices;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>
/// The means of rows that are long enough to be stepped in pieces: the sums of their canonical blocks are found piece by piece,
/// on any thread, and reduced in the canonical order. The pieces are then stepped with the mean given.
/// </summary>
internal sealed unsafe class RowMeans<T> : NativeCall<T>, IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly List<CutRow> rows = [];

    /// <summary>Where the sums of each piece begin; null for pieces of rows that are not cut.</summary>
    private double** sums;
    private double* storage;
    private nr_row* values;

    /// <summary>Gives the pieces of cut rows their row's entry to be stepped with.</summary>
    /// <param name="sources">What the pieces are, side by side for each row.</param>
    /// <param name="tensors">The pieces.</param>
    public RowMeans(List<PieceSource<T>> sources, nr_tensor* tensors)
    {
        var blocks = 0L;
        var places = new List<(int Piece, int Row, long FirstBlock)>();
        for (var i = 0; i < sources.Count; i++)
        {
            if (sources[i].RowLength is not { } rowLength)
            {
                continue;
            }

            if (sources[i].Start % rowLength == 0)
            {
                rows.Add(new(sources[i].Group, sources[i].Tensor, rowLength, blocks));
            }

            places.Add((i, rows.Count - 1, blocks));
            blocks += Blocks(sources[i].Length);
        }

        try
        {
            sums = (double**)NativeMemory.AllocZeroed((nuint)sources.Count, (nuint)sizeof(double*));
            storage = (double*)NativeMemory.Alloc((nuint)blocks, sizeof(double));
            values = (nr_row*)NativeMemory.Alloc((nuint)rows.Count, (nuint)sizeof(nr_row));
        }
        catch
        {
            Dispose();
            throw;
        }

        foreach (var (piece, row, firstBlock) in places)
        {
            sums[piece] = storage + firstBlock;
            tensors[piece].row_values = values + row;
        }
    }

    public override int Run(NativeGroup<T> group, nr_tensor* tensors, int first, int count)
    {
        var status = 0;
        for (var i = 0; i < count && status == 0; i++)
        {
            if (sums[first + i] is not null)
            {
                status = NativeMethods.nr_gradient_sums(group.Options, 1, tensors + i, sums + first + i);
            }
        }

        return status;
    }

    /// <summary>After a run over all pieces: the mean of every row that has a gradient.</summary>
    public void Reduce()
    {
        for (var r = 0; r < rows.Count; r++)
        {
            var row = rows[r];
            if (row.Group.Tensors[row.Tensor].gradient is null)
            {
                continue;
            }

            double sum;
            NativeStatus.Check(NativeMethods.nr_reduce(Blocks(row.Length), storage + row.FirstBlock, &sum));
            values[r] = new()
            {
                scale = 1,
                mean = double.CreateTruncating(T.CreateTruncating(sum / row.Length)),
                denominator = 1,
            };
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(sums);
        NativeMemory.Free(storage);
        NativeMemory.Free(values);
        sums = null;
        storage = null;
        values = null;
    }

    private static long Blocks(long length) => (length + NativePieces<T>.BlockLength - 1) / NativePieces<T>.BlockLength;

    /// <summary>A row and where its block sums lie.</summary>
    private sealed record CutRow(NativeGroup<T> Group, int Tensor, long Length, long FirstBlock);
}
