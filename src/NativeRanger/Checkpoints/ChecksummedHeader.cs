using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace NativeRanger.Checkpoints;

/// <summary>The safetensors header of a file of a checkpoint: tensors, and among the metadata what the file says of itself.</summary>
/// <remarks>
/// In every version the header begins with its checksum, so that a damaged header is told from that of another version: the
/// CRC-32C of the header, its 8 bytes of length included, with the checksum's own digits as '0'.
/// </remarks>
/// <param name="Manifest">The JSON text among the metadata.</param>
/// <param name="Tensors">Where the elements are.</param>
/// <param name="Length">The bytes of the header, its length included.</param>
/// <param name="Checksum">The checksum of the header.</param>
internal sealed record ChecksummedHeader(byte[] Manifest, Safetensors Tensors, int Length, uint Checksum)
{
    /// <summary>The version that is written, and the newest that is read.</summary>
    public const int Version = 1;

    private const string ChecksumKey = "crc32c";
    private const string FormatKey = "format";
    private const string VersionKey = "version";
    private const string ManifestKey = "manifest";
    private const string Zeros = "00000000";

    private static ReadOnlySpan<byte> BeforeChecksum => "{\"__metadata__\":{\"crc32c\":\""u8;

    /// <summary>The bytes of a header, its length first.</summary>
    /// <param name="format">What the file is.</param>
    /// <param name="manifest">Writes the manifest.</param>
    /// <param name="tensors">The tensors, in the order of the file.</param>
    /// <exception cref="InvalidOperationException">There are more tensors than a header can hold.</exception>
    public static byte[] Compose(
        string format,
        Action<Utf8JsonWriter> manifest,
        IEnumerable<SafetensorsTensorShape> tensors
    )
    {
        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text, SafetensorsHeader.WriterOptions))
        {
            manifest(json);
        }

        var bytes = SafetensorsHeader.Compose(
            [
                (ChecksumKey, Encoding.ASCII.GetBytes(Zeros)),
                (FormatKey, Encoding.ASCII.GetBytes(format)),
                (VersionKey, Encoding.ASCII.GetBytes(Version.ToString(CultureInfo.InvariantCulture))),
                (ManifestKey, text.WrittenMemory),
            ],
            tensors
        );
        Encoding.ASCII.GetBytes(
            ManifestParameter.FormatChecksum(ChecksumOf(bytes)),
            bytes.AsSpan(Safetensors.PrefixLength + BeforeChecksum.Length)
        );
        return bytes;
    }

    /// <summary>Reads and validates a header; the stream is left at the first tensor.</summary>
    /// <exception cref="InvalidDataException">It is no checkpoint, or damaged.</exception>
    /// <exception cref="NotSupportedException">It is of a newer version.</exception>
    public static ChecksummedHeader Read(Stream stream)
    {
        var bytes = Safetensors.ReadHeaderBytes(stream);
        var checksum = VerifiedChecksum(bytes);
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

        return tensors.Metadata.TryGetValue(ManifestKey, out var manifest)
            ? new(Encoding.UTF8.GetBytes(manifest), tensors, bytes.Length, checksum)
            : throw new InvalidDataException("The checkpoint is damaged or hostile: it has no manifest.");
    }

    /// <summary>What the file says that it is.</summary>
    public string? Format => Tensors.Metadata.GetValueOrDefault(FormatKey);

    /// <summary>The checksum of a header's bytes, whatever its own digits are.</summary>
    public static uint ChecksumOf(ReadOnlySpan<byte> bytes)
    {
        var position = Safetensors.PrefixLength + BeforeChecksum.Length;
        var crc = new Crc32C();
        crc.Append(bytes[..position]);
        crc.Append("00000000"u8);
        crc.Append(bytes[(position + Zeros.Length)..]);
        return crc.Value;
    }

    private static uint VerifiedChecksum(ReadOnlySpan<byte> bytes)
    {
        var json = bytes[Safetensors.PrefixLength..];
        if (!json.StartsWith(BeforeChecksum) || json.Length < BeforeChecksum.Length + Zeros.Length)
        {
            throw new InvalidDataException(
                "This is no checkpoint of NativeRanger, or the first bytes of its header are damaged: it does not begin with a checksum."
            );
        }

        var checksum = ChecksumOf(bytes);
        Span<byte> expected = stackalloc byte[Zeros.Length];
        Encoding.ASCII.GetBytes(ManifestParameter.FormatChecksum(checksum), expected);
        return bytes.Slice(Safetensors.PrefixLength + BeforeChecksum.Length, Zeros.Length).SequenceEqual(expected)
            ? checksum
            : throw new InvalidDataException(
                "The checkpoint is damaged: its header does not have the checksum that it states."
            );
    }
}
