namespace NativeRanger;

/// <summary>A checkpoint is sound, but it is not of what is to be resumed. Nothing has changed.</summary>
public sealed class CheckpointMismatchException : InvalidOperationException
{
    private const int Shown = 20;

    /// <summary>A checkpoint does not fit.</summary>
    public CheckpointMismatchException()
        : this([]) { }

    /// <summary>A checkpoint does not fit.</summary>
    /// <param name="message">What to say.</param>
    public CheckpointMismatchException(string message)
        : base(message) { }

    /// <summary>A checkpoint does not fit.</summary>
    /// <param name="message">What to say.</param>
    /// <param name="innerException">The cause.</param>
    public CheckpointMismatchException(string message, Exception innerException)
        : base(message, innerException) { }

    /// <summary>A checkpoint does not fit.</summary>
    /// <param name="differences">Every difference.</param>
    public CheckpointMismatchException(IReadOnlyList<string> differences)
        : base(Compose(differences)) => Differences = differences;

    /// <summary>Every difference between the checkpoint and what was given; the message shows the first ones.</summary>
    public IReadOnlyList<string> Differences { get; } = [];

    private static string Compose(IReadOnlyList<string> differences)
    {
        ArgumentNullException.ThrowIfNull(differences);
        var lines = differences.Take(Shown).Select(line => "\n  " + line);
        var rest = differences.Count > Shown ? $"\n  and {differences.Count - Shown} more" : "";
        return $"The checkpoint is of something else; nothing has changed. Differences:{string.Concat(lines)}{rest}";
    }
}
