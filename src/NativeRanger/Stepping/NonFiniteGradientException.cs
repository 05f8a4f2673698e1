namespace NativeRanger;

/// <summary>A gradient holds an infinity or a NaN, and the policy is <see cref="NonFinitePolicy.Throw"/>. Nothing has changed.</summary>
public sealed class NonFiniteGradientException : ArithmeticException
{
    /// <summary>A gradient holds an infinity or a NaN.</summary>
    public NonFiniteGradientException()
        : base("A gradient holds an infinity or a NaN; nothing has changed.") { }

    /// <summary>A gradient holds an infinity or a NaN.</summary>
    /// <param name="message">What to say.</param>
    public NonFiniteGradientException(string message)
        : base(message) { }

    /// <summary>A gradient holds an infinity or a NaN.</summary>
    /// <param name="message">What to say.</param>
    /// <param name="innerException">What led to it.</param>
    public NonFiniteGradientException(string message, Exception innerException)
        : base(message, innerException) { }

    /// <summary>What a step throws that finds one.</summary>
    internal static NonFiniteGradientException NothingHasChanged() =>
        new(
            "A gradient holds an infinity or a NaN; nothing has changed. Look for a division by zero or too large a learning "
                + $"rate, or choose {nameof(NonFinitePolicy)}.{nameof(NonFinitePolicy.SkipStep)}."
        );
}
