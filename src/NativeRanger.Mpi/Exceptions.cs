namespace NativeRanger.Mpi;

/// <summary>MPI is not there, cannot be used, or has failed.</summary>
public class MpiException : InvalidOperationException
{
    /// <summary>MPI has failed.</summary>
    public MpiException()
        : base("MPI has failed.") { }

    /// <summary>MPI has failed.</summary>
    /// <param name="message">What to say.</param>
    public MpiException(string message)
        : base(message) { }

    /// <summary>MPI has failed.</summary>
    /// <param name="message">What to say.</param>
    /// <param name="innerException">What led to it.</param>
    public MpiException(string message, Exception innerException)
        : base(message, innerException) { }
}

/// <summary>
/// A rank disagrees with the others, or refuses what all were to do. All ranks throw it with the same message, and nothing has
/// changed on any of them.
/// </summary>
public sealed class RankDisagreementException : InvalidOperationException
{
    /// <summary>A rank disagrees.</summary>
    public RankDisagreementException()
        : base("A rank disagrees with the others; nothing has changed.") { }

    /// <summary>A rank disagrees.</summary>
    /// <param name="message">What to say.</param>
    public RankDisagreementException(string message)
        : base(message) { }

    /// <summary>A rank disagrees.</summary>
    /// <param name="message">What to say.</param>
    /// <param name="innerException">What led to it, on the rank where it happened.</param>
    public RankDisagreementException(string message, Exception? innerException)
        : base(message, innerException) { }

    /// <summary>A rank disagrees.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="message">What to say.</param>
    /// <param name="innerException">What led to it, on the rank where it happened.</param>
    public RankDisagreementException(int rank, string message, Exception? innerException)
        : base(message, innerException) => Rank = rank;

    /// <summary>The rank.</summary>
    public int Rank { get; }
}

/// <summary>
/// Ranks were waited for in vain: they are dead, stuck, or too slow for <see cref="Communicator.Timeout"/>. The communicator and
/// what is bound to it can no longer be used; go on from the last checkpoint.
/// </summary>
public sealed class RankTimeoutException : TimeoutException
{
    /// <summary>Ranks were waited for in vain.</summary>
    public RankTimeoutException()
        : base("Ranks were waited for in vain.") { }

    /// <summary>Ranks were waited for in vain.</summary>
    /// <param name="message">What to say.</param>
    public RankTimeoutException(string message)
        : base(message) { }

    /// <summary>Ranks were waited for in vain.</summary>
    /// <param name="message">What to say.</param>
    /// <param name="innerException">What led to it.</param>
    public RankTimeoutException(string message, Exception innerException)
        : base(message, innerException) { }

    /// <summary>Ranks were waited for in vain.</summary>
    /// <param name="missing">The ranks that did not answer.</param>
    /// <param name="message">What to say.</param>
    public RankTimeoutException(IReadOnlyList<int> missing, string message)
        : base(message) => MissingRanks = missing;

    /// <summary>The ranks that did not answer. None, where this rank itself came after the others had given up.</summary>
    public IReadOnlyList<int> MissingRanks { get; } = [];
}
