using System.Runtime.InteropServices;

namespace NativeRanger.Checkpoints;

/// <summary>A part of an array where a file holds it; the stream is at its first element when it is handed out.</summary>
internal readonly record struct StoredPart(Stream Stream, ShardPart Part);

/// <summary>The shards of a checkpoint, all there, all of the same save, and together everything that its manifest names.</summary>
internal sealed class ShardSet
{
    /// <summary>A part and where it begins in its file.</summary>
    private readonly record struct PlacedPart(ShardPart Part, long Position);

    private readonly List<(string Path, List<PlacedPart> Parts)> shards = [];
    private readonly Dictionary<string, List<(string Path, PlacedPart Placed)>> partsOf = new(StringComparer.Ordinal);
    private readonly int elementSize;

    /// <summary>Looks at every shard.</summary>
    /// <param name="path">The path of the manifest.</param>
    /// <param name="manifest">The manifest, which names shards.</param>
    /// <param name="elementSize">The bytes of an element.</param>
    /// <exception cref="FileNotFoundException">A shard is missing.</exception>
    /// <exception cref="InvalidDataException">A shard is of another save, or damaged.</exception>
    public ShardSet(string path, Manifest manifest, int elementSize)
    {
        this.elementSize = elementSize;
        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        for (var number = 0; number < manifest.Shards!.Count; number++)
        {
            Add(path, Path.Combine(directory, manifest.Shards[number].File), manifest, number);
        }

        RequireComplete(manifest);
    }

    /// <summary>The bytes of the parts that are wanted.</summary>
    public long BytesOf(Func<ShardPart, bool> wanted) =>
        shards.Sum(shard =>
            shard.Parts.Where(placed => wanted(placed.Part)).Sum(placed => placed.Part.Range.Length * elementSize)
        );

    /// <summary>The parts that are wanted, one after the other; each must be read before the next is asked for.</summary>
    public IEnumerable<StoredPart> Parts(Func<ShardPart, bool> wanted)
    {
        foreach (var (path, parts) in shards)
        {
            using var stream = Safetensors.Open(path);
            foreach (var (part, position) in parts.Where(placed => wanted(placed.Part)))
            {
                stream.Position = position;
                yield return new(stream, part);
            }
        }
    }

    /// <summary>The parts of one array; each must be read before the next is asked for.</summary>
    public IEnumerable<StoredPart> PartsOf(string name)
    {
        foreach (var (path, (part, position)) in partsOf.GetValueOrDefault(name, []))
        {
            using var stream = Safetensors.Open(path);
            stream.Position = position;
            yield return new(stream, part);
        }
    }

    private void Add(string checkpoint, string path, Manifest manifest, int number)
    {
        var file = Path.GetFileName(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException(
                $"The checkpoint '{checkpoint}' has {manifest.Shards!.Count} shards, of which number {number}, '{file}', is missing "
                    + "beside it.",
                path
            );
        }

        using var stream = Safetensors.Open(path);
        ShardHeader header;
        try
        {
            header = ShardHeader.Read(stream);
        }
        catch (InvalidDataException damaged)
        {
            throw new InvalidDataException($"The shard '{file}' of '{checkpoint}': {damaged.Message}", damaged);
        }

        var listed = manifest.Shards![number].Checksum;
        if (header.Checksum != listed || header.Number != number || header.Count != manifest.Shards.Count)
        {
            throw new InvalidDataException(
                $"The shard '{file}' is not the one that belongs to '{checkpoint}' but of another run or save: its header has the "
                    + $"CRC-32C {ManifestParameter.FormatChecksum(header.Checksum)}; the checkpoint names "
                    + $"{ManifestParameter.FormatChecksum(listed)}."
            );
        }

        if (!string.Equals(header.ElementType, manifest.ElementType, StringComparison.Ordinal))
        {
            throw Inconsistent($"the shard '{file}' has another element type");
        }

        var parts = new List<PlacedPart>(header.Parts.Count);
        var position = stream.Position;
        foreach (var part in header.Parts)
        {
            parts.Add(new(part, position));
            position += part.Range.Length * elementSize;
            (CollectionsMarshal.GetValueRefOrAddDefault(partsOf, part.Name, out _) ??= []).Add((path, parts[^1]));
        }

        shards.Add((path, parts));
    }

    /// <summary>The parts of every array lie end to end.</summary>
    private void RequireComplete(Manifest manifest)
    {
        var unnamed = partsOf.Keys.ToHashSet(StringComparer.Ordinal);
        foreach (var (parameter, array) in manifest.Arrays)
        {
            var name = TensorNames.Of(parameter.Name, array);
            var end = 0L;
            if (unnamed.Remove(name))
            {
                var ranges = partsOf[name]
                    .Select(found => found.Placed.Part.Range)
                    .OrderBy(range => range.Start)
                    .ToArray();
                foreach (var range in ranges)
                {
                    if (range.Start != end || range.ByRows != ranges[0].ByRows)
                    {
                        throw Inconsistent($"the parts of '{name}' do not lie end to end at element {end}");
                    }

                    end = range.End;
                }
            }

            if (end != parameter.Length)
            {
                throw Inconsistent($"the parts of '{name}' have {end} elements of {parameter.Length}");
            }
        }

        if (unnamed.Count > 0)
        {
            throw Inconsistent($"its manifest does not speak of '{unnamed.First()}'");
        }
    }

    private static InvalidDataException Inconsistent(string how) =>
        new($"The checkpoint is damaged or hostile: {how}.");
}
