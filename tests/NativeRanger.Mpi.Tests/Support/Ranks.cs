namespace NativeRanger.Mpi.Tests.Support;

/// <summary>Runs something on several ranks of one world, each on a thread.</summary>
internal static class Ranks
{
    /// <summary>Longer than anything takes that does not hang.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>What each rank returns.</summary>
    public static TResult[] Run<TResult>(int size, Func<Communicator, TResult> body)
    {
        var results = new TResult[size];
        var failures = Try(
            size,
            communicator =>
            {
                using (communicator)
                {
                    results[communicator.Rank] = body(communicator);
                }
            }
        );
        return failures.FirstOrDefault(f => f is not null) is { } first
            ? throw new AggregateException($"On {failures.Count(f => f is not null)} ranks of {size}.", first)
            : results;
    }

    /// <summary>What each rank throws, or null.</summary>
    /// <param name="size">The number of ranks.</param>
    /// <param name="body">What each does with its communicator, which it need not dispose.</param>
    /// <param name="timeout">The communicators' time limit.</param>
    public static Exception?[] Try(int size, Action<Communicator> body, TimeSpan? timeout = null) =>
        Try(size, handle => body(Communicator.FromHandle(handle, timeout ?? Patience)));

    /// <summary>What each rank throws, or null.</summary>
    /// <param name="size">The number of ranks.</param>
    /// <param name="body">What each does with the handle of the world's communicator.</param>
    public static Exception?[] Try(int size, Action<nint> body)
    {
        var handles = StandIn.World(size);
        var failures = new Exception?[size];
        var threads = Enumerable
            .Range(0, size)
            .Select(rank => new Thread(() =>
            {
                try
                {
                    body((nint)handles[rank]);
                }
                catch (Exception failure)
                {
                    failures[rank] = failure;
                }
            }))
            .ToArray();
        foreach (var thread in threads)
        {
            thread.Start();
        }

        foreach (var thread in threads)
        {
            thread.Join();
        }

        return failures;
    }
}
