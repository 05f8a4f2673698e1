using System.Runtime.InteropServices;
using System.Text.Json;
using NativeRanger.Cli.Bench;

namespace NativeRanger.Benchmarks.Studies;

/// <summary>Where figures come from; kept with every file of results.</summary>
internal sealed record Circumstances
{
    public required string Processor { get; init; }

    public required int Processors { get; init; }

    public required string Caches { get; init; }

    public required string HugePages { get; init; }

    public required double LoadAverage { get; init; }

    public required string OperatingSystem { get; init; }

    public required string Framework { get; init; }

    /// <summary>How the native library was compiled.</summary>
    public required string Build { get; init; }

    /// <summary>The commit that was measured, with -dirty where files had been changed.</summary>
    public required string Commit { get; init; }

    public required DateTime Utc { get; init; }

    public static Circumstances Here(string commit)
    {
        var machine = Machine.Here();
        return new()
        {
            Processor = machine.Processor,
            Processors = machine.UsableProcessors,
            Caches = string.Join(", ", machine.Caches.Select(c => $"{c.Name} {BenchTable.Bytes(c.Bytes)}")),
            HugePages = machine.HugePages,
            LoadAverage = machine.Load,
            OperatingSystem = RuntimeInformation.OSDescription,
            Framework = RuntimeInformation.FrameworkDescription,
            Build = NativeBackend.BuildInfo,
            Commit = commit,
            Utc = DateTime.UtcNow,
        };
    }

    public static Circumstances Read(string path) =>
        JsonSerializer.Deserialize<Circumstances>(File.ReadAllText(path), Results.Json)!;
}

/// <summary>How results are written and read.</summary>
internal static class Results
{
    public static JsonSerializerOptions Json { get; } =
        new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
            WriteIndented = true,
        };

    public static void Write<T>(string path, T results) =>
        File.WriteAllText(path, JsonSerializer.Serialize(results, Json) + "\n");

    public static T Read<T>(string path) => JsonSerializer.Deserialize<T>(File.ReadAllText(path), Json)!;
}
