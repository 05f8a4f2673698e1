using System.Text.Json;

namespace NativeRanger.Checkpoints;

/// <summary>A part of an array in a shard.</summary>
/// <param name="Parameter">The name of the parameter, escaped (<see cref="TensorNames"/>).</param>
/// <param name="Array"><see cref="TensorNames.Values"/> or the name of the state.</param>
/// <param name="Range">Which elements it has.</param>
/// <param name="Checksum">Their CRC-32C.</param>
internal sealed record ShardPart(string Parameter, string Array, ArrayRange Range, uint Checksum)
{
    public string Name => TensorNames.Of(Parameter, Array);
}

/// <summary>Consecutive elements of an array.</summary>
/// <param name="Start">The first one.</param>
/// <param name="Length">How many there are.</param>
/// <param name="ByRows">Whether the elements are counted row by row (<see cref="RowLayout"/>), and not as they are stored.</param>
internal readonly record struct ArrayRange(long Start, long Length, bool ByRows)
{
    public long End => Start + Length;
}

/// <summary>The header of one rank's file of a sharded checkpoint: a safetensors file whose tensors are parts of arrays.</summary>
internal sealed class ShardHeader
{
    public const string Format = "nativeranger-shard";
    private const string NumberKey = "shard";
    private const string CountKey = "shards";
    private const string TypeKey = "element_type";
    private const string PartsKey = "parts";
    private const string ParameterKey = "parameter";
    private const string ArrayKey = "array";
    private const string StartKey = "start";
    private const string ByRowsKey = "by_rows";
    private const string ChecksumKey = "crc32c";

    // Object, parts, part.
    private const int Depth = 3;

    /// <summary>Which of the shards it is.</summary>
    public required int Number { get; init; }

    /// <summary>How many shards there are.</summary>
    public required int Count { get; init; }

    /// <summary>The safetensors type of all parts.</summary>
    public required string ElementType { get; init; }

    /// <summary>The parts, in the order of the file.</summary>
    public required IReadOnlyList<ShardPart> Parts { get; init; }

    /// <summary>The checksum of the header itself; 0 before it is composed.</summary>
    public uint Checksum { get; private init; }

    public byte[] Compose(int elementSize) =>
        ChecksummedHeader.Compose(
            Format,
            Write,
            Parts.Select(part => new SafetensorsTensorShape(part.Name, ElementType, elementSize, [part.Range.Length]))
        );

    /// <summary>Reads and validates a header; the stream is left at the first part.</summary>
    public static ShardHeader Read(Stream stream)
    {
        var read = ChecksummedHeader.Read(stream);
        if (!string.Equals(read.Format, Format, StringComparison.Ordinal))
        {
            throw new InvalidDataException("it is no shard of a checkpoint.");
        }

        var tensors = read.Tensors.Tensors;
        var header = Parse(read, tensors);
        if (
            header.Parts.Count != tensors.Length
            || header
                .Parts.Zip(tensors)
                .Any(pair =>
                    !string.Equals(pair.First.Name, pair.Second.Name, StringComparison.Ordinal)
                    || !string.Equals(header.ElementType, pair.Second.Type, StringComparison.Ordinal)
                )
        )
        {
            throw new InvalidDataException("its manifest and its tensors disagree.");
        }

        read.Tensors.RequireData(stream);
        return header;
    }

    private static ShardHeader Parse(ChecksummedHeader read, IReadOnlyList<SafetensorsTensor> tensors)
    {
        var cursor = new JsonCursor(read.Manifest, "the manifest of a shard", Depth);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        long? number = null;
        long? count = null;
        string? type = null;
        var parts = new List<ShardPart>();
        cursor.StartObject();
        while (cursor.NextMember(keys, out var key))
        {
            switch (key)
            {
                case NumberKey:
                    number = cursor.Integer();
                    break;
                case CountKey:
                    count = cursor.Integer();
                    break;
                case TypeKey:
                    type = cursor.Text();
                    break;
                case PartsKey:
                    cursor.StartArray();
                    while (cursor.NextObject())
                    {
                        var tensor =
                            parts.Count < tensors.Count
                                ? tensors[parts.Count]
                                : throw cursor.Bad("has more parts than tensors");
                        parts.Add(ReadPart(ref cursor, tensor));
                    }

                    break;
                default:
                    throw cursor.Bad($"has the unknown key '{key}'");
            }
        }

        cursor.End();
        return new()
        {
            Number = (int)(number is >= 0 and < int.MaxValue ? number : throw cursor.Bad("lacks its number")),
            Count = (int)(count is >= 1 and < int.MaxValue ? count : throw cursor.Bad("lacks the number of shards")),
            ElementType = type ?? throw cursor.Bad("lacks the element type"),
            Parts = parts,
            Checksum = read.Checksum,
        };
    }

    private static ShardPart ReadPart(ref JsonCursor cursor, SafetensorsTensor tensor)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        string? parameter = null;
        string? array = null;
        long? start = null;
        var byRows = false;
        uint? checksum = null;
        while (cursor.NextMember(keys, out var key))
        {
            switch (key)
            {
                case ParameterKey:
                    parameter = cursor.Text();
                    break;
                case ArrayKey:
                    array = cursor.Text();
                    break;
                case StartKey:
                    start = cursor.Integer();
                    break;
                case ByRowsKey:
                    byRows = cursor.Flag();
                    break;
                case ChecksumKey:
                    checksum = ManifestParameter.ParseChecksum(ref cursor, cursor.Text(), "a part");
                    break;
                default:
                    throw cursor.Bad($"has the unknown key '{key}' in a part");
            }
        }

        var length = tensor.Shape is [var extent] ? extent : throw cursor.Bad("has a part that is no list of elements");
        return new(
            parameter ?? throw cursor.Bad("lacks the parameter of a part"),
            array ?? throw cursor.Bad("lacks the array of a part"),
            new(
                start is >= 0 && start <= long.MaxValue - length
                    ? start.Value
                    : throw cursor.Bad("lacks the start of a part"),
                length,
                byRows
            ),
            checksum ?? throw cursor.Bad("lacks the checksum of a part")
        );
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber(NumberKey, Number);
        json.WriteNumber(CountKey, Count);
        json.WriteString(TypeKey, ElementType);
        json.WriteStartArray(PartsKey);
        foreach (var part in Parts)
        {
            json.WriteStartObject();
            json.WriteString(ParameterKey, part.Parameter);
            json.WriteString(ArrayKey, part.Array);
            json.WriteNumber(StartKey, part.Range.Start);
            if (part.Range.ByRows)
            {
                json.WriteBoolean(ByRowsKey, value: true);
            }

            json.WriteString(ChecksumKey, ManifestParameter.FormatChecksum(part.Checksum));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
