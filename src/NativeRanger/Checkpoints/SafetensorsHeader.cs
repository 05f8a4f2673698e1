using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace NativeRanger.Checkpoints;

/// <summary>What a header says of one tensor, but for its place.</summary>
internal readonly record struct SafetensorsTensorShape(
    string Name,
    string Type,
    int ElementSize,
    IReadOnlyList<long> Shape
);

/// <summary>Writes the header of a safetensors file, which <see cref="Safetensors"/> reads.</summary>
internal static class SafetensorsHeader
{
    /// <summary>The elements of a tensor can be used where they lie if the header's end is a multiple of this.</summary>
    private const int Alignment = 8;

    /// <summary>The default encoder would write the quotes of a manifest, a string, with six characters each.</summary>
    public static JsonWriterOptions WriterOptions { get; } =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = false };

    /// <summary>The bytes of the header, its length first. The tensors follow it in the order given.</summary>
    /// <exception cref="InvalidOperationException">There are more tensors than a header can hold.</exception>
    public static byte[] Compose(
        IEnumerable<(string Key, ReadOnlyMemory<byte> Value)> metadata,
        IEnumerable<SafetensorsTensorShape> tensors
    )
    {
        var header = new ArrayBufferWriter<byte>();
        header.Write(stackalloc byte[Safetensors.PrefixLength]);
        using (var json = new Utf8JsonWriter(header, WriterOptions))
        {
            json.WriteStartObject();
            json.WriteStartObject(Safetensors.MetadataKey);
            foreach (var (key, value) in metadata)
            {
                json.WriteString(key, value.Span);
            }

            json.WriteEndObject();
            var offset = 0L;
            foreach (var tensor in tensors)
            {
                Write(json, tensor, ref offset);
            }

            json.WriteEndObject();
        }

        header.Write("       "u8[..((Alignment - (header.WrittenCount % Alignment)) % Alignment)]);
        var length = header.WrittenCount - Safetensors.PrefixLength;
        if (length > Safetensors.MaximumHeaderLength)
        {
            throw new InvalidOperationException(
                $"The checkpoint would need a header of {length} bytes; a safetensors header has at most "
                    + $"{Safetensors.MaximumHeaderLength}. Join parameters, or save several steppers."
            );
        }

        var bytes = header.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
        return bytes;
    }

    private static void Write(Utf8JsonWriter json, in SafetensorsTensorShape tensor, ref long offset)
    {
        var bytes = (long)tensor.ElementSize;
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", tensor.Type);
        json.WriteStartArray("shape");
        foreach (var extent in tensor.Shape)
        {
            json.WriteNumberValue(extent);
            bytes = checked(bytes * extent);
        }

        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(offset = checked(offset + bytes));
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
