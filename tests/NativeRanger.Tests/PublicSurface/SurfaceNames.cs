using System.Globalization;
using System.Reflection;

namespace NativeRanger.Tests.PublicSurface;

/// <summary>Types and parameters as C# spells them, with what may be null.</summary>
internal static class SurfaceNames
{
    private static readonly NullabilityInfoContext Nullability = new();

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(double)] = "double",
        [typeof(float)] = "float",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(nint)] = "nint",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(uint)] = "uint",
        [typeof(ulong)] = "ulong",
        [typeof(void)] = "void",
    };

    public static string Of(FieldInfo field) => Of(field.FieldType, Nullability.Create(field));

    public static string Of(PropertyInfo property) => Of(property.PropertyType, Nullability.Create(property));

    public static string Returned(MethodInfo method) =>
        Of(method.ReturnType, Nullability.Create(method.ReturnParameter));

    /// <summary>The name of a type with its type parameters, without its namespace.</summary>
    public static string Declared(Type type) => WithoutArity(type.Name) + TypeParameters(type.GetGenericArguments());

    public static string Declared(MethodInfo method) => method.Name + TypeParameters(method.GetGenericArguments());

    public static string Parameters(MethodBase method, int count = int.MaxValue) =>
        string.Join(", ", method.GetParameters().Take(count).Select(Parameter));

    /// <summary>The where clauses of type parameters.</summary>
    public static string Constraints(Type[] parameters) =>
        string.Concat(
            parameters
                .Select(parameter => (parameter.Name, Constraints: Constraints(parameter).ToArray()))
                .Where(clause => clause.Constraints is not [])
                .Select(clause => $" where {clause.Name} : {string.Join(", ", clause.Constraints)}")
        );

    public static string Of(Type type, NullabilityInfo? nullability = null)
    {
        // A type parameter may stand for a type that can be null; that is not said by the signature.
        var mayBeNull = nullability?.ReadState is NullabilityState.Nullable && !type.IsGenericParameter ? "?" : "";
        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            return Of(value) + "?";
        }

        if (type.IsByRef)
        {
            return Of(type.GetElementType()!, nullability);
        }

        if (type.IsPointer)
        {
            return Of(type.GetElementType()!) + "*";
        }

        if (type.IsArray)
        {
            return $"{Of(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]{mayBeNull}";
        }

        var arguments = type.GetGenericArguments();
        var spelled = arguments.Select((a, i) => Of(a, nullability?.GenericTypeArguments.ElementAtOrDefault(i)));
        var name = Keywords.GetValueOrDefault(type) ?? WithoutArity(type.Name);
        return (arguments is [] ? name : $"{name}<{string.Join(", ", spelled)}>") + mayBeNull;
    }

    public static string Literal(object? value) =>
        value switch
        {
            null => "null",
            string text => $"\"{text}\"",
            bool flag => flag ? "true" : "false",
            _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        };

    private static string Parameter(ParameterInfo parameter)
    {
        var passing =
            parameter.IsOut ? "out "
            : parameter.IsIn ? "in "
            : parameter.ParameterType.IsByRef ? "ref "
            : parameter.CustomAttributes.Any(IsParams) ? "params "
            : "";
        return $"{passing}{Of(parameter.ParameterType, Nullability.Create(parameter))} {parameter.Name}"
            + (parameter.HasDefaultValue ? $" = {Default(parameter)}" : "");
    }

    private static string Default(ParameterInfo parameter) =>
        parameter.DefaultValue is null
        && parameter.ParameterType.IsValueType
        && Nullable.GetUnderlyingType(parameter.ParameterType) is null
            ? "default"
            : Literal(parameter.DefaultValue);

    private static bool IsParams(CustomAttributeData attribute) =>
        attribute.AttributeType.Name is "ParamArrayAttribute" or "ParamCollectionAttribute";

    private static IEnumerable<string> Constraints(Type parameter)
    {
        var attributes = parameter.GenericParameterAttributes;
        var unmanaged = parameter.CustomAttributes.Any(a => a.AttributeType.Name is "IsUnmanagedAttribute");
        if (attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint))
        {
            yield return unmanaged ? "unmanaged" : "struct";
        }
        else if (attributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
        {
            yield return "class";
        }

        foreach (var constraint in parameter.GetGenericParameterConstraints().Where(c => c != typeof(ValueType)))
        {
            yield return Of(constraint);
        }
    }

    private static string TypeParameters(Type[] parameters) =>
        parameters is [] ? "" : $"<{string.Join(", ", parameters.Select(p => p.Name))}>";

    private static string WithoutArity(string name) => name.Split('`')[0];
}
