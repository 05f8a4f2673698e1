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

    /// <summary>The fixed address, on the host or on a device; null where there is an array.</summary>
    public readonly T* Address;

    /// <summary>The device's buffer that <see cref="Address"/> is of, or null.</summary>
    public readonly object? Owner;

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

    public Buffer(T* address, long length, object owner)
        : this(address, length) => Owner = owner;

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
    /// <remarks>Of a device's buffer it is a copy, which is written back before the device uses the buffer again.</remarks>
    public Span<T> Slice(long start, int length) =>
        Array is not null ? Array.AsSpan(Offset + (int)start, length)
        : Owner is IStaged<T> staged ? staged.Stage(start, length)
        : new Span<T>(Address + start, length);

    /// <summary>Stores 0 to every element.</summary>
    public void Clear()
    {
        const int Chunk = 1 << 30;
        for (var start = 0L; start < Length; start += Chunk)
        {
            Slice(start, (int)Math.Min(Chunk, Length - start)).Clear();
        }
    }

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

/// <summary>Memory that the host sees through copies.</summary>
internal interface IStaged<T>
    where T : unmanaged
{
    /// <summary>A copy of some elements, which is written back before anything else is done with the memory.</summary>
    Span<T> Stage(long start, int length);
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
