using System.Numerics;
using System.Runtime.InteropServices;

namespace NativeRanger;

/// <summary>Finds parameters that share memory, with each other or with a gradient.</summary>
/// <remarks>
/// Arrays cannot overlap each other, so only parts of one array, and fixed addresses, are compared. Parameters that do not
/// overlap have an order, so that a neighbour is found by bisection.
/// </remarks>
internal sealed unsafe class OverlapGuard<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private static readonly IEqualityComparer<T[]?> Identity = ReferenceEqualityComparer.Instance;

    /// <summary>The parameters that have elements, in the order of their memory: those in one array, or at fixed addresses.</summary>
    private readonly Dictionary<T[], List<Parameter<T>>> byArray = new(Identity);
    private List<Parameter<T>> unmanaged = [];
    private Gradient<T>[] clear = [];
    private Gradient<T>[] apart = [];

    /// <summary>Adds parameters, which do not overlap.</summary>
    public void Add(IReadOnlyList<Parameter<T>> added)
    {
        foreach (var family in Families(added))
        {
            Lists(family.Key) = Merged(family);
        }
    }

    /// <summary>Forgets which gradients were clear, since parameters were added, and makes room for theirs.</summary>
    public void Forget(int parameters) => clear = new Gradient<T>[parameters];

    /// <summary>Two parameters that overlap, of which at least one is in <paramref name="added"/>; null if there are none.</summary>
    public (Parameter<T> First, Parameter<T> Second)? FindOverlap(IReadOnlyList<Parameter<T>> added)
    {
        foreach (var family in Families(added))
        {
            Parameter<T>? previous = null;
            foreach (var parameter in Merged(family))
            {
                if (previous is not null && previous.Buffer.Overlaps(parameter.Buffer))
                {
                    return (previous, parameter);
                }

                previous = parameter;
            }
        }

        return null;
    }

    /// <summary>Whether <see cref="FindOverlap(int, in Gradient{T})"/> last found this gradient of the parameter clear.</summary>
    public bool IsKnown(int index, in Gradient<T> gradient) =>
        clear[index] == gradient && ReferenceEquals(clear[index].Buffer.Owner, gradient.Buffer.Owner);

    /// <summary>A parameter that shares memory with the gradient of parameter <paramref name="index"/>, or null.</summary>
    public Parameter<T>? FindOverlap(int index, in Gradient<T> gradient)
    {
        var neighbours = gradient.Buffer.Array is { } array ? byArray.GetValueOrDefault(array) : unmanaged;
        if (neighbours is not null)
        {
            // The last that begins before the gradient, and the one behind it.
            var begin = Start(gradient.Buffer);
            var (low, high) = (0, neighbours.Count);
            while (low < high)
            {
                var middle = (low + high) / 2;
                (low, high) = Start(neighbours[middle].Buffer) <= begin ? (middle + 1, high) : (low, middle);
            }

            for (var i = Math.Max(0, low - 1); i < Math.Min(neighbours.Count, low + 1); i++)
            {
                if (neighbours[i].Buffer.Overlaps(gradient.Buffer))
                {
                    return neighbours[i];
                }
            }
        }

        clear[index] = gradient;
        return null;
    }

    /// <summary>The numbers of two gradients that share memory, or null.</summary>
    /// <remarks>Gradients that were found apart are not looked at again while they are the same memory.</remarks>
    public (int First, int Second)? FindShared(ReadOnlySpan<Gradient<T>> gradients)
    {
        if (gradients.SequenceEqual(apart))
        {
            return null;
        }

        var copy = gradients.ToArray();
        var families = copy.Index().Where(g => g.Item.Length > 0).GroupBy(g => g.Item.Buffer.Array, Identity);
        foreach (var family in families)
        {
            (int Index, Gradient<T> Item)? previous = null;
            foreach (var gradient in family.OrderBy(g => Start(g.Item.Buffer)))
            {
                if (previous is var (index, item) && item.Buffer.Overlaps(gradient.Item.Buffer))
                {
                    return (index, gradient.Index);
                }

                previous = gradient;
            }
        }

        apart = copy;
        return null;
    }

    private static IEnumerable<IGrouping<T[]?, Parameter<T>>> Families(IReadOnlyList<Parameter<T>> parameters) =>
        parameters.Where(p => p.Length > 0).GroupBy(p => p.Buffer.Array, Identity);

    private List<Parameter<T>> Merged(IGrouping<T[]?, Parameter<T>> family) =>
        [.. Lists(family.Key).Concat(family).OrderBy(p => Start(p.Buffer))];

    private static nint Start(in Buffer<T> buffer) => buffer.Array is null ? (nint)buffer.Address : buffer.Offset;

    private ref List<Parameter<T>> Lists(T[]? array)
    {
        if (array is null)
        {
            return ref unmanaged;
        }

        ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(byArray, array, out _);
        list ??= [];
        return ref list!;
    }
}
