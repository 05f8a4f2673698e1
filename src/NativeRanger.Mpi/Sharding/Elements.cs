namespace NativeRanger.Mpi;

/// <summary>Copies elements between a caller's storage and memory in which they lie as a segment counts them.</summary>
internal static unsafe class Elements
{
    /// <summary>Copies consecutive elements.</summary>
    public static void Copy<T>(T* source, T* target, long count)
        where T : unmanaged => Buffer.MemoryCopy(source, target, count * sizeof(T), count * sizeof(T));

    /// <summary>Copies a segment out of the caller's storage.</summary>
    /// <param name="layout">Where the rows of the parameter lie.</param>
    /// <param name="segment">The segment; counted by rows, it holds whole ones.</param>
    /// <param name="storage">The parameter or its gradient.</param>
    /// <param name="target">As many elements as the segment has.</param>
    public static void Gather<T>(in RowLayout layout, in Segment segment, T* storage, T* target)
        where T : unmanaged
    {
        if (!segment.ByRows)
        {
            Copy(storage + segment.Range.Start, target, segment.Length);
            return;
        }

        var first = segment.Range.Start / layout.RowLength;
        var rows = segment.Length / layout.RowLength;
        for (var o = 0L; o < layout.Outer; o++)
        {
            for (var r = 0L; r < rows; r++)
            {
                var run = storage + (o * layout.Rows * layout.Inner) + ((first + r) * layout.Inner);
                var row = target + (r * layout.RowLength) + (o * layout.Inner);
                for (var i = 0L; i < layout.Inner; i++)
                {
                    row[i] = run[i];
                }
            }
        }
    }

    /// <summary>Copies a segment into the caller's storage: the reverse of <see cref="Gather"/>.</summary>
    public static void Scatter<T>(in RowLayout layout, in Segment segment, T* source, T* storage)
        where T : unmanaged
    {
        if (!segment.ByRows)
        {
            Copy(source, storage + segment.Range.Start, segment.Length);
            return;
        }

        var first = segment.Range.Start / layout.RowLength;
        var rows = segment.Length / layout.RowLength;
        for (var o = 0L; o < layout.Outer; o++)
        {
            for (var r = 0L; r < rows; r++)
            {
                var run = storage + (o * layout.Rows * layout.Inner) + ((first + r) * layout.Inner);
                var row = source + (r * layout.RowLength) + (o * layout.Inner);
                for (var i = 0L; i < layout.Inner; i++)
                {
                    run[i] = row[i];
                }
            }
        }
    }
}
