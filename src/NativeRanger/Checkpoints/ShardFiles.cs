using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace NativeRanger.Checkpoints;

/// <summary>
/// The files of a sharded checkpoint: <c>run</c>, the manifest, and <c>run.0123456789abcdef-00001-of-00004</c>, one for each
/// rank, with a number that is new for every save: a save never touches the files of the one before it until its own manifest
/// has taken the place of the old one.
/// </summary>
internal static partial class ShardFiles
{
    /// <summary>The path of a shard.</summary>
    /// <param name="manifest">The path of the manifest.</param>
    /// <param name="save">A number of this save's own.</param>
    /// <param name="number">The number of the shard.</param>
    /// <param name="count">The number of shards.</param>
    public static string PathOf(string manifest, ulong save, int number, int count) =>
        string.Create(CultureInfo.InvariantCulture, $"{manifest}.{save:x16}-{number:d5}-of-{count:d5}");

    /// <summary>One rank's part of a stepper, ready to be written.</summary>
    /// <param name="stepper">The stepper.</param>
    /// <param name="options">What is saved.</param>
    /// <param name="number">The number of the shard.</param>
    /// <param name="count">The number of shards.</param>
    /// <param name="checksum">The checksum of the shard's header.</param>
    public static CheckpointWriter<T> Compose<T>(
        Stepper<T> stepper,
        SaveOptions options,
        int number,
        int count,
        out uint checksum
    )
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var parts = new List<ShardPart>();
        var tensors = new List<TensorSource<T>>();
        var arrays = stepper.StateArrays.ToLookup(array => array.Parameter);
        for (var p = 0; p < stepper.Parameters.Count; p++)
        {
            var parameter = stepper.Parameters[p];
            var name = TensorNames.Escape(parameter.Name);
            if (options.IncludeParameters)
            {
                // All ranks have all of it.
                var start = Share(parameter.Length, number, count);
                var end = Share(parameter.Length, number + 1, count);
                Add(
                    name,
                    TensorNames.Values,
                    new(start, end - start, ByRows: false),
                    (s, n) => parameter.Slice(start + s, n)
                );
            }

            foreach (var array in arrays[p])
            {
                Add(name, array.Name, stepper.Engine.RangeOf(p, array), array.Slice);
            }
        }

        var header = new ShardHeader
        {
            Number = number,
            Count = count,
            ElementType = Manifest.TypeOf<T>(),
            Parts = parts,
        }.Compose(Unsafe.SizeOf<T>());
        checksum = ChecksummedHeader.ChecksumOf(header);
        return new(header, tensors, options.Progress);

        void Add(string parameter, string array, ArrayRange range, Slicer<T> slice)
        {
            if (range.Length > 0)
            {
                var checksum = CheckpointWriter<T>.Checksum(slice, range.Length);
                parts.Add(new(parameter, array, range, checksum));
                tensors.Add(new(parts[^1].Name, range.Length, slice, checksum));
            }
        }
    }

    /// <summary>Deletes the shards of other saves to a path, which are of no use once its manifest does not name them.</summary>
    /// <param name="manifest">The path of the manifest.</param>
    /// <param name="kept">The names of the files that it names.</param>
    public static void RemoveOthers(string manifest, IEnumerable<string> kept)
    {
        var full = Path.GetFullPath(manifest);
        var keep = kept.ToHashSet(StringComparer.Ordinal);
        var name = Path.GetFileName(full);
        foreach (var path in Directory.EnumerateFiles(Path.GetDirectoryName(full)!, "*-of-*"))
        {
            var file = Path.GetFileName(path);
            if (
                !file.StartsWith(name, StringComparison.Ordinal)
                || !Suffix().IsMatch(file.AsSpan(name.Length))
                || keep.Contains(file)
            )
            {
                continue;
            }

            try
            {
                File.Delete(path);
            }
            catch (Exception busy) when (busy is IOException or UnauthorizedAccessException)
            {
                // It is in nobody's way, and the next save tries again.
                continue;
            }
        }
    }

    private static long Share(long length, int number, int count) => (long)((Int128)length * number / count);

    [GeneratedRegex(
        @"^\.[0-9a-f]{16}-[0-9]{5}-of-[0-9]{5}$",
        RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Suffix();
}
