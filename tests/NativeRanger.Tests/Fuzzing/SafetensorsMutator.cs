using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRanger.Checkpoints;

namespace NativeRanger.Tests.Fuzzing;

/// <summary>Changes sound files, as bytes and by the grammar of safetensors, and makes headers from nothing.</summary>
internal sealed class SafetensorsMutator(int seed)
{
    private const int LengthSize = sizeof(ulong);
    private const string Checksum = "\"crc32c\":\"";

    private static readonly string[] Values =
    [
        "0",
        "1",
        "-1",
        "2",
        "3",
        "6",
        "7",
        "24",
        "8",
        "1e3",
        "1.5",
        "1e-400",
        "1e400",
        "-0",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "18446744073709551615",
        "99999999999999999999",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "[[[[[[[[]]]]]]]]",
        "[2,3]",
        "[0,0]",
        "[-1,8]",
        "[4294967296,4294967296]",
        "[0,24]",
        "[0,9223372036854775807]",
        "\"\"",
        "\"F32\"",
        "\"F64\"",
        "\"BF16\"",
        "\"U8\"",
        "\"NaN\"",
        "\"Infinity\"",
        "\"-1\"",
        "\"b\"",
        "\"\\ud800\"",
        "\"b/first_moment\"",
        "\"__metadata__\"",
        "\"row_major\"",
        "\"column_major\"",
        "\"ffffffff\"",
        "\"ranger\"",
        "\"sgd\"",
    ];

    private static readonly JsonSerializerOptions Relaxed = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Random random = new(seed);

    /// <summary>The next input.</summary>
    /// <param name="sound">A sound file.</param>
    /// <param name="other">Another one, of which parts may be taken.</param>
    public byte[] Next(byte[] sound, byte[] other) =>
        random.Next(8) switch
        {
            0 => Bytes(sound, other),
            1 => Repaired(Bytes(sound, other)),
            2 or 3 => Repaired(Text(sound)),
            4 => Grammar(sound),
            _ => Repaired(Structure(sound)),
        };

    /// <summary>Flips, overwrites, inserts, removes, repeats and splices bytes.</summary>
    private byte[] Bytes(byte[] sound, byte[] other)
    {
        var bytes = sound.ToList();
        for (var change = random.Next(4); change >= 0; change--)
        {
            var at = random.Next(bytes.Count + 1);
            var length = Math.Min(random.Next(1, 17), bytes.Count - at);
            switch (random.Next(7))
            {
                case 0 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 3:
                    bytes.RemoveRange(at, length);
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                case 5:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    bytes.RemoveRange(at, length);
                    bytes.InsertRange(at, other.Skip(random.Next(other.Length)).Take(length));
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>Replaces a value of the header, wherever it is, by another that may stand there or may not.</summary>
    private byte[] Text(byte[] sound)
    {
        var (text, data) = Split(sound);
        for (var change = random.Next(3); change >= 0; change--)
        {
            // Inside the manifest, a string, quotes are escaped.
            var starts = Enumerable
                .Range(0, text.Length)
                .Where(i => text[i] is ':' or ',' or '[' && i + 1 < text.Length)
                .ToArray();
            if (starts.Length == 0)
            {
                break;
            }

            var start = starts[random.Next(starts.Length)] + 1;
            var end = text.AsSpan(start).IndexOfAny(",]}") is var length and >= 0 ? start + length : text.Length;
            var value = Values[random.Next(Values.Length)];
            if (text[start] is '\\')
            {
                value = value.Replace("\"", "\\\"", StringComparison.Ordinal);
            }

            text = text[..start] + value + text[end..];
        }

        return Join(text, data);
    }

    /// <summary>Removes, repeats, renames, exchanges and replaces members, in the header or in the manifest in it.</summary>
    private byte[] Structure(byte[] sound)
    {
        var (text, data) = Split(sound);
        var header = JsonNode.Parse(text)!;
        var metadata = header[Safetensors.MetadataKey]!.AsObject();
        if (metadata["manifest"] is { } manifest && random.Next(3) > 0)
        {
            var inner = JsonNode.Parse((string)manifest!)!;
            Change(inner);
            metadata["manifest"] = inner.ToJsonString(Relaxed);
        }
        else
        {
            Change(header);
        }

        return Join(header.ToJsonString(Relaxed), data);
    }

    private void Change(JsonNode root)
    {
        for (var change = random.Next(3); change >= 0; change--)
        {
            var nodes = Inside(root).ToArray();
            var node = nodes[random.Next(nodes.Length)];
            if (node is JsonObject { Count: > 0 } members)
            {
                var key = members.ElementAt(random.Next(members.Count)).Key;
                var value = members[key];
                switch (random.Next(4))
                {
                    case 0:
                        members.Remove(key);
                        break;
                    case 1:
                        members[key + random.Next(3)] = value?.DeepClone();
                        break;
                    case 2:
                        members[key] = nodes[random.Next(nodes.Length)].DeepClone();
                        break;
                    default:
                        members[key] = Value();
                        break;
                }
            }
            else if (node is JsonArray items)
            {
                if (items.Count > 0 && random.Next(2) == 0)
                {
                    items.RemoveAt(random.Next(items.Count));
                }
                else
                {
                    items.Insert(random.Next(items.Count + 1), items.Count > 0 ? items[0]?.DeepClone() : Value());
                }
            }
        }
    }

    private JsonNode? Value()
    {
        try
        {
            var value = Values[random.Next(Values.Length)];

            // Half a surrogate pair cannot be written again.
            return value.Contains("ud800", StringComparison.Ordinal) ? null : JsonNode.Parse(value);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static IEnumerable<JsonNode> Inside(JsonNode node)
    {
        yield return node;
        var children = node switch
        {
            JsonObject members => members.Select(member => member.Value),
            JsonArray items => items,
            _ => [],
        };
        foreach (var child in children.OfType<JsonNode>().SelectMany(Inside))
        {
            yield return child;
        }
    }

    /// <summary>A header of the right form, with tensors that overlap, are missing, have holes or are sound.</summary>
    private byte[] Grammar(byte[] sound)
    {
        var (text, data) = Split(sound);
        var source = JsonNode.Parse(text)!.AsObject();
        var header = new StringBuilder("{");
        var metadata = source[Safetensors.MetadataKey]!.ToJsonString(Relaxed);
        header.Append("\"__metadata__\":").Append(metadata);
        var end = 0L;
        for (var tensor = random.Next(8); tensor > 0; tensor--)
        {
            var names = source.Select(member => member.Key).Append("x").ToArray();
            var shape = Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(5)).ToArray();
            var (type, size) = new[] { ("F32", 4), ("F64", 8), ("U8", 1), ("F16", 2) }[random.Next(4)];
            var begin = random.Next(5) > 0 ? end : random.Next(100);
            end = begin + (shape.Aggregate(1L, (a, b) => a * b) * size) + (random.Next(5) > 0 ? 0 : random.Next(9));
            header.Append(
                $",{JsonSerializer.Serialize(names[random.Next(names.Length)])}:{{\"dtype\":\"{type}\",\"shape\":[{string.Join(',', shape)}],\"data_offsets\":[{begin},{end}]}}"
            );
        }

        header.Append('}').Append(' ', random.Next(9));
        return Repaired(Join(header.ToString(), data));
    }

    /// <summary>The header's length and checksum made right, so that the reader looks further.</summary>
    public static byte[] Repaired(byte[] file)
    {
        if (file.Length < LengthSize)
        {
            return file;
        }

        var stated = BinaryPrimitives.ReadUInt64LittleEndian(file);
        var length = (int)Math.Min(stated, (ulong)(file.Length - LengthSize));
        BinaryPrimitives.WriteInt64LittleEndian(file, length);
        var header = file.AsSpan(0, LengthSize + length);
        var at = header.IndexOf(Encoding.ASCII.GetBytes(Checksum));
        if (at < 0 || at + Checksum.Length + 8 > header.Length)
        {
            return file;
        }

        var digits = header.Slice(at + Checksum.Length, 8);
        "00000000"u8.CopyTo(digits);
        Encoding.ASCII.GetBytes(ManifestParameter.FormatChecksum(Crc32C.Of(header)), digits);
        return file;
    }

    private static (string Header, byte[] Data) Split(byte[] file)
    {
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        return (Encoding.UTF8.GetString(file, LengthSize, length), file[(LengthSize + length)..]);
    }

    private static byte[] Join(string header, byte[] data)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var length = new byte[LengthSize];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        return [.. length, .. text, .. data];
    }
}
