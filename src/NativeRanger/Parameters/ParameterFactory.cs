using System.Numerics;

namespace NativeRanger;

/// <summary>Makes parameters, with the element type inferred.</summary>
public static class Parameter
{
    /// <inheritdoc cref="Parameter{T}.Parameter(string, T[], ReadOnlySpan{long})"/>
    /// <typeparam name="T">float or double.</typeparam>
    public static Parameter<T> Of<T>(string name, T[] values, params ReadOnlySpan<long> shape)
        where T : unmanaged, IFloatingPointIeee754<T> => new(name, values, shape);

    /// <inheritdoc cref="Parameter{T}.Parameter(string, Memory{T}, ReadOnlySpan{long})"/>
    /// <typeparam name="T">float or double.</typeparam>
    public static Parameter<T> Of<T>(string name, Memory<T> values, params ReadOnlySpan<long> shape)
        where T : unmanaged, IFloatingPointIeee754<T> => new(name, values, shape);
}
