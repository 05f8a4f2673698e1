namespace NativeRanger;

/// <summary>Work that is cut into numbered pieces, which any thread may do in any order.</summary>
internal interface IPieces
{
    /// <summary>Does one piece; returns a status of the native library.</summary>
    int Run(int piece);
}

/// <summary>
/// Runs pieces on the calling thread and on threads of the pool. A piece is claimed from one atomic word, so that the caller
/// never waits for a thread that has claimed nothing: on a busy machine it does all the work itself.
/// </summary>
/// <remarks>Nothing is allocated per run. One run at a time; a helper that arrives late finds nothing left, or joins the next run.</remarks>
internal sealed class ClaimedWork
{
    private const int RunShift = 32;

    private readonly List<Helper> helpers = [];
    private IPieces? pieces;

    /// <summary>The number of the run in the upper half, the pieces that nobody has claimed in the lower.</summary>
    private long open;
    private int unfinished;
    private int status;

    /// <summary>Runs all pieces, on at most so many threads; returns the first status that is not 0, or 0.</summary>
    public int Run(IPieces work, int count, int threads)
    {
        var helping = Math.Min(threads, count) - 1;
        while (helpers.Count < helping)
        {
            helpers.Add(new(this));
        }

        pieces = work;
        status = 0;
        unfinished = count;
        Volatile.Write(ref open, (((open >> RunShift) + 1) << RunShift) | (uint)count);
        for (var i = 0; i < helping; i++)
        {
            helpers[i].Call();
        }

        ClaimAll();
        var wait = new SpinWait();
        while (Volatile.Read(ref unfinished) > 0)
        {
            wait.SpinOnce(sleep1Threshold: -1);
        }

        pieces = null;
        return status;
    }

    private void ClaimAll()
    {
        while (true)
        {
            var seen = Volatile.Read(ref open);
            var left = (int)(uint)seen;
            if (left == 0)
            {
                return;
            }

            if (Interlocked.CompareExchange(ref open, seen - 1, seen) != seen)
            {
                continue;
            }

            // The claim keeps the run alive, so that its pieces are those that are in place now.
            var result = pieces!.Run(left - 1);
            if (result != 0)
            {
                Interlocked.CompareExchange(ref status, result, 0);
            }

            Interlocked.Decrement(ref unfinished);
        }
    }

    private sealed class Helper(ClaimedWork owner) : IThreadPoolWorkItem
    {
        private int called;

        /// <summary>Queues the helper, unless it is still in the queue.</summary>
        public void Call()
        {
            if (Interlocked.Exchange(ref called, 1) == 0)
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }

        public void Execute()
        {
            Volatile.Write(ref called, 0);
            owner.ClaimAll();
        }
    }
}
