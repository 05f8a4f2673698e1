using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeRanger.Checkpoints;

/// <summary>A part of the elements of an array, in place.</summary>
internal delegate Span<T> Slicer<T>(long start, int length);

/// <summary>A snapshot of a stepper, ready to be written: the checksums are taken, the elements stay where they are.</summary>
internal sealed class CheckpointWriter<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Elements that are handled at a time: large enough for the disk, small enough to watch and to address.</summary>
    public const int SliceLength = 1 << 20;

    private readonly List<TensorSource> tensors = [];
    private readonly byte[] header;
    private readonly IProgress<CheckpointProgress>? progress;

    public CheckpointWriter(Stepper<T> stepper, SaveOptions options)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("Checkpoints are little-endian, and so must the processor be.");
        }

        progress = options.Progress;
        header = CheckpointHeader.Compose(Describe(stepper, options.IncludeParameters), Unsafe.SizeOf<T>());
        Length = header.Length + tensors.Sum(tensor => tensor.Length * Unsafe.SizeOf<T>());
    }

    private sealed record TensorSource(string Name, long Length, Slicer<T> Slice, uint Checksum);

    /// <summary>The bytes of the checkpoint.</summary>
    public long Length { get; }

    /// <summary>Writes the checkpoint; the stream need not be able to seek.</summary>
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

    private Manifest Describe(Stepper<T> stepper, bool includeParameters)
    {
        var arrays = stepper.StateArrays.ToLookup(array => array.Parameter);
        var counters = stepper.StateCounters.ToLookup(counter => counter.Owner);
        var groups = new List<ManifestGroup>();
        var index = 0;
        foreach (var group in stepper.Groups)
        {
            var parameters = new List<ManifestParameter>();
            foreach (var parameter in group.Parameters)
            {
                parameters.Add(Describe(parameter, arrays[index], counters[index], includeParameters));
                index++;
            }

            groups.Add(
                new()
                {
                    Bound = RecipeText.Of(group.BoundOptimizer),
                    Current = RecipeText.Of(group.Optimizer),
                    Counters = Values(counters[-1 - groups.Count]),
                    Parameters = parameters,
                }
            );
        }

        return new()
        {
            ElementType = Manifest.TypeOf<T>(),
            StepCount = stepper.StepCount,
            SkippedSteps = stepper.SkippedSteps,
            IncludesParameters = includeParameters,
            Optimizer = RecipeText.Of(stepper.Optimizer),
            Averages = [.. stepper.Averages.Select(average => average.Average)],
            Groups = groups,
        };
    }

    private ManifestParameter Describe(
        Parameter<T> parameter,
        IEnumerable<StateArray<T>> arrays,
        IEnumerable<StateCounter> counters,
        bool includeParameters
    )
    {
        var name = TensorNames.Escape(parameter.Name);
        var checksums = new Dictionary<string, uint>(StringComparer.Ordinal);
        checksums.Add(TensorNames.Values, Checksum(parameter.Slice, parameter.Length));
        if (includeParameters)
        {
            Add(TensorNames.Values, parameter.Length, parameter.Slice);
        }

        foreach (var array in arrays)
        {
            checksums.Add(array.Name, Checksum(array.Slice, array.Length));
            Add(array.Name, array.Length, array.Slice);
        }

        return new()
        {
            Name = name,
            Shape = parameter.Shape,
            ColumnMajor = parameter.StorageOrder == StorageOrder.ColumnMajor,
            OutputDimension = parameter.OutputDimension,
            Counters = Values(counters),
            Checksums = checksums,
        };

        void Add(string array, long length, Slicer<T> slice) =>
            tensors.Add(new(TensorNames.Of(name, array), length, slice, checksums[array]));
    }

    private static Dictionary<string, long> Values(IEnumerable<StateCounter> counters) =>
        counters.ToDictionary(counter => counter.Name, counter => counter.Value, StringComparer.Ordinal);
}
