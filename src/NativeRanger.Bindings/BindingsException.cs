namespace NativeRanger.Bindings;

/// <summary>The bindings of a header cannot be written; the message says why and what to do.</summary>
internal sealed class BindingsException(string message) : Exception(message);
