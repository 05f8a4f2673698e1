using System.Globalization;

namespace NativeRanger.Bindings;

/// <summary>Maps C types to blittable C# types of the same size on every platform.</summary>
internal sealed class TypeTable
{
    // long, size_t and their like are left out on purpose where their size depends on the platform and C# has no twin.
    private static readonly Dictionary<string, string> Fundamental = new(StringComparer.Ordinal)
    {
        ["void"] = "void",
        ["char"] = "sbyte",
        ["signed char"] = "sbyte",
        ["unsigned char"] = "byte",
        ["int"] = "int",
        ["unsigned int"] = "uint",
        ["float"] = "float",
        ["double"] = "double",
        ["int8_t"] = "sbyte",
        ["uint8_t"] = "byte",
        ["int16_t"] = "short",
        ["uint16_t"] = "ushort",
        ["int32_t"] = "int",
        ["uint32_t"] = "uint",
        ["int64_t"] = "long",
        ["uint64_t"] = "ulong",
        ["size_t"] = "nuint",
        ["intptr_t"] = "nint",
        ["uintptr_t"] = "nuint",
    };

    private readonly HashSet<string> _tags = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _typedefs = new(StringComparer.Ordinal);

    /// <summary>Makes an enum or a struct known by its tag.</summary>
    public void AddTag(string name) => _tags.Add(name);

    /// <summary>Makes a typedef known.</summary>
    /// <param name="name">The new name.</param>
    /// <param name="target">The type that it names.</param>
    public void AddTypedef(string name, string target) => _typedefs[name] = target;

    /// <summary>The C# type for a type as clang spells it.</summary>
    /// <exception cref="BindingsException">No blittable C# type stands for it.</exception>
    public NativeType Map(string spelling)
    {
        if (!spelling.EndsWith(']'))
        {
            return new NativeType(spelling, MapElement(spelling, spelling));
        }

        var bracket = spelling.IndexOf('[', StringComparison.Ordinal);
        return int.TryParse(spelling.AsSpan()[(bracket + 1)..^1], CultureInfo.InvariantCulture, out var length)
            ? new NativeType(spelling, MapElement(spelling[..bracket], spelling), length)
            : throw new BindingsException(
                $"'{spelling}': only arrays of one dimension and fixed length are supported."
            );
    }

    private string MapElement(string type, string spelling)
    {
        var words = type.Replace("*", " * ", StringComparison.Ordinal)
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var name = string.Join(' ', words.Where(word => word is not ("const" or "enum" or "struct")));
        if (name.EndsWith('*'))
        {
            return MapElement(name[..^1], spelling) + "*";
        }
        if (Fundamental.TryGetValue(name, out var managed))
        {
            return managed;
        }
        if (_tags.Contains(name))
        {
            return name;
        }
        return _typedefs.TryGetValue(name, out var target)
            ? MapElement(target, spelling)
            : throw new BindingsException($"No blittable C# type of fixed size stands for the C type '{spelling}'.");
    }
}
