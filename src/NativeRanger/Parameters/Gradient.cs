using System.Numerics;

namespace NativeRanger;

/// <summary>The gradient of one parameter, in the parameter's own storage order; <c>default</c> is no gradient.</summary>
/// <remarks>A parameter without a gradient is skipped: its step does not advance and nothing of it decays.</remarks>
/// <typeparam name="T">float or double.</typeparam>
public readonly unsafe struct Gradient<T> : IEquatable<Gradient<T>>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly bool present;

    internal Gradient(Buffer<T> buffer)
    {
        Buffer = buffer;
        present = true;
    }

    /// <summary>A gradient in unmanaged memory, of any length.</summary>
    /// <param name="values">The first element; the memory must stay valid during the step.</param>
    /// <param name="length">The number of elements.</param>
    public Gradient(T* values, long length)
        : this(new Buffer<T>(values, length)) { }

    /// <summary>A gradient in memory backed by an array.</summary>
    /// <param name="values">The elements.</param>
    public Gradient(ReadOnlyMemory<T> values)
        : this(Buffer<T>.From(values, nameof(values))) { }

    /// <summary>A gradient in the memory of a device.</summary>
    /// <param name="values">The elements.</param>
    public Gradient(DeviceBuffer<T> values)
        : this((values ?? throw new ArgumentNullException(nameof(values))).AsBuffer()) { }

    /// <summary>No gradient: the parameter is skipped.</summary>
    public static Gradient<T> None => default;

    /// <summary>Whether there is none.</summary>
    public bool IsNone => !present;

    /// <summary>The number of elements.</summary>
    public long Length => Buffer.Length;

    internal Buffer<T> Buffer { get; }

    /// <summary>The array that the elements are in, or null.</summary>
    internal T[]? Array => Buffer.Array;

    /// <summary>A part of the elements.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="length">The number of elements.</param>
    public Span<T> Slice(long start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
        return Buffer.Slice(start, length);
    }

    /// <summary>The gradient in an array; null is no gradient.</summary>
    /// <param name="values">The elements, or null.</param>
    public static implicit operator Gradient<T>(T[]? values) =>
        values is null ? default : new(new Buffer<T>(values, 0, values.Length));

    /// <summary>The gradient in memory backed by an array.</summary>
    /// <param name="values">The elements.</param>
    public static implicit operator Gradient<T>(Memory<T> values) => new((ReadOnlyMemory<T>)values);

    /// <summary>The gradient in memory backed by an array.</summary>
    /// <param name="values">The elements.</param>
    public static implicit operator Gradient<T>(ReadOnlyMemory<T> values) => new(values);

    /// <summary>The gradient in the memory of a device; null is no gradient.</summary>
    /// <param name="values">The elements, or null.</param>
    public static implicit operator Gradient<T>(DeviceBuffer<T>? values) => values is null ? default : new(values);

    /// <summary>The gradient in the memory of a device, as the implicit conversion.</summary>
    /// <param name="values">The elements, or null.</param>
    public static Gradient<T> FromDeviceBuffer(DeviceBuffer<T>? values) => values;

    /// <summary>The gradient in an array, as the implicit conversion.</summary>
    /// <param name="values">The elements, or null.</param>
    public static Gradient<T> FromArray(T[]? values) => values;

    /// <summary>Whether both are the same memory.</summary>
    /// <param name="other">The other gradient.</param>
    public bool Equals(Gradient<T> other) =>
        present == other.present
        && ReferenceEquals(Buffer.Array, other.Buffer.Array)
        && Buffer.Address == other.Buffer.Address
        && Buffer.Offset == other.Buffer.Offset
        && Buffer.Length == other.Buffer.Length;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Gradient<T> other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() =>
        HashCode.Combine(Buffer.Array, (nint)Buffer.Address, Buffer.Offset, Buffer.Length);

    /// <summary>Whether both are the same memory.</summary>
    public static bool operator ==(Gradient<T> left, Gradient<T> right) => left.Equals(right);

    /// <summary>Whether they are different memory.</summary>
    public static bool operator !=(Gradient<T> left, Gradient<T> right) => !left.Equals(right);
}
