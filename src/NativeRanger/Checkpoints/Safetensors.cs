using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Unicode;

namespace NativeRanger.Checkpoints;

/// <summary>One tensor of a safetensors file: its bytes are at [Begin, End) of the data.</summary>
internal sealed record SafetensorsTensor(string Name, string Type, ImmutableArray<long> Shape, long Begin, long End);

/// <summary>
/// The header of a safetensors file, validated: <c>u64 length, JSON, data</c>, where the JSON maps names to types, shapes and
/// offsets, and <c>__metadata__</c> to strings.
/// </summary>
/// <remarks>
/// The limits are those of the reference implementation: the header has at most 100 MB and begins with '{'; names are unique;
/// the tensors cover the data without holes or overlaps; type and shape multiply to the bytes.
/// </remarks>
internal sealed class Safetensors
{
    public const int MaximumHeaderLength = 100_000_000;
    public const string MetadataKey = "__metadata__";
    public const int PrefixLength = sizeof(ulong);

    private static readonly Dictionary<string, int> Sizes = new(StringComparer.Ordinal)
    {
        ["BOOL"] = 1,
        ["U8"] = 1,
        ["I8"] = 1,
        ["F8_E4M3"] = 1,
        ["F8_E5M2"] = 1,
        ["U16"] = 2,
        ["I16"] = 2,
        ["F16"] = 2,
        ["BF16"] = 2,
        ["U32"] = 4,
        ["I32"] = 4,
        ["F32"] = 4,
        ["U64"] = 8,
        ["I64"] = 8,
        ["F64"] = 8,
    };

    private Safetensors(Dictionary<string, string> metadata, ImmutableArray<SafetensorsTensor> tensors)
    {
        Metadata = metadata;
        Tensors = tensors;
    }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors in the order of their bytes.</summary>
    public ImmutableArray<SafetensorsTensor> Tensors { get; }

    /// <summary>The bytes of all tensors.</summary>
    public long DataLength => Tensors.IsEmpty ? 0 : Tensors[^1].End;

    /// <summary>Refuses a stream of known length that ends before the data does.</summary>
    public void RequireData(Stream stream)
    {
        if (stream.CanSeek && stream.Length - stream.Position < DataLength)
        {
            throw Truncated(
                $"its tensors have {DataLength} bytes, of which {stream.Length - stream.Position} are there"
            );
        }
    }

    /// <summary>Refuses a file that goes on after the data.</summary>
    public void RequireEnd(Stream stream)
    {
        if (stream.CanSeek && stream.Length - stream.Position > DataLength)
        {
            throw new InvalidDataException(
                $"The checkpoint is damaged or hostile: {stream.Length - stream.Position - DataLength} bytes follow its end."
            );
        }
    }

    /// <summary>Opens a file to read it from start to end.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static FileStream Open(string path)
    {
        try
        {
            return new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (UnauthorizedAccessException denied)
        {
            throw new IOException($"'{path}' cannot be read: {denied.Message}", denied);
        }
    }

    /// <summary>Reads the length and the JSON, as they are. Nothing is allocated for bytes that are not there.</summary>
    public static byte[] ReadHeaderBytes(Stream stream)
    {
        Span<byte> prefix = stackalloc byte[PrefixLength];
        if (stream.ReadAtLeast(prefix, PrefixLength, throwOnEndOfStream: false) < PrefixLength)
        {
            throw Truncated("it ends within the first 8 bytes");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaximumHeaderLength)
        {
            throw new InvalidDataException(
                $"This is no safetensors file, or it is damaged: its header claims {length} bytes; at most {MaximumHeaderLength} are read."
            );
        }

        if (stream.CanSeek && (long)length > stream.Length - stream.Position)
        {
            throw Truncated(
                $"its header claims {length} bytes, and {stream.Length - stream.Position} follow its length"
            );
        }

        // A stream of unknown length must deliver a header before memory is spent on it.
        using var header = new MemoryStream();
        header.Write(prefix);
        var chunk = new byte[Math.Min((int)length, 1 << 20)];
        for (var left = (int)length; left > 0; )
        {
            var read = stream.Read(chunk, 0, Math.Min(left, chunk.Length));
            if (read == 0)
            {
                throw Truncated($"it ends {left} bytes before the end of its header");
            }

            header.Write(chunk, 0, read);
            left -= read;
        }

        return header.ToArray();
    }

    /// <summary>Parses and validates what <see cref="ReadHeaderBytes"/> returned.</summary>
    public static Safetensors Parse(ReadOnlySpan<byte> header)
    {
        var json = header[PrefixLength..];
        if (json.IsEmpty || json[0] != '{' || !Utf8.IsValid(json))
        {
            throw new InvalidDataException(
                "This is no safetensors file, or it is damaged: its header is no JSON object in UTF-8."
            );
        }

        // Object, tensor, list: nothing in a header is deeper.
        var cursor = new JsonCursor(json, "the header", depth: 3);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var tensors = new List<SafetensorsTensor>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        cursor.StartObject();
        while (cursor.NextMember(names, out var name))
        {
            if (string.Equals(name, MetadataKey, StringComparison.Ordinal))
            {
                ReadMetadata(ref cursor, metadata);
            }
            else
            {
                tensors.Add(ReadTensor(ref cursor, name, keys));
            }
        }

        cursor.End();
        tensors.Sort(static (a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        var covered = 0L;
        foreach (var tensor in tensors)
        {
            if (tensor.Begin != covered)
            {
                throw new InvalidDataException(
                    $"The checkpoint is damaged or hostile: tensor '{tensor.Name}' begins at byte {tensor.Begin}, "
                        + $"but the tensors before it end at {covered}."
                );
            }

            covered = tensor.End;
        }

        return new(metadata, [.. tensors]);
    }

    private static void ReadMetadata(ref JsonCursor cursor, Dictionary<string, string> metadata)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        cursor.StartObject();
        while (cursor.NextMember(keys, out var key))
        {
            metadata.Add(key, cursor.Text());
        }
    }

    private static SafetensorsTensor ReadTensor(ref JsonCursor cursor, string name, HashSet<string> keys)
    {
        string? type = null;
        var shape = default(ImmutableArray<long>);
        var offsets = default(ImmutableArray<long>);
        keys.Clear();
        cursor.StartObject();
        while (cursor.NextMember(keys, out var key))
        {
            switch (key)
            {
                case "dtype":
                    type = cursor.Text();
                    break;
                case "shape":
                    shape = ReadIntegers(ref cursor);
                    break;
                case "data_offsets":
                    offsets = ReadIntegers(ref cursor);
                    break;
                default:
                    throw cursor.Bad($"has the unknown key '{key}' in tensor '{name}'");
            }
        }

        if (type is null || shape.IsDefault || offsets.IsDefault)
        {
            throw cursor.Bad($"lacks the type, the shape or the offsets of tensor '{name}'");
        }

        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0])
        {
            throw cursor.Bad($"has no valid offsets for tensor '{name}'");
        }

        if (!Sizes.TryGetValue(type, out var size))
        {
            throw cursor.Bad($"has the unknown type '{type}' for tensor '{name}'");
        }

        var bytes = (Int128)size;
        foreach (var extent in shape)
        {
            if (extent < 0 || bytes > long.MaxValue)
            {
                throw cursor.Bad($"has an impossible shape for tensor '{name}'");
            }

            bytes *= extent;
        }

        return bytes == offsets[1] - offsets[0]
            ? new(name, type, shape, offsets[0], offsets[1])
            : throw cursor.Bad(
                $"gives tensor '{name}' {offsets[1] - offsets[0]} bytes; {type} [{string.Join(", ", shape)}] has {bytes}"
            );
    }

    private static ImmutableArray<long> ReadIntegers(ref JsonCursor cursor)
    {
        var values = ImmutableArray.CreateBuilder<long>();
        cursor.StartArray();
        while (cursor.NextInteger(out var value))
        {
            values.Add(value);
        }

        return values.ToImmutable();
    }

    public static InvalidDataException Truncated(string how) => new($"The checkpoint is truncated: {how}.");
}
