using System.Text.Json;

namespace NativeRanger.Cli.Verification;

/// <summary>A trace does not have the documented form.</summary>
internal sealed class TraceFormatException(string message) : Exception(message);

/// <summary>A value of a trace and where it stands, so that every complaint names the place.</summary>
internal readonly record struct TraceNode(JsonElement Element, string Path)
{
    public bool IsNull => Element.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    public bool IsText => Element.ValueKind == JsonValueKind.String;

    public bool IsList => Element.ValueKind == JsonValueKind.Array;

    /// <summary>A member of an object; absent and null are the same.</summary>
    public TraceNode? Optional(string name)
    {
        RequireKind(JsonValueKind.Object, "an object");
        return Element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? new TraceNode(value, Member(name))
            : null;
    }

    public TraceNode Required(string name) =>
        Optional(name) ?? throw new TraceFormatException($"{Member(name)} is missing.");

    public IEnumerable<(string Name, TraceNode Value)> Members()
    {
        RequireKind(JsonValueKind.Object, "an object");
        var node = this;
        return Element.EnumerateObject().Select(p => (p.Name, new TraceNode(p.Value, node.Member(p.Name))));
    }

    public TraceNode[] Items()
    {
        RequireKind(JsonValueKind.Array, "an array");
        var node = this;
        return [.. Element.EnumerateArray().Select((item, i) => new TraceNode(item, $"{node.Path}[{i}]"))];
    }

    public string Text()
    {
        RequireKind(JsonValueKind.String, "a string");
        return Element.GetString()!;
    }

    public bool Flag() =>
        Element.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Unexpected("true or false"),
        };

    /// <summary>A number, or one of the strings "NaN", "Infinity", "-Infinity".</summary>
    public double Number() =>
        Element.ValueKind switch
        {
            JsonValueKind.Number => Element.GetDouble(),
            JsonValueKind.String => Element.GetString() switch
            {
                "NaN" => double.NaN,
                "Infinity" => double.PositiveInfinity,
                "-Infinity" => double.NegativeInfinity,
                _ => throw Unexpected("a number"),
            },
            _ => throw Unexpected("a number"),
        };

    public int Integer() =>
        Number() is var number && number == Math.Truncate(number) && Math.Abs(number) <= int.MaxValue
            ? (int)number
            : throw Unexpected("an integer");

    /// <summary>A flat array of numbers; a single number is an array of one.</summary>
    public double[] Numbers() => IsList ? [.. Items().Select(item => item.Number())] : [Number()];

    private string Member(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    private void RequireKind(JsonValueKind kind, string description)
    {
        if (Element.ValueKind != kind)
        {
            throw Unexpected(description);
        }
    }

    private TraceFormatException Unexpected(string description)
    {
        var text = Element.ValueKind == JsonValueKind.Undefined ? "nothing" : Element.GetRawText();
        var shown = text.Length > 40 ? $"{text[..40]}…" : text;
        return new($"{(Path.Length == 0 ? "the trace" : Path)} must be {description}; it is {shown}.");
    }
}
