using System.Globalization;
using System.Text.Json;

namespace NativeRanger.Bindings;

/// <summary>Builds the model of a header from clang's syntax tree.</summary>
internal sealed class HeaderReader
{
    private readonly byte[] _source;
    private readonly TypeTable _types = new();
    private readonly List<Declaration> _declarations = [];
    private readonly List<FunctionDeclaration> _functions = [];

    private HeaderReader(byte[] source) => _source = source;

    /// <summary>The model of a header.</summary>
    /// <param name="ast">The translation unit as clang dumps it.</param>
    /// <param name="source">The header's bytes.</param>
    public static Header Read(JsonElement ast, byte[] source)
    {
        var reader = new HeaderReader(source);
        foreach (var node in Children(ast))
        {
            reader.Visit(node);
        }
        return new Header(reader._declarations, reader._functions);
    }

    // Types of included headers are known, so that they can be used; only the header's own declarations are emitted.
    private void Visit(JsonElement node)
    {
        var own = IsOwn(node);
        switch (Kind(node))
        {
            case "EnumDecl" when own:
                _types.AddTag(Name(node));
                _declarations.Add(new EnumDeclaration(Name(node), Comment(node), Constants(node)));
                break;
            case "RecordDecl" when own:
                _types.AddTag(Name(node));
                AddStruct(node);
                break;
            case "EnumDecl" or "RecordDecl" when node.TryGetProperty("name", out var tag):
                _types.AddTag(tag.GetString()!);
                break;
            case "TypedefDecl":
                _types.AddTypedef(Name(node), Type(node));
                break;
            case "FunctionDecl" when own:
                _functions.Add(Function(node));
                break;
            default:
                break;
        }
    }

    private void AddStruct(JsonElement node)
    {
        var tag = Name(node);
        if (node.GetProperty("tagUsed").GetString() is not "struct")
        {
            throw new BindingsException($"{tag}: unions are not supported.");
        }

        // A struct may be declared before it is defined: the definition takes the declaration's place.
        var isDefinition = node.TryGetProperty("completeDefinition", out _);
        var declaredAt = _declarations.FindIndex(other => other.Name.Equals(tag, StringComparison.Ordinal));
        var declaration = new StructDeclaration(tag, Comment(node), isDefinition ? Fields(node) : []);
        if (declaredAt < 0)
        {
            _declarations.Add(declaration);
        }
        else if (isDefinition)
        {
            _declarations[declaredAt] = declaration;
        }
    }

    private List<ConstantDeclaration> Constants(JsonElement node)
    {
        var constants = new List<ConstantDeclaration>();
        foreach (var constant in Children(node).Where(child => Kind(child) is "EnumConstantDecl"))
        {
            var expression = Children(constant).Find(child => child.TryGetProperty("value", out _));
            var value =
                expression.ValueKind == JsonValueKind.Object
                    ? int.Parse(expression.GetProperty("value").GetString()!, CultureInfo.InvariantCulture)
                : constants.Count == 0 ? 0
                : constants[^1].Value + 1;
            constants.Add(new ConstantDeclaration(Name(constant), Comment(constant), value));
        }
        return constants;
    }

    private List<VariableDeclaration> Fields(JsonElement node)
    {
        var fields = Children(node).Where(child => Kind(child) is "FieldDecl").ToList();
        return
            fields.Find(field => field.TryGetProperty("isBitfield", out _)) is { ValueKind: JsonValueKind.Object } bits
            ? throw new BindingsException($"{Name(node)}.{Name(bits)}: bit-fields are not supported.")
            : fields.ConvertAll(Variable);
    }

    private FunctionDeclaration Function(JsonElement node)
    {
        var signature = Type(node);
        if (node.TryGetProperty("variadic", out _))
        {
            throw new BindingsException($"{Name(node)}: variadic functions are not supported.");
        }
        var returnType = _types.Map(signature[..signature.IndexOf('(', StringComparison.Ordinal)].TrimEnd());
        var parameters = Children(node).Where(child => Kind(child) is "ParmVarDecl").Select(Variable);
        return new FunctionDeclaration(Name(node), Comment(node), returnType, [.. parameters]);
    }

    private VariableDeclaration Variable(JsonElement node) => new(Name(node), Comment(node), _types.Map(Type(node)));

    private IReadOnlyList<string> Comment(JsonElement node)
    {
        var comment = Children(node).Find(child => Kind(child) is "FullComment");
        return comment.ValueKind == JsonValueKind.Object
            ? CommentReader.Read(_source, comment.GetProperty("loc").GetProperty("offset").GetInt32())
            : [];
    }

    // The main file's locations have no "includedFrom"; implicit declarations have no location at all.
    private static bool IsOwn(JsonElement node)
    {
        var location = Location(node);
        return location.TryGetProperty("offset", out _) && !location.TryGetProperty("includedFrom", out _);
    }

    // Of a name that a macro spells, the place of use counts.
    private static JsonElement Location(JsonElement node)
    {
        var location = node.GetProperty("loc");
        return location.TryGetProperty("expansionLoc", out var expansion) ? expansion : location;
    }

    private string Name(JsonElement node)
    {
        if (node.TryGetProperty("name", out var name))
        {
            return name.GetString()!;
        }
        var line = _source.AsSpan(0, Location(node).GetProperty("offset").GetInt32()).Count((byte)'\n') + 1;
        throw new BindingsException($"Line {line}: every type, field and parameter needs a name.");
    }

    private static string Type(JsonElement node) => node.GetProperty("type").GetProperty("qualType").GetString()!;

    private static string? Kind(JsonElement node) =>
        node.TryGetProperty("kind", out var kind) ? kind.GetString() : null;

    private static List<JsonElement> Children(JsonElement node) =>
        node.TryGetProperty("inner", out var inner) ? [.. inner.EnumerateArray()] : [];
}
