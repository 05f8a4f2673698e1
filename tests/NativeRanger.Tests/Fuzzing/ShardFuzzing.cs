using System.Text;
using NativeRanger.Checkpoints;
using NativeRanger.Tests.Checkpoints;
using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Fuzzing;

/// <summary>What two ranks have saved: a manifest and two shards, of which one is to be another file.</summary>
internal static class ShardFuzzing
{
    private const string Manifest = "run";

    private static readonly Dictionary<string, byte[]> sound = Directory
        .GetFiles(
            Path.Combine(Headers.Root, "tests", "NativeRanger.Mpi.Tests", "Checkpoints", "Golden", "v1"),
            $"{Manifest}*"
        )
        .ToDictionary(path => Path.GetFileName(path), File.ReadAllBytes, StringComparer.Ordinal);

    /// <summary>What they ran.</summary>
    public static Optimizer Recipe { get; } = new Ranger { LearningRate = 0.1, Period = 2 };

    /// <summary>The names of the files.</summary>
    public static IEnumerable<string> Files => sound.Keys;

    public static byte[] Sound(string file) => sound[file];

    /// <summary>Writes all of them, one with other contents; where that is a shard, the manifest says so as a forger would make it say.</summary>
    /// <returns>The path of the manifest.</returns>
    public static string Write(TemporaryDirectory directory, string file, byte[] contents)
    {
        foreach (var (name, bytes) in sound)
        {
            File.WriteAllBytes(
                directory.File(name),
                string.Equals(name, file, StringComparison.Ordinal) ? contents : bytes
            );
        }

        if (!string.Equals(file, Manifest, StringComparison.Ordinal) && ChecksumOf(contents) is { } checksum)
        {
            var manifest = sound[Manifest].ToArray();
            var listed = manifest
                .AsSpan()
                .IndexOf(Encoding.ASCII.GetBytes(ManifestParameter.FormatChecksum(ChecksumOf(sound[file])!.Value)));
            Encoding.ASCII.GetBytes(ManifestParameter.FormatChecksum(checksum), manifest.AsSpan(listed));
            File.WriteAllBytes(directory.File(Manifest), SafetensorsMutator.Repaired(manifest));
        }

        return directory.File(Manifest);
    }

    /// <summary>The checksum that a file's header would have to state; null where it has no header.</summary>
    private static uint? ChecksumOf(byte[] file)
    {
        try
        {
            return ChecksummedHeader.ChecksumOf(Safetensors.ReadHeaderBytes(new MemoryStream(file)));
        }
        catch (Exception none) when (none is InvalidDataException or ArgumentOutOfRangeException)
        {
            return null;
        }
    }
}
