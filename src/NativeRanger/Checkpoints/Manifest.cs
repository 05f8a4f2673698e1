using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace NativeRanger.Checkpoints;

/// <summary>What a checkpoint holds beside the elements of its arrays.</summary>
internal sealed class Manifest
{
    // Object, groups, group, parameters, parameter, shape or counters.
    private const int Depth = 6;

    /// <summary>The safetensors type of all arrays.</summary>
    public required string ElementType { get; init; }

    public required long StepCount { get; init; }

    public required long SkippedSteps { get; init; }

    /// <summary>Whether the values of the parameters are there, and not only their checksums.</summary>
    public required bool IncludesParameters { get; init; }

    /// <summary>The recipe that was bound.</summary>
    public required RecipeText Optimizer { get; init; }

    public required IReadOnlyList<Average> Averages { get; init; }

    public required IReadOnlyList<ManifestGroup> Groups { get; init; }

    /// <summary>The files beside this one that hold the arrays, by rank; null where this file holds them.</summary>
    public IReadOnlyList<ManifestShard>? Shards { get; init; }

    /// <summary>The arrays of this file, in its order.</summary>
    public IEnumerable<(ManifestParameter Parameter, string Array)> Tensors => Shards is null ? Arrays : [];

    /// <summary>All arrays that were saved.</summary>
    public IEnumerable<(ManifestParameter Parameter, string Array)> Arrays =>
        from @group in Groups
        from parameter in @group.Parameters
        from array in parameter.Checksums.Keys
        where IncludesParameters || !string.Equals(array, TensorNames.Values, StringComparison.Ordinal)
        select (parameter, array);

    public static string TypeOf<T>()
        where T : unmanaged, IFloatingPointIeee754<T> => typeof(T) == typeof(float) ? "F32" : "F64";

    /// <summary>The same with all arrays in one file.</summary>
    /// <param name="checksum">The CRC-32C of each array that was saved.</param>
    public Manifest InOneFile(Func<ManifestParameter, string, uint> checksum) =>
        new()
        {
            ElementType = ElementType,
            StepCount = StepCount,
            SkippedSteps = SkippedSteps,
            IncludesParameters = IncludesParameters,
            Optimizer = Optimizer,
            Averages = Averages,
            Groups =
            [
                .. Groups.Select(group => new ManifestGroup
                {
                    Bound = group.Bound,
                    Current = group.Current,
                    Counters = group.Counters,
                    Parameters = [.. group.Parameters.Select(parameter => parameter.With(checksum))],
                }),
            ],
        };

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("element_type", ElementType);
        json.WriteNumber("step_count", StepCount);
        json.WriteNumber("skipped_steps", SkippedSteps);
        json.WriteBoolean("includes_parameters", IncludesParameters);
        if (Shards is not null)
        {
            json.WriteStartArray("shards");
            foreach (var shard in Shards)
            {
                shard.Write(json);
            }

            json.WriteEndArray();
        }

        Optimizer.Write(json, "optimizer");
        json.WriteStartArray("averages");
        foreach (var average in Averages)
        {
            WriteAverage(json, average);
        }

        json.WriteEndArray();
        json.WriteStartArray("groups");
        foreach (var group in Groups)
        {
            group.Write(json, Optimizer);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    public static Manifest Read(ReadOnlySpan<byte> utf8)
    {
        var cursor = new JsonCursor(utf8, "the manifest", Depth);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        string? type = null;
        long? steps = null;
        long? skipped = null;
        bool? parameters = null;
        RecipeText? optimizer = null;
        List<Average>? averages = null;
        List<ManifestGroup>? groups = null;
        List<ManifestShard>? shards = null;
        cursor.StartObject();
        while (cursor.NextMember(keys, out var key))
        {
            switch (key)
            {
                case "element_type":
                    type = cursor.Text();
                    break;
                case "step_count":
                    steps = ReadCount(ref cursor);
                    break;
                case "skipped_steps":
                    skipped = ReadCount(ref cursor);
                    break;
                case "includes_parameters":
                    parameters = cursor.Flag();
                    break;
                case "shards":
                    shards = [];
                    cursor.StartArray();
                    while (cursor.NextObject())
                    {
                        shards.Add(ManifestShard.Read(ref cursor));
                    }

                    break;
                case "optimizer":
                    optimizer = RecipeText.Read(ref cursor);
                    break;
                case "averages":
                    averages = ReadAverages(ref cursor);
                    break;
                case "groups" when optimizer is not null:
                    groups = ReadGroups(ref cursor, optimizer);
                    break;
                default:
                    throw cursor.Bad($"has the unknown or misplaced key '{key}'");
            }
        }

        cursor.End();
        return new()
        {
            ElementType = type ?? throw cursor.Bad("lacks the element type"),
            StepCount = steps ?? throw cursor.Bad("lacks the step count"),
            SkippedSteps = skipped ?? throw cursor.Bad("lacks the skipped steps"),
            IncludesParameters = parameters ?? throw cursor.Bad("does not say whether it includes parameters"),
            Optimizer = optimizer ?? throw cursor.Bad("lacks the optimizer"),
            Averages = averages ?? throw cursor.Bad("lacks the averages"),
            Groups = groups ?? throw cursor.Bad("lacks the groups"),
            Shards = shards,
        };
    }

    /// <summary>The number of steps of something; far enough below 2^63 that steps can still be added.</summary>
    internal static long ReadCount(ref JsonCursor cursor)
    {
        var count = cursor.Integer();
        return count is >= 0 and <= 1L << 62 ? count : throw cursor.Bad($"counts {count} steps");
    }

    private static void WriteAverage(Utf8JsonWriter json, Average average)
    {
        json.WriteStartObject();
        switch (average)
        {
            case ExponentialAverage exponential:
                json.WriteNumber("decay", exponential.Decay);
                break;
            case StochasticAverage stochastic:
                json.WriteNumber("start", stochastic.Start);
                json.WriteNumber("every", stochastic.Every);
                break;
            default:
                throw new NotSupportedException($"{average} has no form in a checkpoint.");
        }

        json.WriteEndObject();
    }

    private static List<Average> ReadAverages(ref JsonCursor cursor)
    {
        var averages = new List<Average>();
        cursor.StartArray();
        while (cursor.NextObject())
        {
            if (averages.Count == NativeTensorTable.MaximumFollowers)
            {
                throw cursor.Bad($"has more than {NativeTensorTable.MaximumFollowers} averages");
            }

            averages.Add(ReadAverage(ref cursor));
        }

        return averages;
    }

    private static Average ReadAverage(ref JsonCursor cursor)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        while (cursor.NextMember(keys, out var key))
        {
            values.Add(key, cursor.Scalar());
        }

        try
        {
            return values.Count switch
            {
                1 when values.TryGetValue("decay", out var decay) => new ExponentialAverage
                {
                    Decay = double.Parse(decay, NumberStyles.Float, CultureInfo.InvariantCulture),
                },
                2 when values.TryGetValue("start", out var start) && values.TryGetValue("every", out var every) =>
                    new StochasticAverage
                    {
                        Start = long.Parse(start, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
                        Every = int.Parse(every, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
                    },
                _ => throw cursor.Bad("has an unknown average"),
            };
        }
        catch (Exception refused) when (refused is ArgumentException or FormatException or OverflowException)
        {
            throw cursor.Bad($"has an average that cannot be: {refused.Message}");
        }
    }

    private static List<ManifestGroup> ReadGroups(ref JsonCursor cursor, RecipeText optimizer)
    {
        var groups = new List<ManifestGroup>();
        cursor.StartArray();
        while (cursor.NextObject())
        {
            groups.Add(ManifestGroup.Read(ref cursor, optimizer));
        }

        return groups;
    }
}

/// <summary>One group: its options as they were bound and as they are, its counters and its parameters.</summary>
internal sealed class ManifestGroup
{
    public required RecipeText Bound { get; init; }

    public required RecipeText Current { get; init; }

    public required IReadOnlyDictionary<string, long> Counters { get; init; }

    public required IReadOnlyList<ManifestParameter> Parameters { get; init; }

    public void Write(Utf8JsonWriter json, RecipeText optimizer)
    {
        json.WriteStartObject();
        Bound.Write(json, "bound", optimizer);
        Current.Write(json, "current", Bound);
        ManifestParameter.WriteCounters(json, Counters);
        json.WriteStartArray("parameters");
        foreach (var parameter in Parameters)
        {
            parameter.Write(json);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Reads a group whose object has been entered.</summary>
    public static ManifestGroup Read(ref JsonCursor cursor, RecipeText optimizer)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        RecipeText? bound = null;
        RecipeText? current = null;
        Dictionary<string, long>? counters = null;
        List<ManifestParameter>? parameters = null;
        while (cursor.NextMember(keys, out var key))
        {
            switch (key)
            {
                case "bound":
                    bound = RecipeText.Read(ref cursor, optimizer);
                    break;
                case "current" when bound is not null:
                    current = RecipeText.Read(ref cursor, bound);
                    break;
                case "counters":
                    counters = ManifestParameter.ReadCounters(ref cursor);
                    break;
                case "parameters":
                    parameters = [];
                    cursor.StartArray();
                    while (cursor.NextObject())
                    {
                        parameters.Add(ManifestParameter.Read(ref cursor));
                    }

                    break;
                default:
                    throw cursor.Bad($"has the unknown or misplaced key '{key}' in a group");
            }
        }

        return new()
        {
            Bound = bound ?? throw cursor.Bad("lacks the options of a group"),
            Current = current ?? throw cursor.Bad("lacks the present options of a group"),
            Counters = counters ?? throw cursor.Bad("lacks the counters of a group"),
            Parameters = parameters ?? throw cursor.Bad("lacks the parameters of a group"),
        };
    }
}

/// <summary>One parameter: its layout, its counters, and the checksums of its arrays.</summary>
internal sealed class ManifestParameter
{
    private const string ColumnMajorText = "column_major";
    private const string InShardsText = "in_shards";

    /// <summary>The name, escaped (<see cref="TensorNames"/>).</summary>
    public required string Name { get; init; }

    public required ImmutableArray<long> Shape { get; init; }

    public required bool ColumnMajor { get; init; }

    public required long OutputDimension { get; init; }

    public required IReadOnlyDictionary<string, long> Counters { get; init; }

    /// <summary>
    /// The CRC-32C of each array, by <see cref="TensorNames.Values"/> or the name of the state; null where shards hold it, each
    /// with the checksums of its parts.
    /// </summary>
    public required IReadOnlyDictionary<string, uint?> Checksums { get; init; }

    /// <summary>The same with the checksum of every array that has none.</summary>
    public ManifestParameter With(Func<ManifestParameter, string, uint> checksum) =>
        new()
        {
            Name = Name,
            Shape = Shape,
            ColumnMajor = ColumnMajor,
            OutputDimension = OutputDimension,
            Counters = Counters,
            Checksums = Checksums.ToDictionary(
                pair => pair.Key,
                pair => pair.Value ?? (uint?)checksum(this, pair.Key),
                StringComparer.Ordinal
            ),
        };

    /// <summary>The elements.</summary>
    public long Length => Shape.Aggregate(1L, static (product, extent) => product * extent);

    /// <summary>The shape of the tensors, which safetensors takes to be row-major.</summary>
    public ImmutableArray<long> StoredShape => ColumnMajor ? [.. Shape.Reverse()] : Shape;

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("name", Name);
        json.WriteStartArray("shape");
        foreach (var extent in Shape)
        {
            json.WriteNumberValue(extent);
        }

        json.WriteEndArray();
        if (ColumnMajor)
        {
            json.WriteString("storage", ColumnMajorText);
        }

        if (OutputDimension != 0)
        {
            json.WriteNumber("output_dimension", OutputDimension);
        }

        WriteCounters(json, Counters);
        json.WriteStartObject("crc32c");
        foreach (var (array, checksum) in Checksums)
        {
            json.WriteString(array, checksum is { } value ? FormatChecksum(value) : InShardsText);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Reads a parameter whose object has been entered.</summary>
    public static ManifestParameter Read(ref JsonCursor cursor)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        string? name = null;
        var shape = default(ImmutableArray<long>);
        var columnMajor = false;
        var outputDimension = 0L;
        Dictionary<string, long>? counters = null;
        Dictionary<string, uint?>? checksums = null;
        while (cursor.NextMember(keys, out var key))
        {
            switch (key)
            {
                case "name":
                    name = cursor.Text();
                    break;
                case "shape":
                    shape = ReadShape(ref cursor);
                    break;
                case "storage":
                    columnMajor = string.Equals(cursor.Text(), ColumnMajorText, StringComparison.Ordinal);
                    break;
                case "output_dimension":
                    outputDimension = cursor.Integer();
                    break;
                case "counters":
                    counters = ReadCounters(ref cursor);
                    break;
                case "crc32c":
                    checksums = ReadChecksums(ref cursor);
                    break;
                default:
                    throw cursor.Bad($"has the unknown key '{key}' in a parameter");
            }
        }

        if (outputDimension < 0 || (outputDimension > 0 && (shape.IsDefault || outputDimension >= shape.Length)))
        {
            throw cursor.Bad($"has a parameter whose output dimension is {outputDimension}");
        }

        return new()
        {
            Name = name ?? throw cursor.Bad("lacks the name of a parameter"),
            Shape = shape.IsDefault ? throw cursor.Bad("lacks the shape of a parameter") : shape,
            ColumnMajor = columnMajor,
            OutputDimension = outputDimension,
            Counters = counters ?? throw cursor.Bad("lacks the counters of a parameter"),
            Checksums = checksums ?? throw cursor.Bad("lacks the checksums of a parameter"),
        };
    }

    private static ImmutableArray<long> ReadShape(ref JsonCursor cursor)
    {
        var extents = ImmutableArray.CreateBuilder<long>();
        var length = (Int128)1;
        cursor.StartArray();
        while (cursor.NextInteger(out var extent))
        {
            length *= extent;
            if (extent < 0 || length > long.MaxValue)
            {
                throw cursor.Bad("has a parameter of an impossible shape");
            }

            extents.Add(extent);
        }

        return extents.ToImmutable();
    }

    public static string FormatChecksum(uint checksum) => checksum.ToString("x8", CultureInfo.InvariantCulture);

    internal static void WriteCounters(Utf8JsonWriter json, IReadOnlyDictionary<string, long> counters)
    {
        json.WriteStartObject("counters");
        foreach (var (name, value) in counters)
        {
            json.WriteNumber(name, value);
        }

        json.WriteEndObject();
    }

    internal static Dictionary<string, long> ReadCounters(ref JsonCursor cursor)
    {
        var counters = new Dictionary<string, long>(StringComparer.Ordinal);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        cursor.StartObject();
        while (cursor.NextMember(keys, out var name))
        {
            counters.Add(name, StateNames.IsScalar(name) ? cursor.Integer() : Manifest.ReadCount(ref cursor));
        }

        return counters;
    }

    internal static uint ParseChecksum(ref JsonCursor cursor, string text, string what) =>
        uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw cursor.Bad($"has no checksum for '{what}'");

    private static Dictionary<string, uint?> ReadChecksums(ref JsonCursor cursor)
    {
        var checksums = new Dictionary<string, uint?>(StringComparer.Ordinal);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        cursor.StartObject();
        while (cursor.NextMember(keys, out var array))
        {
            var text = cursor.Text();
            checksums.Add(
                array,
                string.Equals(text, InShardsText, StringComparison.Ordinal)
                    ? null
                    : ParseChecksum(ref cursor, text, array)
            );
        }

        return checksums;
    }
}

/// <summary>A file beside the manifest that holds parts of the arrays.</summary>
/// <param name="File">Its name, without a directory.</param>
/// <param name="Checksum">The checksum of its header, in which those of its arrays are.</param>
internal sealed record ManifestShard(string File, uint Checksum)
{
    private const string FileKey = "file";
    private const string ChecksumKey = "crc32c";

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString(FileKey, File);
        json.WriteString(ChecksumKey, ManifestParameter.FormatChecksum(Checksum));
        json.WriteEndObject();
    }

    /// <summary>Reads a shard whose object has been entered.</summary>
    public static ManifestShard Read(ref JsonCursor cursor)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        string? file = null;
        uint? checksum = null;
        while (cursor.NextMember(keys, out var key))
        {
            switch (key)
            {
                case FileKey:
                    file = cursor.Text();
                    break;
                case ChecksumKey:
                    checksum = ManifestParameter.ParseChecksum(ref cursor, cursor.Text(), "a shard");
                    break;
                default:
                    throw cursor.Bad($"has the unknown key '{key}' in a shard");
            }
        }

        // Nothing but a neighbour is read, whatever a manifest says.
        return file is null || file.Length == 0 || file.AsSpan().ContainsAny('/', '\\', '\0') || file is "." or ".."
            ? throw cursor.Bad("has no valid file name for a shard")
            : new(file, checksum ?? throw cursor.Bad("lacks the checksum of a shard"));
    }
}
