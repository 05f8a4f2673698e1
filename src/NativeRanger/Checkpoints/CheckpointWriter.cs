using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeRanger.Checkpoints;

/// <summary>A part of the elements of an array, in place.</summary>
internal delegate Span<T> Slicer<T>(long start, int length);

/// <summary>An array, or a part of one, that is to be written.</summary>
internal sealed record TensorSource<T>(string Name, long Length, Slicer<T> Slice, uint Checksum);

/// <summary>A file of a checkpoint, ready to be written: the checksums are taken, the elements stay where they are.</summary>
internal sealed class CheckpointWriter<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Elements that are handled at a time: large enough for the disk, small enough to watch and to address.</summary>
    public const int SliceLength = 1 << 20;

    private readonly IReadOnlyList<TensorSource<T>> tensors;
    private readonly byte[] header;
    private readonly IProgress<CheckpointProgress>? progress;

    /// <summary>A file.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="tensors">Its elements, in the order of the header.</param>
    /// <param name="progress">Who is told how far it is.</param>
    public CheckpointWriter(
        byte[] header,
        IReadOnlyList<TensorSource<T>> tensors,
        IProgress<CheckpointProgress>? progress
    )
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("Checkpoints are little-endian, and so must the processor be.");
        }

        this.header = header;
        this.tensors = tensors;
        this.progress = progress;
        Length = header.Length + tensors.Sum(tensor => tensor.Length * Unsafe.SizeOf<T>());
    }

    /// <summary>The bytes of the file.</summary>
    public long Length { get; }

    /// <summary>Everything in one file.</summary>
    public static CheckpointWriter<T> Whole(Stepper<T> stepper, SaveOptions options)
    {
        var snapshot = new StepperSnapshot<T>(stepper, options.IncludeParameters, shards: null);
        return new(CheckpointHeader.Compose(snapshot.Manifest, Unsafe.SizeOf<T>()), snapshot.Tensors, options.Progress);
    }

    /// <summary>Writes the file; the stream need not be able to seek.</summary>
    /// <exception cref="InvalidOperationException">An array has changed since the checksums were taken.</exception>
    public void WriteTo(Stream stream)
    {
        stream.Write(header);
        var done = (long)header.Length;
        progress?.Report(new(done, Length));
        foreach (var tensor in tensors)
        {
            var crc = new Crc32C();
            for (var start = 0L; start < tensor.Length; start += SliceLength)
            {
                var bytes = Bytes(tensor.Slice, start, tensor.Length);
                crc.Append(bytes);
                stream.Write(bytes);
                done += bytes.Length;
                progress?.Report(new(done, Length));
            }

            if (crc.Value != tensor.Checksum)
            {
                throw new InvalidOperationException(
                    $"'{tensor.Name}' changed while it was being saved; keep parameters still until saving has returned."
                );
            }
        }
    }

    public static uint Checksum(Slicer<T> slice, long length)
    {
        var crc = new Crc32C();
        for (var start = 0L; start < length; start += SliceLength)
        {
            crc.Append(Bytes(slice, start, length));
        }

        return crc.Value;
    }

    private static Span<byte> Bytes(Slicer<T> slice, long start, long length) =>
        MemoryMarshal.AsBytes(slice(start, (int)Math.Min(SliceLength, length - start)));
}
