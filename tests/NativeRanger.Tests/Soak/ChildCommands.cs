using NativeRanger.Tests.Soak;

namespace NativeRanger.Tests.Support;

internal static partial class ChildCommands
{
    /// <summary>Goes on with a run to its end, unless it is killed; says when it has started.</summary>
    public static void SoakOn(string seed, string calls, string path) =>
        new SoakRun(int.Parse(seed), int.Parse(calls)).Continue(path, static () => Console.WriteLine("started"));

    /// <summary>Kills and resumes runs for three quarters of the time, with a seed for each, then watches memory and handles.</summary>
    public static void Soak(string minutes)
    {
        var milliseconds = (long)(60_000 * double.Parse(minutes));
        var end = Environment.TickCount64 + milliseconds;
        var endOfKills = end - (milliseconds / 4);
        var soak = new Endurance();
        for (var seed = 0; seed == 0 || Environment.TickCount64 < endOfKills; seed++)
        {
            Console.WriteLine($"seed {seed}");
            soak.Run(seed, calls: 500, kills: 10);
        }

        Console.WriteLine($"{soak.Runs} runs, {soak.Kills} kills, every end equal to its twin's");
        Console.WriteLine(soak.StayFlat(warmUp: 100, _ => Environment.TickCount64 < end));
    }
}
