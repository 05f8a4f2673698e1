using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace NativeRanger.Checkpoints;

/// <summary>The safetensors header of a checkpoint: the tensors, and the manifest and its checksum among the metadata.</summary>
/// <remarks>
/// In every version the header begins with its checksum, so that a damaged header is told from that of another version: the
/// CRC-32C of the header, its 8 bytes of length included, with the checksum's own digits as '0'.
/// </remarks>
/// <param name="Manifest">What is saved beside elements.</param>
/// <param name="Tensors">Where the elements are.</param>
/// <param name="Length">The bytes of the header, its length included.</param>
internal sealed record CheckpointHeader(Manifest Manifest, Safetensors Tensors, int Length)
{
    /// <summary>The version that is written, and the newest that is read.</summary>
    public const int Version = 1;

    private const string ChecksumKey = "crc32c";
    private const string VersionKey = "version";
    private const string ManifestKey = "manifest";
    private const string Zeros = "00000000";
    private const int LengthSize = sizeof(ulong);

    private static ReadOnlySpan<byte> BeforeChecksum => "{\"__metadata__\":{\"crc32c\":\""u8;

    /// <summary>The bytes of the header, its length first.</summary>
    /// <exception cref="InvalidOperationException">There are more parameters than a header can hold.</exception>
    public static byte[] Compose(Manifest manifest, int elementSize)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text, SafetensorsHeader.WriterOptions))
        {
            manifest.Write(json);
        }

        var bytes = SafetensorsHeader.Compose(
            [
                (ChecksumKey, Encoding.ASCII.GetBytes(Zeros)),
                ("format", "nativeranger"u8.ToArray()),
                (VersionKey, Encoding.ASCII.GetBytes(Version.ToString(CultureInfo.InvariantCulture))),
                (ManifestKey, text.WrittenMemory),
            ],
            manifest.Tensors.Select(tensor => new SafetensorsTensorShape(
                TensorNames.Of(tensor.Parameter.Name, tensor.Array),
                manifest.ElementType,
                elementSize,
                tensor.Parameter.StoredShape
            ))
        );
        var checksum = ManifestParameter.FormatChecksum(Crc32C.Of(bytes));
        Encoding.ASCII.GetBytes(checksum, bytes.AsSpan(LengthSize + BeforeChecksum.Length));
        return bytes;
    }

    /// <summary>Reads and validates a header; the stream is left at the first tensor.</summary>
    /// <exception cref="InvalidDataException">It is no checkpoint, or damaged.</exception>
    /// <exception cref="NotSupportedException">It is of a newer version.</exception>
    public static CheckpointHeader Read(Stream stream)
    {
        var bytes = Safetensors.ReadHeaderBytes(stream);
        VerifyChecksum(bytes);
        var tensors = Safetensors.Parse(bytes);
        if (
            !tensors.Metadata.TryGetValue(VersionKey, out var text)
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            || version < 1
        )
        {
            throw new InvalidDataException("The checkpoint is damaged or hostile: it has no version.");
        }

        if (version > Version)
        {
            throw new NotSupportedException(
                $"The checkpoint has format version {version}; this library reads versions up to {Version}. "
                    + "Use the version of NativeRanger that wrote it, or a newer one."
            );
        }

        if (!tensors.Metadata.TryGetValue(ManifestKey, out var manifest))
        {
            throw new InvalidDataException("The checkpoint is damaged or hostile: it has no manifest.");
        }

        var header = new CheckpointHeader(Manifest.Read(Encoding.UTF8.GetBytes(manifest)), tensors, bytes.Length);
        header.RequireConsistent();
        tensors.RequireData(stream);
        return header;
    }

    /// <summary>The manifest and the tensors say the same: names, the one type, shapes; every average is there.</summary>
    private void RequireConsistent()
    {
        var tensors = Tensors.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        foreach (var (parameter, array) in Manifest.Tensors)
        {
            var name = TensorNames.Of(parameter.Name, array);
            if (
                !tensors.Remove(name, out var tensor)
                || !string.Equals(tensor.Type, Manifest.ElementType, StringComparison.Ordinal)
                || !tensor.Shape.SequenceEqual(parameter.StoredShape)
            )
            {
                throw Inconsistent($"its manifest and its tensors disagree on '{name}'");
            }
        }

        if (tensors.Count > 0)
        {
            throw Inconsistent($"its manifest does not speak of tensor '{tensors.Keys.First()}'");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var parameter in Manifest.Groups.SelectMany(group => group.Parameters))
        {
            if (!names.Add(parameter.Name))
            {
                throw Inconsistent($"it has two parameters '{parameter.Name}'");
            }

            if (!parameter.Checksums.ContainsKey(TensorNames.Values))
            {
                throw Inconsistent($"it has no checksum of parameter '{parameter.Name}'");
            }

            for (var a = 0; a < Manifest.Averages.Count; a++)
            {
                if (!parameter.Checksums.ContainsKey(StateNames.Average(a)))
                {
                    throw Inconsistent($"it has no average {a} of parameter '{parameter.Name}'");
                }
            }
        }

        static InvalidDataException Inconsistent(string how) => new($"The checkpoint is damaged or hostile: {how}.");
    }

    private static void VerifyChecksum(ReadOnlySpan<byte> bytes)
    {
        var json = bytes[LengthSize..];
        if (!json.StartsWith(BeforeChecksum) || json.Length < BeforeChecksum.Length + Zeros.Length)
        {
            throw new InvalidDataException(
                "This is no checkpoint of NativeRanger, or the first bytes of its header are damaged: it does not begin with a checksum."
            );
        }

        var position = LengthSize + BeforeChecksum.Length;
        var crc = new Crc32C();
        crc.Append(bytes[..position]);
        crc.Append("00000000"u8);
        crc.Append(bytes[(position + Zeros.Length)..]);
        Span<byte> expected = stackalloc byte[Zeros.Length];
        Encoding.ASCII.GetBytes(ManifestParameter.FormatChecksum(crc.Value), expected);
        if (!bytes.Slice(position, Zeros.Length).SequenceEqual(expected))
        {
            throw new InvalidDataException(
                "The checkpoint is damaged: its header does not have the checksum that it states."
            );
        }
    }
}
