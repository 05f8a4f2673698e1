namespace NativeRanger.Tests.Support;

internal static class Allocations
{
    /// <summary>The bytes that this thread allocates in each of several runs of an action, at least.</summary>
    /// <remarks>
    /// The runtime may allocate in one, when it compiles a method anew; a step that allocates does so each time. An action that
    /// other ranks take part in is run by all of them equally often.
    /// </remarks>
    public static long Of(Action action)
    {
        var least = long.MaxValue;
        for (var run = 0; run < 3; run++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
