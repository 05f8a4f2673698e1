namespace NativeRanger.Tests.Runtime;

/// <summary>Work that threads share out among themselves is done once, all of it.</summary>
public sealed class ClaimedWorkTests
{
    [Fact]
    public void Every_piece_is_run_once_whatever_the_threads_and_the_runs_before()
    {
        var work = new ClaimedWork();
        foreach (var threads in new[] { 1, 2, 8, 3 })
        {
            foreach (var count in new[] { 0, 1, 2, 3, 7, 64, 1000, 5 })
            {
                var pieces = new Counted(count);
                Assert.Equal(0, work.Run(pieces, count, threads));
                Assert.All(pieces.Runs, runs => Assert.Equal(1, runs));
            }
        }
    }

    [Fact]
    public void A_thread_that_is_busy_leaves_its_share_to_the_others()
    {
        // The caller's share is the first half; its first piece ends when all of the second half is done, by whomever.
        const int Count = 40;
        var waiting = new Counted(Count);
        waiting.OnRun = piece =>
        {
            var wait = new SpinWait();
            while (piece == 0 && waiting.Runs.Skip(1).Any(runs => runs == 0))
            {
                wait.SpinOnce();
            }
        };
        Assert.Equal(0, new ClaimedWork().Run(waiting, Count, 2));
        Assert.All(waiting.Runs, runs => Assert.Equal(1, runs));
    }

    [Fact]
    public void A_status_is_returned_and_the_next_run_starts_without_it()
    {
        var work = new ClaimedWork();
        Assert.Equal(7, work.Run(new Counted(100) { Failing = 99 }, 100, 4));
        Assert.Equal(0, work.Run(new Counted(100), 100, 4));
    }

    private sealed class Counted(int count) : IPieces
    {
        private readonly int[] runs = new int[count];

        public IReadOnlyList<int> Runs => runs;

        public int? Failing { get; init; }

        public Action<int>? OnRun { get; set; }

        public int Run(int piece)
        {
            OnRun?.Invoke(piece);
            Interlocked.Increment(ref runs[piece]);
            return piece == Failing ? 7 : 0;
        }
    }
}
