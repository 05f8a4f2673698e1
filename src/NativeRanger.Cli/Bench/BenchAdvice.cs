namespace NativeRanger.Cli.Bench;

/// <summary>What can be done where a machine stays below what it could do.</summary>
internal static class BenchAdvice
{
    /// <summary>Beyond this share of the processors, other programs take what is measured.</summary>
    private const double BusyShare = 0.5;

    /// <summary>Where a step is out of the caches, and where it should be as fast as its limit.</summary>
    private const long LargeWorkingSet = 256L << 20;
    private const double ExpectedRatio = 0.9;

    /// <summary>A sentence or two for everything that is off; nothing where all is well.</summary>
    /// <param name="machine">The machine, as it was before measuring.</param>
    /// <param name="chosen">The instruction set that steps use unless told otherwise.</param>
    /// <param name="available">Those that there are, in ascending order of preference.</param>
    /// <param name="measurements">What was measured.</param>
    public static IEnumerable<string> For(
        Machine machine,
        InstructionSet chosen,
        IReadOnlyList<InstructionSet> available,
        IReadOnlyList<Measurement> measurements
    )
    {
        if (machine.Load > BusyShare * machine.UsableProcessors)
        {
            yield return $"The machine was busy before measuring began (load average {machine.Load:0.0} on "
                + $"{Count(machine.UsableProcessors)}): the figures are too low. Measure again when it is quiet.";
        }

        if (machine.HugePages is "never")
        {
            yield return "Huge pages are switched off, which costs 4 to 9 % on large parameters. Allow programs to ask for them: "
                + "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled";
        }

        if (machine.UsableProcessors < machine.Processors)
        {
            yield return $"This process may use {Count(machine.UsableProcessors)} of {machine.Processors} "
                + "(affinity or a container's limit): large steps would be faster on more.";
        }
        else if (machine.UsableProcessors == 1)
        {
            yield return "There is one processor: steps run on one thread, which alone rarely gets all that memory can give.";
        }
        else if (NativeBackend.MaxDegreeOfParallelism == 1)
        {
            yield return "NativeBackend.MaxDegreeOfParallelism is 1: large steps would be faster on more threads.";
        }

        if (available.Count > 0 && chosen != available[^1])
        {
            yield return $"Steps run on {BackendChoice.Spelling(chosen)}, although this machine has "
                + $"{BackendChoice.Spelling(available[^1])}. Unset NATIVERANGER_ISA.";
        }
        else if (chosen == InstructionSet.Scalar)
        {
            yield return "Steps run on scalar instructions: this processor, or what a virtual machine shows of it, has neither AVX2 nor AVX-512.";
        }

        foreach (
            var m in measurements.Where(m => m.WorkingSetBytes >= LargeWorkingSet && m.RatioToLimit < ExpectedRatio)
        )
        {
            yield return $"{BenchTable.Name(m)} ({m.Type}, {m.Isa}, {BenchTable.Threads(m.Threads)}, "
                + $"{BenchTable.Bytes(m.WorkingSetBytes)}) reaches {m.RatioToLimit:0.00} of its limit; out of the caches "
                + $"{ExpectedRatio:0.0} and more is usual. Look for other programs that use the memory.";
        }
    }

    private static string Count(int processors) => processors == 1 ? "1 processor" : $"{processors} processors";
}
