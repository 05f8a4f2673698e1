namespace NativeRanger.Tests.Support;

/// <summary>The backends that can run here as theory data, by name.</summary>
public static class Backends
{
    /// <summary>The managed reference, and the native library on every instruction set.</summary>
    public static TheoryData<string> All() => [.. Registry.Backends().Select(b => b.ToString()!)];

    /// <summary>The managed reference, and the native library on the best instruction set: for tests that take long.</summary>
    public static TheoryData<string> Two() => [.. Registry.Backends().TakeLast(2).Select(b => b.ToString()!)];

    internal static Backend Named(string name) =>
        Registry.Backends().Single(b => string.Equals(b.ToString(), name, StringComparison.Ordinal));
}
