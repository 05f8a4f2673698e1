namespace NativeRanger.Checkpoints;

/// <summary>The header of a checkpoint: its manifest, and the tensors where it holds them itself.</summary>
/// <param name="Manifest">What is saved beside elements.</param>
/// <param name="Tensors">Where the elements are.</param>
/// <param name="Length">The bytes of the header, its length included.</param>
/// <param name="Checksum">The checksum of the header, and so of everything that the manifest says.</param>
internal sealed record CheckpointHeader(Manifest Manifest, Safetensors Tensors, int Length, uint Checksum)
{
    private const string Format = "nativeranger";

    /// <summary>The bytes of the header, its length first.</summary>
    /// <exception cref="InvalidOperationException">There are more parameters than a header can hold.</exception>
    public static byte[] Compose(Manifest manifest, int elementSize) =>
        ChecksummedHeader.Compose(
            Format,
            manifest.Write,
            manifest.Tensors.Select(tensor => new SafetensorsTensorShape(
                TensorNames.Of(tensor.Parameter.Name, tensor.Array),
                manifest.ElementType,
                elementSize,
                tensor.Parameter.StoredShape
            ))
        );

    /// <summary>Reads and validates a header; the stream is left at the first tensor.</summary>
    /// <inheritdoc cref="ChecksummedHeader.Read" path="/exception"/>
    public static CheckpointHeader Read(Stream stream)
    {
        var read = ChecksummedHeader.Read(stream);
        if (string.Equals(read.Format, ShardHeader.Format, StringComparison.Ordinal))
        {
            throw new InvalidDataException(
                "This is a shard of a checkpoint; name the checkpoint itself, the file that the names of its shards begin with."
            );
        }

        var header = new CheckpointHeader(Manifest.Read(read.Manifest), read.Tensors, read.Length, read.Checksum);
        header.RequireConsistent();
        read.Tensors.RequireData(stream);
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

            if (Manifest.Shards is null && parameter.Checksums.Values.Any(checksum => checksum is null))
            {
                throw Inconsistent($"it has no shards for parameter '{parameter.Name}'");
            }

            if (!Manifest.IncludesParameters && parameter.Checksums[TensorNames.Values] is null)
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
}
