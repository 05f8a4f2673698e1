namespace NativeRanger.Numerics;

/// <summary>
/// The managed reference backend: every step written slowly, from the papers, on MathNet.Numerics vectors. It gives the same
/// bits as every other backend, so that anyone can check the native library on their own machine.
/// </summary>
/// <remarks>
/// It shares no line with what it judges. It allocates on every step and is many times slower than the native library.
/// With a native MathNet provider (MKL) vector operations may differ in the last place.
/// </remarks>
public sealed class ManagedBackend : Backend
{
    private ManagedBackend() { }

    /// <summary>The only instance; <c>Backend.Managed</c> is a short way to it.</summary>
    public static ManagedBackend Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "managed";

    /// <summary>The name of the backend.</summary>
    public override string ToString() => Name;

    /// <inheritdoc/>
    /// <exception cref="ArgumentNullException">The recipe is null.</exception>
    public override StepEngine<T> CreateEngine<T>(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return new Reference.ManagedEngine<T>(optimizer.NonFinite);
    }
}

/// <summary>Offers the managed backend beside the native one.</summary>
public static class ManagedBackendExtensions
{
    extension(Backend)
    {
        /// <summary>The managed reference on MathNet.Numerics vectors (<see cref="ManagedBackend"/>).</summary>
        public static Backend Managed => ManagedBackend.Instance;
    }
}
