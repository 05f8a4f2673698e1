using static NativeRanger.Tests.Support.Pages;

namespace NativeRanger.Tests.Support;

/// <summary>Memory whose last byte is the last before a page that cannot be touched; it can be taken away as a whole.</summary>
internal sealed unsafe class GuardedMemory : IDisposable
{
    private readonly byte* start;
    private readonly nuint size;

    public GuardedMemory(int bytes)
    {
        var page = (nuint)Environment.SystemPageSize;
        var pages = ((nuint)bytes + page - 1) / page;
        size = (pages + 1) * page;
        start = (byte*)Map(null, size, ReadAndWrite, Private | Anonymous, file: -1, 0);
        Assert.True(start != (byte*)-1);
        Assert.Equal(0, Protect(start + (pages * page), page, NoAccess));
        Address = start + (pages * page) - bytes;
    }

    public void* Address { get; }

    /// <summary>From now on the process ends where any of it is touched.</summary>
    public void TakeAway() => Assert.Equal(0, Protect(start, size, NoAccess));

    public void Dispose() => _ = Unmap(start, size);
}
