using System.Collections.Immutable;
using System.Numerics;

namespace NativeRanger;

/// <summary>How the elements of a parameter with two or more dimensions lie in memory.</summary>
public enum StorageOrder
{
    /// <summary>The last dimension varies fastest: C, NumPy, PyTorch.</summary>
    RowMajor,

    /// <summary>The first dimension varies fastest: Fortran, MATLAB, MathNet matrices. For two dimensions.</summary>
    ColumnMajor,
}

/// <summary>A named array of numbers to train, with its shape. The caller owns the memory and keeps it while it is bound.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed unsafe class Parameter<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>A parameter in an array, or in a part of one.</summary>
    /// <param name="name">A name that is unique within the stepper; checkpoints match by it.</param>
    /// <param name="values">The values, changed in place by steps. Arrays are pinned only while a step runs.</param>
    /// <param name="shape">The extents of its dimensions, whose product is the length; empty for a vector of the length.</param>
    /// <exception cref="ArgumentNullException">The name is null, or the values are a null array.</exception>
    /// <exception cref="ArgumentException">The shape does not multiply to the length, or the memory is no array.</exception>
    /// <exception cref="NotSupportedException">T is neither float nor double.</exception>
    public Parameter(string name, Memory<T> values, params ReadOnlySpan<long> shape)
        : this(name, Buffer<T>.From(values, nameof(values)), shape) { }

    /// <inheritdoc cref="Parameter{T}(string, Memory{T}, ReadOnlySpan{long})"/>
    public Parameter(string name, T[] values, params ReadOnlySpan<long> shape)
        : this(
            name,
            new Buffer<T>(
                values
                    ?? throw new ArgumentNullException(nameof(values), $"The values of parameter '{name}' are null."),
                0,
                values.Length
            ),
            shape
        ) { }

    /// <summary>A parameter in unmanaged memory, of any length.</summary>
    /// <param name="name">A name that is unique within the stepper; checkpoints match by it.</param>
    /// <param name="values">The first value; the memory must stay valid, at this address, while it is bound.</param>
    /// <param name="length">The number of values.</param>
    /// <param name="shape">The extents of its dimensions, whose product is the length; empty for a vector of the length.</param>
    public Parameter(string name, T* values, long length, params ReadOnlySpan<long> shape)
        : this(name, Unmanaged(values, length), shape) { }

    /// <summary>A parameter in the memory of a device, to be bound on that device's backend.</summary>
    /// <param name="name">A name that is unique within the stepper; checkpoints match by it.</param>
    /// <param name="values">The values, changed in place by steps.</param>
    /// <param name="shape">The extents of its dimensions, whose product is the length; empty for a vector of the length.</param>
    public Parameter(string name, DeviceBuffer<T> values, params ReadOnlySpan<long> shape)
        : this(name, OnDevice(values), shape) { }

    private Parameter(string name, Buffer<T> buffer, ReadOnlySpan<long> shape)
    {
        ElementType.Require<T>();
        ArgumentNullException.ThrowIfNull(name);
        Name = name;
        Buffer = buffer;
        Shape = shape.IsEmpty ? [buffer.Length] : [.. shape];
        RequireShape(name, Shape, buffer.Length);
    }

    /// <summary>A parameter with no dimensions: one number.</summary>
    /// <param name="name">A name that is unique within the stepper.</param>
    /// <param name="values">An array of one element.</param>
    public static Parameter<T> Scalar(string name, T[] values) => new(name, values) { Shape = [] };

    /// <summary>The name, unique within a stepper.</summary>
    public string Name { get; }

    /// <summary>The extents of its dimensions; empty for a single number.</summary>
    public ImmutableArray<long> Shape
    {
        get;
        private init
        {
            field = value;
            if (!value.IsDefault)
            {
                RequireShape(Name, value, Buffer.Length);
            }
        }
    }

    /// <summary>The number of elements.</summary>
    public long Length => Buffer.Length;

    /// <summary>
    /// The dimension whose index names a row: its slices are what centralisation, standardisation and adaptive clipping take
    /// together. 0 by default; 1 for an (in, out) weight.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such dimension.</exception>
    public int OutputDimension
    {
        get;
        init =>
            field =
                value >= 0 && value < Math.Max(1, Shape.Length)
                    ? value
                    : throw new ArgumentOutOfRangeException(
                        nameof(OutputDimension),
                        value,
                        $"Parameter '{Name}' has dimensions 0 to {Math.Max(0, Shape.Length - 1)}; there is no dimension {value}."
                    );
    }

    /// <summary>How the elements lie in memory; row-major by default.</summary>
    /// <exception cref="ArgumentException">Column-major storage of a parameter that does not have two dimensions.</exception>
    public StorageOrder StorageOrder
    {
        get;
        init =>
            field =
                value == StorageOrder.RowMajor || Shape.Length == 2
                    ? value
                    : throw new ArgumentException(
                        $"Column-major storage is for two dimensions; parameter '{Name}' has {Shape.Length}.",
                        nameof(StorageOrder)
                    );
    }

    /// <summary>Where the rows lie in memory.</summary>
    public RowLayout Rows => RowLayout.Of(this);

    internal Buffer<T> Buffer { get; }

    /// <summary>A part of the values, read or changed in place.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="length">The number of elements.</param>
    public Span<T> Slice(long start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
        return Buffer.Slice(start, length);
    }

    /// <summary>The name and the shape.</summary>
    public override string ToString() => $"{Name} [{string.Join(", ", Shape)}]";

    private static Buffer<T> OnDevice(DeviceBuffer<T> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.AsBuffer();
    }

    private static Buffer<T> Unmanaged(T* values, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (values is null && length > 0)
        {
            throw new ArgumentNullException(nameof(values));
        }

        return new(values, length);
    }

    private static void RequireShape(string name, ImmutableArray<long> shape, long length)
    {
        var product = 1L;
        var empty = false;
        foreach (var extent in shape)
        {
            if (extent < 0)
            {
                throw new ArgumentException(
                    $"The shape [{string.Join(", ", shape)}] of parameter '{name}' has a negative extent.",
                    nameof(shape)
                );
            }

            empty |= extent == 0;
        }

        foreach (var extent in shape)
        {
            product = empty ? 0 : checked(product * extent);
        }

        if (product != length)
        {
            throw new ArgumentException(
                $"The shape [{string.Join(", ", shape)}] of parameter '{name}' has {product} elements, but there are {length} values.",
                nameof(shape)
            );
        }
    }
}
