using NativeRanger.Tests.Fuzzing;

namespace NativeRanger.Tests.Support;

internal static partial class ChildCommands
{
    /// <summary>Gives changed files to the readers of checkpoints for a while.</summary>
    public static void FuzzCheckpoints(string seconds, string seed, string findings)
    {
        var fuzzer = new CheckpointFuzzer(findings);
        var end = Environment.TickCount64 + (1000 * long.Parse(seconds));
        var crashes = 1;
        try
        {
            fuzzer.Run(int.Parse(seed), () => Environment.TickCount64 < end);
            crashes = 0;
        }
        finally
        {
            Console.WriteLine(
                $"{fuzzer.Inputs} inputs, {crashes} crashes, {fuzzer.WereRead} of them were read (seed {seed})"
            );
        }
    }
}
