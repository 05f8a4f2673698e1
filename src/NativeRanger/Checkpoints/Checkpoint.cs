using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.CompilerServices;
using NativeRanger.Checkpoints;

namespace NativeRanger;

/// <summary>A checkpoint on disk, to be looked at, verified or brought into one file without binding anything.</summary>
public sealed class Checkpoint
{
    private readonly CheckpointHeader header;

    private Checkpoint(string path, CheckpointHeader header)
    {
        Path = path;
        this.header = header;
        Parameters =
        [
            .. header
                .Manifest.Groups.SelectMany((group, g) => group.Parameters.Select(p => (p, g)))
                .Select(pair => new CheckpointParameter(
                    pair.p.Name,
                    pair.p.Shape,
                    pair.g,
                    [.. pair.p.Checksums.Keys.Where(IsSaved)]
                )),
        ];
    }

    /// <summary>The file, or where there are shards the file that names them.</summary>
    public string Path { get; }

    /// <summary>The completed steps of the run.</summary>
    public long StepCount => header.Manifest.StepCount;

    /// <summary>The steps of the run that were skipped for gradients that were not finite.</summary>
    public long SkippedSteps => header.Manifest.SkippedSteps;

    /// <summary>The safetensors type of all arrays: F32 or F64.</summary>
    public string ElementType => header.Manifest.ElementType;

    /// <summary>The recipe that was bound, and its wrappers, from the outermost.</summary>
    public string Optimizer => header.Manifest.Optimizer.Describe();

    /// <summary>Whether the values of the parameters are there, and not only their checksums.</summary>
    public bool IncludesParameters => header.Manifest.IncludesParameters;

    /// <summary>The parameters, in bind order.</summary>
    public IReadOnlyList<CheckpointParameter> Parameters { get; }

    /// <summary>The names of the files beside <see cref="Path"/> that hold the arrays, one for each rank; none where it does.</summary>
    public IReadOnlyList<string> Shards => [.. (header.Manifest.Shards ?? []).Select(shard => shard.File)];

    /// <summary>Opens a checkpoint and reads its header, but no array and no shard.</summary>
    /// <param name="path">The file that <see cref="Stepper{T}.Save(string, SaveOptions?)"/> wrote.</param>
    /// <exception cref="InvalidDataException">The file is no checkpoint, or truncated, damaged or hostile.</exception>
    /// <exception cref="NotSupportedException">The file is of a newer version.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Checkpoint Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = Safetensors.Open(path);
        var read = CheckpointHeader.Read(file);
        read.Tensors.RequireEnd(file);
        return new(path, read);
    }

    /// <summary>Reads every array, from all shards, and compares its checksums.</summary>
    /// <exception cref="InvalidDataException">An array or a shard is truncated, damaged, or of another save.</exception>
    /// <exception cref="IOException">A file cannot be read, or a shard is missing.</exception>
    public void Verify()
    {
        if (IsSingle)
        {
            using var files = new ArrayFiles<float>(Path, header);
            files.VerifyAll();
        }
        else
        {
            using var files = new ArrayFiles<double>(Path, header);
            files.VerifyAll();
        }
    }

    /// <summary>
    /// Writes all arrays into one file, as one process would have saved them. One array at a time is in memory.
    /// </summary>
    /// <param name="target">The file; replaced as a whole. It may not be the checkpoint itself or a shard of it.</param>
    /// <exception cref="InvalidDataException">An array or a shard is truncated, damaged, or of another save.</exception>
    /// <exception cref="IOException">A file cannot be read or written, or a shard is missing.</exception>
    public void Merge(string target)
    {
        ArgumentException.ThrowIfNullOrEmpty(target);
        var directory = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        if (
            Shards
                .Select(shard => System.IO.Path.Combine(directory, shard))
                .Append(System.IO.Path.GetFullPath(Path))
                .Contains(System.IO.Path.GetFullPath(target), StringComparer.Ordinal)
        )
        {
            throw new ArgumentException(
                $"'{target}' is the checkpoint itself, or one of its shards; name another file.",
                nameof(target)
            );
        }

        if (IsSingle)
        {
            using var files = new ArrayFiles<float>(Path, header);
            files.Merge(target);
        }
        else
        {
            using var files = new ArrayFiles<double>(Path, header);
            files.Merge(target);
        }
    }

    private bool IsSingle => string.Equals(ElementType, Manifest.TypeOf<float>(), StringComparison.Ordinal);

    private bool IsSaved(string array) =>
        IncludesParameters || !string.Equals(array, TensorNames.Values, StringComparison.Ordinal);
}

/// <summary>A parameter in a checkpoint.</summary>
/// <param name="Name">Its name; '%' and '/' in it as %25 and %2F.</param>
/// <param name="Shape">Its extents.</param>
/// <param name="Group">The number of its group.</param>
/// <param name="Arrays">What was saved of it: "values", and names from <see cref="StateNames"/>.</param>
public sealed record CheckpointParameter(
    string Name,
    ImmutableArray<long> Shape,
    int Group,
    IReadOnlyList<string> Arrays
);

/// <summary>The arrays of a checkpoint, whichever files they are in.</summary>
internal sealed class ArrayFiles<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CheckpointHeader header;
    private readonly ShardSet? shards;
    private readonly FileStream? file;
    private readonly Dictionary<string, long> begins;

    private T[] buffer = [];

    public ArrayFiles(string path, CheckpointHeader header)
    {
        this.header = header;
        begins = header.Tensors.Tensors.ToDictionary(
            tensor => tensor.Name,
            tensor => tensor.Begin,
            StringComparer.Ordinal
        );
        if (header.Manifest.Shards is null)
        {
            file = Safetensors.Open(path);
        }
        else
        {
            shards = new(path, header.Manifest, Unsafe.SizeOf<T>());
        }
    }

    public void Dispose() => file?.Dispose();

    public void VerifyAll()
    {
        foreach (var (parameter, array) in header.Manifest.Arrays)
        {
            Read(parameter, array).Dispose();
        }
    }

    public void Merge(string target)
    {
        var checksums = header.Manifest.Arrays.ToDictionary(pair => pair, pair => Checksum(pair.Parameter, pair.Array));
        var manifest = header.Manifest.InOneFile((parameter, array) => checksums[(parameter, array)]);
        NativeStateArray<T>? current = null;
        var tensors = manifest
            .Arrays.Zip(header.Manifest.Arrays)
            .Select(pair => new TensorSource<T>(
                TensorNames.Of(pair.First.Parameter.Name, pair.First.Array),
                pair.First.Parameter.Length,
                (start, length) =>
                {
                    if (start == 0)
                    {
                        current?.Dispose();
                        current = Read(pair.Second.Parameter, pair.Second.Array);
                    }

                    return current!.Slice(start, length);
                },
                pair.First.Parameter.Checksums[pair.First.Array]!.Value
            ))
            .ToArray();
        try
        {
            var composed = CheckpointHeader.Compose(manifest, Unsafe.SizeOf<T>());
            var writer = new CheckpointWriter<T>(composed, tensors, progress: null);
            DurableFile.Write(target, writer.Length, writer.WriteTo);
        }
        finally
        {
            current?.Dispose();
        }
    }

    private uint Checksum(ManifestParameter parameter, string array)
    {
        using var values = Read(parameter, array);
        return CheckpointWriter<T>.Checksum(values.Slice, values.Length);
    }

    private NativeStateArray<T> Read(ManifestParameter parameter, string array)
    {
        var values = new NativeStateArray<T>(0, array, parameter.Length);
        try
        {
            var order = parameter.ColumnMajor ? StorageOrder.ColumnMajor : StorageOrder.RowMajor;
            var layout = RowLayout.Of(parameter.Shape.AsSpan(), order, (int)parameter.OutputDimension);
            var target = new ArrayTarget<T>(values.Slice, new(0, values.Length, ByRows: false), layout);
            var slice = (int)Math.Min(values.Length, CheckpointWriter<T>.SliceLength);
            buffer = buffer.Length < slice ? new T[slice] : buffer;
            foreach (var (stream, part) in Parts(parameter, array))
            {
                target.Read(stream, part, buffer, static _ => { });
            }

            return values;
        }
        catch
        {
            values.Dispose();
            throw;
        }
    }

    private IEnumerable<StoredPart> Parts(ManifestParameter parameter, string array)
    {
        var name = TensorNames.Of(parameter.Name, array);
        if (shards is not null)
        {
            return shards.PartsOf(name);
        }

        file!.Position = header.Length + begins[name];
        var whole = new ArrayRange(0, parameter.Length, ByRows: false);
        return [new(file, new(parameter.Name, array, whole, parameter.Checksums[array]!.Value))];
    }
}
