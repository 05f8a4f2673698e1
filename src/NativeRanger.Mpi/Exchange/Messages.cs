namespace NativeRanger.Mpi;

/// <summary>
/// How the segments of a slice travel between two ranks: long ones that lie in one piece straight from and to their place, all
/// others gathered in one message behind those. Both ranks know the slice, so both know the messages.
/// </summary>
internal static class Messages
{
    /// <summary>From so many bytes on, a message of its own costs less than a copy.</summary>
    private const long LongSegment = 64 * 1024;

    public static bool IsDirect(in Segment segment, int elementSize) =>
        !segment.ByRows && segment.Length * elementSize >= LongSegment;
}
