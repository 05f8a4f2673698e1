namespace NativeRanger;

/// <summary>The native library cannot be used: missing, of another architecture, or of another contract.</summary>
/// <remarks>
/// The message names the runtime identifier, the file, every path tried with the loader's own words, the contract versions,
/// and the managed alternative. Nothing falls back silently.
/// </remarks>
public sealed class NativeLibraryException : Exception
{
    /// <summary>The native library cannot be used.</summary>
    public NativeLibraryException() { }

    /// <summary>The native library cannot be used.</summary>
    /// <param name="message">What is wrong and what to do.</param>
    public NativeLibraryException(string message)
        : base(message) { }

    /// <summary>The native library cannot be used.</summary>
    /// <param name="message">What is wrong and what to do.</param>
    /// <param name="innerException">The loader's own exception.</param>
    public NativeLibraryException(string message, Exception innerException)
        : base(message, innerException) { }
}
