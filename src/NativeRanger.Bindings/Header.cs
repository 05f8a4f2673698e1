namespace NativeRanger.Bindings;

/// <summary>What a header declares itself, in the order of its declarations.</summary>
/// <param name="Types">Its enums and structs.</param>
/// <param name="Functions">Its functions.</param>
internal sealed record Header(IReadOnlyList<Declaration> Types, IReadOnlyList<FunctionDeclaration> Functions);

/// <summary>Anything with a name; the comment is the C comment, line by line, without its decoration.</summary>
internal abstract record Declaration(string Name, IReadOnlyList<string> Comment);

/// <summary>An enum.</summary>
internal sealed record EnumDeclaration(
    string Name,
    IReadOnlyList<string> Comment,
    IReadOnlyList<ConstantDeclaration> Constants
) : Declaration(Name, Comment);

/// <summary>A constant of an enum.</summary>
internal sealed record ConstantDeclaration(string Name, IReadOnlyList<string> Comment, int Value)
    : Declaration(Name, Comment);

/// <summary>A struct; one without fields is only declared, and used through pointers.</summary>
internal sealed record StructDeclaration(
    string Name,
    IReadOnlyList<string> Comment,
    IReadOnlyList<VariableDeclaration> Fields
) : Declaration(Name, Comment);

/// <summary>A function.</summary>
internal sealed record FunctionDeclaration(
    string Name,
    IReadOnlyList<string> Comment,
    NativeType ReturnType,
    IReadOnlyList<VariableDeclaration> Parameters
) : Declaration(Name, Comment);

/// <summary>A field of a struct or a parameter of a function.</summary>
internal sealed record VariableDeclaration(string Name, IReadOnlyList<string> Comment, NativeType Type)
    : Declaration(Name, Comment);

/// <summary>A C type and the blittable C# type that stands for it.</summary>
/// <param name="Spelling">The type as the header spells it.</param>
/// <param name="Managed">The C# type; of an array, the type of its elements.</param>
/// <param name="Length">The number of elements of an array; null if it is none.</param>
internal sealed record NativeType(string Spelling, string Managed, int? Length = null)
{
    /// <summary>The elements are pointers, or the type is one.</summary>
    public bool IsPointer => Managed.EndsWith('*');
}
