using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace NativeRanger.Tests.PublicSurface;

/// <summary>Writes what an assembly offers to others, one line each, in an order that no change elsewhere disturbs.</summary>
internal static class Surface
{
    private const BindingFlags Declared =
        BindingFlags.Public
        | BindingFlags.NonPublic
        | BindingFlags.Instance
        | BindingFlags.Static
        | BindingFlags.DeclaredOnly;

    public static string Of(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().Where(IsWritten).OrderBy(FullName, StringComparer.Ordinal))
        {
            text.Append(Header(type)).Append('\n');
            foreach (
                var (_, member) in Members(type)
                    .OrderBy(m => m.Name, StringComparer.Ordinal)
                    .ThenBy(m => m.Text, StringComparer.Ordinal)
            )
            {
                text.Append("    ").Append(member).Append('\n');
            }

            text.Append('\n');
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static bool IsWritten(Type type) => !type.FullName!.Contains('<', StringComparison.Ordinal);

    private static string FullName(Type type) =>
        (type.IsNested ? FullName(type.DeclaringType!) : type.Namespace) + "." + SurfaceNames.Declared(type);

    private static string Header(Type type)
    {
        if (type.IsSubclassOf(typeof(Delegate)))
        {
            var invoke = type.GetMethod("Invoke")!;
            return $"delegate {SurfaceNames.Returned(invoke)} {FullName(type)}({SurfaceNames.Parameters(invoke)})";
        }

        var inherited = type.GetInterfaces()
            .Except(type.BaseType?.GetInterfaces() ?? [])
            .Where(candidate => !type.GetInterfaces().Any(other => other.GetInterfaces().Contains(candidate)))
            // Every record has it.
            .Where(candidate => !(IsRecord(type) && candidate.Name.StartsWith("IEquatable", StringComparison.Ordinal)))
            .Select(candidate => SurfaceNames.Of(candidate))
            .Order(StringComparer.Ordinal);
        if (type.IsClass && type.BaseType != typeof(object))
        {
            inherited = inherited.Prepend(SurfaceNames.Of(type.BaseType!)).OrderBy(_ => 0);
        }

        string[] supertypes = type.IsEnum ? [SurfaceNames.Of(Enum.GetUnderlyingType(type))] : [.. inherited];
        return $"{Kind(type)} {FullName(type)}{(supertypes is [] ? "" : " : ")}{string.Join(", ", supertypes)}"
            + SurfaceNames.Constraints(type.GetGenericArguments());
    }

    private static string Kind(Type type) =>
        type switch
        {
            { IsEnum: true } => type.IsDefined(typeof(FlagsAttribute)) ? "flags enum" : "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => (type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : "")
                + (type.IsByRefLike ? "ref " : "")
                + (IsRecord(type) ? "record struct" : "struct"),
            _ => (
                type.IsAbstract && type.IsSealed ? "static "
                : type.IsAbstract ? "abstract "
                : type.IsSealed ? "sealed "
                : ""
            ) + (IsRecord(type) ? "record" : "class"),
        };

    private static bool IsRecord(Type type) => type.GetMethod("PrintMembers", Declared) is not null;

    private static IEnumerable<(string Name, string Text)> Members(Type type)
    {
        if (type.IsSubclassOf(typeof(Delegate)))
        {
            return [];
        }

        if (type.IsEnum)
        {
            return type.GetFields()
                .Where(field => field.IsLiteral)
                .Select(field => (Convert.ToUInt64(field.GetRawConstantValue()), field.Name))
                .Select(value => ($"{value.Item1:d20}", $"{value.Name} = {value.Item1}"));
        }

        return
        [
            .. type.GetFields(Declared)
                .Where(field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly)
                .Select(field => (field.Name, Field(field))),
            .. type.GetConstructors(Declared).Where(IsOffered).Where(IsWritten).Select(c => ("", Constructor(c))),
            .. type.GetProperties(Declared)
                .Where(property => property.GetAccessors(nonPublic: true).Any(IsOffered))
                .Where(property => property.Name is not "EqualityContract")
                .Select(property => (property.Name, Property(property))),
            .. type.GetMethods(Declared)
                .Where(IsOffered)
                .Where(IsWritten)
                .Where(IsOrdinary)
                .Select(method => (method.Name, Method(method))),
        ];
    }

    private static string Field(FieldInfo field) =>
        field.IsLiteral
            ? $"const {SurfaceNames.Of(field)} {field.Name} = {SurfaceNames.Literal(field.GetRawConstantValue())}"
            : $"{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{SurfaceNames.Of(field)} {field.Name}";

    private static string Constructor(ConstructorInfo constructor) =>
        $"{Access(constructor)}new({SurfaceNames.Parameters(constructor)})";

    private static string Property(PropertyInfo property)
    {
        var accessors = property.GetAccessors(nonPublic: true).Where(IsOffered).ToArray();
        var index = property.GetIndexParameters();
        var name = index is [] ? property.Name : $"this[{SurfaceNames.Parameters(accessors[0], index.Length)}]";
        var required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        return $"{Access(accessors[0])}{Modifiers(accessors[0])}{required}{SurfaceNames.Of(property)} {name} "
            + $"{{ {string.Join(' ', accessors.Select(a => Accessor(a) + ";"))} }}";
    }

    private static string Method(MethodInfo method) =>
        $"{Access(method)}{Modifiers(method)}{SurfaceNames.Returned(method)} {SurfaceNames.Declared(method)}"
        + $"({(method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "")}{SurfaceNames.Parameters(method)})"
        + SurfaceNames.Constraints(method.GetGenericArguments());

    private static bool IsOffered(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    /// <summary>Not what the compiler gives every record: equality, printing, copying.</summary>
    private static bool IsWritten(MethodBase method) =>
        !method.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false);

    private static bool IsOrdinary(MethodInfo method) =>
        !method.IsSpecialName
        || method.Name.StartsWith("op_", StringComparison.Ordinal)
        // Properties of extension blocks are properties of another class.
        || method.DeclaringType is { IsAbstract: true, IsSealed: true };

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    private static string Modifiers(MethodInfo method) =>
        method switch
        {
            { IsStatic: true } => "static ",
            { DeclaringType.IsInterface: true } => "",
            { IsAbstract: true } => "abstract ",
            { IsVirtual: true, IsFinal: false } => method.GetBaseDefinition() == method ? "virtual " : "override ",
            _ => "",
        };

    private static string Accessor(MethodInfo accessor) =>
        accessor.ReturnType != typeof(void) ? "get"
        : accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init"
        : "set";
}
