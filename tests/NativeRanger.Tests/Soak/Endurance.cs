using System.Diagnostics;
using NativeRanger.Tests.Checkpoints;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Soak;

/// <summary>Runs that are killed at random moments and go on, against twins that are not.</summary>
internal sealed class Endurance
{
    /// <summary>A leak of one state per start, or of one handle per save, is far more than this.</summary>
    private const long MemoryNoise = 32 << 20;
    private const int HandleNoise = 8;

    private readonly Process self = Process.GetCurrentProcess();

    /// <summary>Completed runs.</summary>
    public int Runs { get; private set; }

    /// <summary>Processes that were killed.</summary>
    public int Kills { get; private set; }

    /// <summary>One run in processes that are killed, against its twin.</summary>
    /// <param name="seed">What everything follows from, but the moment at which a kill arrives.</param>
    /// <param name="calls">The steps of the run.</param>
    /// <param name="kills">How many times it is killed, at most.</param>
    public void Run(int seed, int calls, int kills)
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("run");
        var random = new Random(seed);
        for (var start = 0; ; start++)
        {
            var after = start < kills ? random.Next(200) : Timeout.Infinite;
            if (Survives(seed, calls, path, after))
            {
                break;
            }

            Kills++;
        }

        Assert.Equal(new SoakRun(seed, calls).Uninterrupted(), File.ReadAllBytes(path));

        // What a process that was killed while it saved has left behind, the next save has removed.
        Assert.Equal("run", directory.Names);
        Runs++;
    }

    /// <summary>Starts and ends the same run in this process again and again: memory and handles stay.</summary>
    /// <param name="warmUp">How often before memory and handles are taken for the first time.</param>
    /// <param name="goesOn">Whether to start once more, given how often it was started since then.</param>
    public string StayFlat(int warmUp, Func<int, bool> goesOn)
    {
        using var directory = new TemporaryDirectory();
        (long Memory, int Handles) first = default;
        (long Memory, int Handles) last = default;
        var path = directory.File("run");
        var starts = 0;
        for (; starts <= warmUp || goesOn(starts - warmUp); starts++)
        {
            // The file is that of a run at its end but for one call.
            new SoakRun(Seed: 0, Calls: 4 + starts).Continue(path, static () => { });
            last = Use();
            if (starts == warmUp)
            {
                first = last;
            }
        }

        Assert.InRange(last.Memory - first.Memory, long.MinValue, MemoryNoise);
        Assert.InRange(last.Handles - first.Handles, int.MinValue, HandleNoise);
        return $"{starts} starts in one process: memory {first.Memory >> 20} then {last.Memory >> 20} MiB, "
            + $"handles {first.Handles} then {last.Handles}";
    }

    private (long Memory, int Handles) Use()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        self.Refresh();
        return (self.WorkingSet64, self.HandleCount);
    }

    /// <summary>Whether a process reached the end before it was killed.</summary>
    private static bool Survives(int seed, int calls, string path, int milliseconds)
    {
        using var process = new Child.Start(nameof(ChildCommands.SoakOn), $"{seed}", $"{calls}", path).Begin();
        var errors = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadLine();
        if (!process.WaitForExit(milliseconds))
        {
            process.Kill();
            process.WaitForExit();
        }

        if (process.ExitCode == 0)
        {
            return true;
        }

        Assert.True(process.ExitCode == Child.Killed, $"seed {seed}: {errors.GetAwaiter().GetResult()}");
        return false;
    }
}
