namespace NativeRanger;

/// <summary>Work that is cut into numbered pieces, which any thread may do in any order.</summary>
internal interface IPieces
{
    /// <summary>Does one piece; returns a status of the native library.</summary>
    int Run(int piece);
}

/// <summary>
/// Runs pieces on the calling thread and on threads of the pool. A piece is claimed from an atomic word, so that the caller
/// never waits for a thread that has claimed nothing: on a busy machine it does all the work itself.
/// </summary>
/// <remarks>
/// Each thread begins with a share of its own, in order, and takes from the ends of the others' when that is done: from run to
/// run it mostly finds in its core's cache what it left there. Nothing is allocated per run. One run at a time; a helper that
/// arrives late finds nothing left, or joins the next run.
/// </remarks>
internal sealed class ClaimedWork
{
    /// <summary>The words of two cache lines, which may be fetched together: a claim disturbs no other share.</summary>
    private const int Stride = 16;

    private const int EndShift = 32;
    private const long OneFromEnd = 1L << EndShift;

    private readonly List<Helper> helpers = [];
    private IPieces? pieces;

    /// <summary>What nobody has claimed of each thread's share: the end in the upper half of a word, the begin in the lower.</summary>
    private long[] shares = [];
    private int unfinished;
    private int status;

    /// <summary>Runs all pieces, on at most so many threads; returns the first status that is not 0, or 0.</summary>
    public int Run(IPieces work, int count, int most)
    {
        var threads = Math.Max(1, Math.Min(most, count));
        if (shares.Length < threads * Stride)
        {
            shares = new long[threads * Stride];
        }

        while (helpers.Count < threads - 1)
        {
            helpers.Add(new(this, helpers.Count + 1));
        }

        pieces = work;
        status = 0;
        unfinished = count;
        var begin = 0L;
        for (var i = 0; i < threads; i++)
        {
            var end = (i + 1L) * count / threads;
            Volatile.Write(ref shares[i * Stride], (end << EndShift) | begin);
            begin = end;
        }

        for (var i = 0; i < threads - 1; i++)
        {
            helpers[i].Call();
        }

        ClaimAll(0);
        var wait = new SpinWait();
        while (Volatile.Read(ref unfinished) > 0)
        {
            wait.SpinOnce(sleep1Threshold: -1);
        }

        pieces = null;
        return status;
    }

    /// <summary>Does what is left of a share, and then of the others.</summary>
    private void ClaimAll(int own)
    {
        // Where this array was replaced meanwhile, nothing was left in it.
        var present = shares;
        while (Claim(ref present[own * Stride], 1)) { }

        var count = present.Length / Stride;
        for (var i = 1; i < count; i++)
        {
            while (Claim(ref present[(own + i) % count * Stride], -OneFromEnd)) { }
        }
    }

    private bool Claim(ref long share, long change)
    {
        while (true)
        {
            var seen = Volatile.Read(ref share);
            var begin = (int)(uint)seen;
            var end = (int)(seen >> EndShift);
            if (begin == end)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref share, seen + change, seen) != seen)
            {
                continue;
            }

            // The claim keeps the run alive, so that its pieces are those that are in place now.
            var result = pieces!.Run(change > 0 ? begin : end - 1);
            if (result != 0)
            {
                Interlocked.CompareExchange(ref status, result, 0);
            }

            Interlocked.Decrement(ref unfinished);
            return true;
        }
    }

    private sealed class Helper(ClaimedWork owner, int share) : IThreadPoolWorkItem
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
            owner.ClaimAll(share);
        }
    }
}
