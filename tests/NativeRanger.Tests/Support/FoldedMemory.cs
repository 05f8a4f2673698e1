using static NativeRanger.Tests.Support.Pages;

namespace NativeRanger.Tests.Support;

/// <summary>
/// An array of any length in a few megabytes: its first and its last part have pages of their own, and all between them is one
/// block of pages, seen again and again. Everything is 0 at the start.
/// </summary>
internal sealed unsafe class FoldedMemory<T> : IDisposable
    where T : unmanaged
{
    private const int Block = 2 << 20;

    private readonly byte* start;
    private readonly nuint size;

    /// <summary>An array of so many elements, more than three blocks of 2 MiB.</summary>
    public FoldedMemory(long length)
    {
        var bytes = length * sizeof(T);
        var folds = (bytes / Block) - 1;
        size = (nuint)((folds + 2) * Block);
        Folds = folds;
        Slack = (int)((((folds + 2) * Block) - bytes) / sizeof(T));
        var file = CreateFile("folded", 0);
        Assert.Equal(0, Truncate(file, 3 * Block));
        start = (byte*)Map(null, size, NoAccess, Private | Anonymous, file: -1, 0);
        Place(0, 0);
        for (var fold = 1L; fold <= folds; fold++)
        {
            Place(fold, 1);
        }

        Place(folds + 1, 2);
        _ = Close(file);

        void Place(long block, int source)
        {
            var at = start + (block * Block);
            Assert.True(Map(at, Block, ReadAndWrite, Shared | Fixed | Populate, file, source * Block) == at);
        }
    }

    public T* Address => (T*)start;

    /// <summary>The first elements.</summary>
    public Span<T> First => new(start, Block / sizeof(T));

    /// <summary>The elements that are seen <see cref="Folds"/> times.</summary>
    public Span<T> Folded => new(start + Block, Block / sizeof(T));

    public long Folds { get; }

    /// <summary>The last elements, and <see cref="Slack"/> that are behind the end.</summary>
    public Span<T> Last => new(start + size - Block, Block / sizeof(T));

    public int Slack { get; }

    public void Dispose() => _ = Unmap(start, size);
}
