using System.Diagnostics;

namespace NativeRanger.Interop;

/// <summary>The type of a field, a parameter or a result as the C header spells it, where C# spells it otherwise.</summary>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Parameter | AttributeTargets.ReturnValue)]
[Conditional("DEBUG")]
internal sealed class NativeTypeNameAttribute(string name) : Attribute
{
    /// <summary>The C type.</summary>
    public string Name { get; } = name;
}
