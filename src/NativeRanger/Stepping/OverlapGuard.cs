using System.Numerics;

namespace NativeRanger;

/// <summary>Finds parameters that share memory, with each other or with a gradient.</summary>
/// <remarks>Arrays cannot overlap each other, so only parts of one array, and fixed addresses, are compared.</remarks>
internal sealed unsafe class OverlapGuard<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Dictionary<T[], List<Parameter<T>>> byArray = new(
        ReferenceEqualityComparer.Instance as IEqualityComparer<T[]>
    );
    private readonly List<Parameter<T>> unmanaged = [];
    private Gradient<T>[] cleared = [];

    public void Add(Parameter<T> parameter)
    {
        List(parameter).Add(parameter);
        cleared = new Gradient<T>[cleared.Length + 1];
    }

    /// <summary>Two parameters that overlap, of which at least one is in <paramref name="added"/>; null if there are none.</summary>
    public (Parameter<T> First, Parameter<T> Second)? FindOverlap(IReadOnlyList<Parameter<T>> added)
    {
        var trial = new OverlapGuard<T>();
        foreach (var parameter in byArray.Values.SelectMany(list => list).Concat(unmanaged).Concat(added))
        {
            trial.List(parameter).Add(parameter);
        }

        foreach (var list in trial.byArray.Values.Append(trial.unmanaged))
        {
            list.Sort(static (a, b) => Start(a).CompareTo(Start(b)));
            Parameter<T>? previous = null;
            foreach (var parameter in list.Where(p => p.Length > 0))
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

    /// <summary>A parameter that shares memory with the gradient of parameter <paramref name="index"/>, or null.</summary>
    /// <remarks>A gradient that was found clear is not looked at again while it is the same memory.</remarks>
    public Parameter<T>? FindOverlap(int index, in Gradient<T> gradient)
    {
        if (cleared[index] == gradient)
        {
            return null;
        }

        var candidates = gradient.Buffer.Array is { } array ? byArray.GetValueOrDefault(array) : unmanaged;
        if (candidates is not null)
        {
            foreach (var parameter in candidates)
            {
                if (parameter.Buffer.Overlaps(gradient.Buffer))
                {
                    return parameter;
                }
            }
        }

        cleared[index] = gradient;
        return null;
    }

    private static nint Start(Parameter<T> parameter) =>
        parameter.Buffer.Array is null ? (nint)parameter.Buffer.Address : parameter.Buffer.Offset;

    private List<Parameter<T>> List(Parameter<T> parameter)
    {
        if (parameter.Buffer.Array is not { } array)
        {
            return unmanaged;
        }

        if (!byArray.TryGetValue(array, out var list))
        {
            byArray.Add(array, list = []);
        }

        return list;
    }
}
