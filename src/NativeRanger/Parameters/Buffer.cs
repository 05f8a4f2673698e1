using System.Numerics;
using System.Runtime.InteropServices;

namespace NativeRanger;

/// <summary>
/// A region of memory of a known length that may exceed 2^31 elements: a (part of an) array, whose address is known only
/// while it is pinned, or memory at a fixed address.
/// </summary>
internal readonly unsafe struct Buffer<T>
    where T : unmanaged
{
    /// <summary>The array, or null where <see cref="Address"/> is fixed.</summary>
    public readonly T[]? Array;

    /// <summary>The offset into <see cref="Array"/>.</summary>
    public readonly int Offset;

    /// <summary>The fixed address; null where there is an array.</summary>
    public readonly T* Address;

    /// <summary>The number of elements.</summary>
    public readonly long Length;

    public Buffer(T[] array, int offset, int length)
    {
        Array = array;
        Offset = offset;
        Length = length;
    }

    public Buffer(T* address, long length)
    {
        Address = address;
        Length = length;
    }

    /// <summary>The buffer behind a memory, which must be an array: other owners have no address that can be pinned cheaply.</summary>
    public static Buffer<T> From(ReadOnlyMemory<T> memory, string argument) =>
        MemoryMarshal.TryGetArray(memory, out var segment) && segment.Array is not null
            ? new(segment.Array, segment.Offset, segment.Count)
        : memory.IsEmpty ? new([], 0, 0)
        : throw new ArgumentException(
            "The memory is not backed by an array; use the pointer form for memory that its owner keeps at one address.",
            argument
        );

    /// <summary>The elements from <paramref name="start"/>, at most <paramref name="length"/> of them, as a span.</summary>
    public Span<T> Slice(long start, int length) =>
        Array is null ? new Span<T>(Address + start, length) : Array.AsSpan(Offset + (int)start, length);

    /// <summary>Whether the two share memory, for buffers of which at most one is an array or both are.</summary>
    public bool Overlaps(in Buffer<T> other)
    {
        if (Length == 0 || other.Length == 0)
        {
            return false;
        }

        if (Array is not null || other.Array is not null)
        {
            return ReferenceEquals(Array, other.Array)
                && Offset < other.Offset + other.Length
                && other.Offset < Offset + Length;
        }

        return Address < other.Address + other.Length && other.Address < Address + Length;
    }
}

/// <summary>The element types that steps exist for.</summary>
internal static class ElementType
{
    public static void Require<T>()
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double))
        {
            throw new NotSupportedException($"Parameters are float or double; {typeof(T).Name} is not supported.");
        }
    }
}
