namespace NativeRanger;

/// <summary>The native library on this processor.</summary>
internal sealed class NativeBackend : Backend
{
    public static NativeBackend Instance { get; } = new();

    public override string Name => "native";

    public override StepEngine<T> CreateEngine<T>(Optimizer optimizer) =>
        throw new PlatformNotSupportedException("The native engine is not bound yet.");
}
