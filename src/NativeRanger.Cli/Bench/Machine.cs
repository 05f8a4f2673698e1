namespace NativeRanger.Cli.Bench;

/// <summary>A data cache, as in L2.</summary>
internal sealed record Cache(string Name, long Bytes);

/// <summary>What of this machine decides how fast a step can be, as far as the system tells.</summary>
internal sealed record Machine
{
    private const string Unknown = "unknown";

    /// <summary>The name of the processor.</summary>
    public required string Processor { get; init; }

    /// <summary>The processors that the machine has.</summary>
    public required int Processors { get; init; }

    /// <summary>The processors that this process may use.</summary>
    public required int UsableProcessors { get; init; }

    /// <summary>Whether memory comes in huge pages: always, madvise (where a program asks for it), never or unknown.</summary>
    public required string HugePages { get; init; }

    /// <summary>How many processes wanted to run during the last minute; NaN if unknown.</summary>
    public required double Load { get; init; }

    /// <summary>The data caches of a processor, the nearest first; empty if unknown.</summary>
    public required IReadOnlyList<Cache> Caches { get; init; }

    /// <summary>This machine.</summary>
    public static Machine Here()
    {
        var processors = Lines("/proc/cpuinfo").Where(line => line.StartsWith("model name", StringComparison.Ordinal));
        return new()
        {
            Processor = processors.FirstOrDefault()?.Split(':', 2)[1].Trim() ?? Unknown,
            Processors = Math.Max(processors.Count(), Environment.ProcessorCount),
            UsableProcessors = Environment.ProcessorCount,
            HugePages =
                Text("/sys/kernel/mm/transparent_hugepage/enabled") is { } modes && modes.Contains('[')
                    ? modes.Split('[', ']')[1]
                    : Unknown,
            Load = double.TryParse(Text("/proc/loadavg")?.Split(' ')[0], out var load) ? load : double.NaN,
            Caches = [.. DataCaches()],
        };
    }

    private static IEnumerable<Cache> DataCaches()
    {
        for (var index = 0; ; index++)
        {
            var folder = $"/sys/devices/system/cpu/cpu0/cache/index{index}";
            if (Text($"{folder}/size") is not { } size)
            {
                yield break;
            }

            // As in "1024K".
            if (Text($"{folder}/type") is not "Instruction" && long.TryParse(size.TrimEnd('K'), out var kibibytes))
            {
                yield return new($"L{Text($"{folder}/level")}", 1024 * kibibytes);
            }
        }
    }

    private static string? Text(string path) => File.Exists(path) ? File.ReadAllText(path).Trim() : null;

    private static IEnumerable<string> Lines(string path) => File.Exists(path) ? File.ReadLines(path) : [];
}
