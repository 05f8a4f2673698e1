using System.Collections.Immutable;
using System.Text.Json;

namespace NativeRanger.Checkpoints;

/// <summary>A recipe as text: its levels from the outermost wrapper to the innermost optimizer, each with all its options.</summary>
internal sealed class RecipeText
{
    private const string KindKey = "kind";

    private readonly ImmutableArray<Level> levels;

    private RecipeText(ImmutableArray<Level> levels) => this.levels = levels;

    private sealed record Level(RecipeKind Kind, ImmutableArray<string> Values);

    public static RecipeText Of(Optimizer optimizer)
    {
        var texts = ImmutableArray.CreateBuilder<Level>();
        for (Optimizer? level = optimizer; level is not null; level = (level as Lookahead)?.Inner)
        {
            var kind = RecipeKind.Of(level);
            texts.Add(new(kind, [.. kind.Options.Select(option => option.Get(level))]));
        }

        return new(texts.ToImmutable());
    }

    /// <summary>The recipe. It starts from the defaults, so that no option meets one that it contradicts on the way.</summary>
    /// <exception cref="InvalidDataException">An option has no value that it can have, or options contradict each other.</exception>
    public Optimizer ToOptimizer()
    {
        try
        {
            Optimizer? inner = null;
            foreach (var level in levels.Reverse())
            {
                var optimizer = level.Kind.Create(inner);
                for (var i = 0; i < level.Values.Length; i++)
                {
                    optimizer = level.Kind.Options[i].Set(optimizer, level.Values[i]);
                }

                inner = optimizer;
            }

            inner!.Validate();
            return inner;
        }
        catch (Exception refused) when (refused is ArgumentException or FormatException or OverflowException)
        {
            throw new InvalidDataException($"The checkpoint is damaged or hostile: {refused.Message}", refused);
        }
    }

    /// <summary>One line for each level and option, from the outermost level.</summary>
    public IEnumerable<string> Lines =>
        levels.SelectMany(level =>
            level.Kind.Options.Select((option, i) => $"{level.Kind.Name}.{option.Name}: {level.Values[i]}")
        );

    /// <summary>Whether the same wrappers are around the same optimizer.</summary>
    public bool SameKind(RecipeText other) =>
        levels.Select(level => level.Kind).SequenceEqual(other.levels.Select(level => level.Kind));

    /// <summary>The options that differ, one line for each.</summary>
    /// <param name="given">A recipe of the same kind.</param>
    public IEnumerable<string> Differences(RecipeText given)
    {
        for (var l = 0; l < levels.Length; l++)
        {
            for (var i = 0; i < levels[l].Values.Length; i++)
            {
                if (!string.Equals(levels[l].Values[i], given.levels[l].Values[i], StringComparison.Ordinal))
                {
                    yield return $"option {levels[l].Kind.Name}.{levels[l].Kind.Options[i].Name}: {levels[l].Values[i]} in the checkpoint, "
                        + $"{given.levels[l].Values[i]} given";
                }
            }
        }
    }

    public string Describe() =>
        string.Join('(', levels.Select(level => level.Kind.Name)) + new string(')', levels.Length - 1);

    /// <summary>Writes a list of levels, with the options that differ from <paramref name="basis"/>, or all.</summary>
    public void Write(Utf8JsonWriter json, string key, RecipeText? basis = null)
    {
        json.WriteStartArray(key);
        for (var l = 0; l < levels.Length; l++)
        {
            json.WriteStartObject();
            if (basis is null)
            {
                json.WriteString(KindKey, levels[l].Kind.Name);
            }

            for (var i = 0; i < levels[l].Values.Length; i++)
            {
                var value = levels[l].Values[i];
                if (basis is not null && string.Equals(value, basis.levels[l].Values[i], StringComparison.Ordinal))
                {
                    continue;
                }

                var option = levels[l].Kind.Options[i];
                json.WritePropertyName(option.Name);
                if (option.Quoted)
                {
                    json.WriteStringValue(value);
                }
                else
                {
                    json.WriteRawValue(value);
                }
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Reads what <see cref="Write"/> wrote, with the same basis.</summary>
    public static RecipeText Read(ref JsonCursor cursor, RecipeText? basis = null)
    {
        var read = ImmutableArray.CreateBuilder<Level>();
        cursor.StartArray();
        while (cursor.NextObject())
        {
            if (basis is not null && read.Count == basis.levels.Length)
            {
                throw cursor.Bad("changes more levels than the recipe has");
            }

            if (read.Count > NativeTensorTable.MaximumFollowers)
            {
                throw cursor.Bad($"has a recipe with more than {NativeTensorTable.MaximumFollowers} wrappers");
            }

            read.Add(ReadLevel(ref cursor, basis?.levels[read.Count]));
        }

        if (read.Count == 0 || (basis is not null && read.Count != basis.levels.Length))
        {
            throw cursor.Bad("has a recipe without its levels");
        }

        if (read.Take(read.Count - 1).Any(level => level.Kind.Type != typeof(Lookahead)))
        {
            throw cursor.Bad("has an optimizer around another that is no wrapper");
        }

        return new(read.ToImmutable());
    }

    private static Level ReadLevel(ref JsonCursor cursor, Level? basis)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        while (cursor.NextMember(keys, out var key))
        {
            values.Add(key, cursor.Scalar());
        }

        var kind =
            basis?.Kind
            ?? (values.Remove(KindKey, out var name) ? RecipeKind.Named(name) : null)
            ?? throw cursor.Bad("has an unknown kind of optimizer");
        var texts = new string[kind.Options.Count];
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] =
                values.Remove(kind.Options[i].Name, out var text) ? text
                : basis is not null ? basis.Values[i]
                : throw cursor.Bad($"lacks the option {kind.Name}.{kind.Options[i].Name}");
        }

        return values.Count == 0
            ? new(kind, [.. texts])
            : throw cursor.Bad($"has the unknown option {kind.Name}.{values.Keys.First()}");
    }
}
