using System.Text.Json;

namespace NativeRanger.Checkpoints;

/// <summary>Reads JSON of a known structure; anything else is an <see cref="InvalidDataException"/> that says where.</summary>
internal ref struct JsonCursor
{
    private readonly string what;
    private Utf8JsonReader reader;

    /// <summary>Before the first token.</summary>
    /// <param name="json">Valid UTF-8.</param>
    /// <param name="what">What is read, for messages.</param>
    /// <param name="depth">Deeper nesting is refused.</param>
    public JsonCursor(ReadOnlySpan<byte> json, string what, int depth)
    {
        this.what = what;
        reader = new(json, new JsonReaderOptions { MaxDepth = depth });
    }

    public void StartObject()
    {
        Next();
        Require(JsonTokenType.StartObject, "an object");
    }

    /// <summary>The next member's name, or false at the end of the object. Each name may occur once.</summary>
    public bool NextMember(HashSet<string> seen, out string name)
    {
        Next();
        if (reader.TokenType == JsonTokenType.EndObject)
        {
            name = "";
            return false;
        }

        name = CurrentText();
        return seen.Add(name) ? true : throw Bad($"has the key '{name}' twice");
    }

    public void StartArray()
    {
        Next();
        Require(JsonTokenType.StartArray, "a list");
    }

    /// <summary>Whether the list goes on; if it does, the next item is an object that has been entered.</summary>
    public bool NextObject()
    {
        Next();
        if (reader.TokenType == JsonTokenType.EndArray)
        {
            return false;
        }

        Require(JsonTokenType.StartObject, "an object");
        return true;
    }

    /// <summary>Whether the list goes on; if it does, the next item is this integer.</summary>
    public bool NextInteger(out long value)
    {
        Next();
        value = 0;
        if (reader.TokenType == JsonTokenType.EndArray)
        {
            return false;
        }

        value = CurrentInteger();
        return true;
    }

    public long Integer()
    {
        Next();
        return CurrentInteger();
    }

    public bool Flag()
    {
        Next();
        return reader.TokenType switch
        {
            JsonTokenType.True => true,
            JsonTokenType.False => false,
            _ => throw Bad($"has {reader.TokenType} where true or false belongs"),
        };
    }

    public string Text()
    {
        Next();
        Require(JsonTokenType.String, "a string");
        return CurrentText();
    }

    /// <summary>The text of a string, number, boolean or null, as a recipe's option has it.</summary>
    public string Scalar()
    {
        Next();
        return reader.TokenType switch
        {
            JsonTokenType.String => CurrentText(),
            JsonTokenType.Number => System.Text.Encoding.UTF8.GetString(reader.ValueSpan),
            JsonTokenType.True => "true",
            JsonTokenType.False => "false",
            JsonTokenType.Null => "null",
            _ => throw Bad($"has {reader.TokenType} where a single value belongs"),
        };
    }

    /// <summary>Nothing but white space may follow.</summary>
    public void End()
    {
        if (Read())
        {
            throw Bad("goes on after its end");
        }
    }

    public readonly InvalidDataException Bad(string problem) =>
        new($"The checkpoint is damaged or hostile: {what} {problem} (byte {reader.TokenStartIndex}).");

    private void Next()
    {
        if (!Read())
        {
            throw Bad("ends early");
        }
    }

    private bool Read()
    {
        try
        {
            return reader.Read();
        }
        catch (JsonException malformed)
        {
            throw new InvalidDataException(
                $"The checkpoint is damaged or hostile: {what} is not valid JSON: {malformed.Message}",
                malformed
            );
        }
    }

    private readonly void Require(JsonTokenType type, string expected)
    {
        if (reader.TokenType != type)
        {
            throw Bad($"has {reader.TokenType} where {expected} belongs");
        }
    }

    private readonly long CurrentInteger()
    {
        Require(JsonTokenType.Number, "an integer");
        return reader.TryGetInt64(out var value) ? value : throw Bad("has a number that is no 64-bit integer");
    }

    private readonly string CurrentText()
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException unpaired)
        {
            throw new InvalidDataException(
                $"The checkpoint is damaged or hostile: {what} has a string with half a surrogate pair.",
                unpaired
            );
        }
    }
}
