using System.Numerics;
using System.Runtime.InteropServices;

namespace NativeRanger.Checkpoints;

/// <summary>Where the elements of an array go that are read from a checkpoint.</summary>
/// <param name="Slice">The memory.</param>
/// <param name="Range">The elements that it holds, which may be all.</param>
/// <param name="Layout">The rows of the parameter.</param>
internal sealed record ArrayTarget<T>(Slicer<T> Slice, ArrayRange Range, RowLayout Layout)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Whether elements of a part belong here; where they are counted differently, whether they may.</summary>
    public bool Needs(ArrayRange part) =>
        part.Length > 0
        && Range.Length > 0
        && (part.ByRows != Range.ByRows || (part.Start < Range.End && Range.Start < part.End));

    /// <summary>Reads a part and verifies its checksum.</summary>
    /// <param name="source">The stream, at the first element of the part.</param>
    /// <param name="part">The part.</param>
    /// <param name="buffer">Memory to read into.</param>
    /// <param name="report">Is told how many bytes have been read, now and then.</param>
    /// <exception cref="InvalidDataException">The part is truncated or damaged.</exception>
    public void Read(Stream source, ShardPart part, T[] buffer, Action<long> report)
    {
        var crc = new Crc32C();
        for (var start = part.Range.Start; start < part.Range.End; start += buffer.Length)
        {
            var elements = buffer.AsSpan(0, (int)Math.Min(buffer.Length, part.Range.End - start));
            var bytes = MemoryMarshal.AsBytes(elements);
            if (source.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            {
                throw Safetensors.Truncated($"it ends within '{part.Name}'");
            }

            crc.Append(bytes);
            Place(elements, new(start, elements.Length, part.Range.ByRows));
            report(bytes.Length);
        }

        if (crc.Value != part.Checksum)
        {
            throw new InvalidDataException(
                $"The checkpoint is damaged: '{part.Name}' has the CRC-32C {ManifestParameter.FormatChecksum(crc.Value)}; "
                    + $"it was saved with {ManifestParameter.FormatChecksum(part.Checksum)}."
            );
        }
    }

    private void Place(ReadOnlySpan<T> elements, ArrayRange range)
    {
        if (range.ByRows == Range.ByRows)
        {
            var start = Math.Max(range.Start, Range.Start);
            var length = (int)Math.Max(0, Math.Min(range.End, Range.End) - start);
            if (length > 0)
            {
                elements.Slice((int)(start - range.Start), length).CopyTo(Slice(start - Range.Start, length));
            }

            return;
        }

        for (var i = 0; i < elements.Length; i++)
        {
            var place = range.ByRows ? Layout.StorageIndex(range.Start + i) : Layout.RowIndex(range.Start + i);
            if (place >= Range.Start && place < Range.End)
            {
                Slice(place - Range.Start, 1)[0] = elements[i];
            }
        }
    }
}
