using System.Diagnostics;
using System.Globalization;
using NativeRanger.Mpi;

namespace NativeRanger.Benchmarks.Distributed;

/// <summary>How many processors of this machine are kept busy by programs that are no ranks.</summary>
internal sealed unsafe class OtherPrograms
{
    /// <summary>The unit of /proc/stat on every Linux.</summary>
    private const double TicksPerSecond = 100;

    private readonly Communicator world;
    private readonly long started = Stopwatch.GetTimestamp();
    private readonly double ownBefore = Environment.CpuUsage.TotalTime.TotalSeconds;
    private readonly double busyBefore;

    /// <summary>Begins to count; all ranks call.</summary>
    public OtherPrograms(Communicator world)
    {
        this.world = world;
        busyBefore = Busy();
    }

    /// <summary>The mean since the beginning; all ranks call.</summary>
    public double Count()
    {
        var own = Environment.CpuUsage.TotalTime.TotalSeconds - ownBefore;
        var all = stackalloc double[world.Size];
        world.AllGather(&own, sizeof(double), all);
        var ranks = new ReadOnlySpan<double>(all, world.Size).ToArray().Sum();
        return Math.Max(0, (Busy() - busyBefore - ranks) / Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>The seconds that all processors together have worked, or were taken away by the machine's own host.</summary>
    private static double Busy()
    {
        // cpu user nice system idle iowait irq softirq steal ...; guests are counted in user and nice.
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9];
        return fields.Where((_, i) => i is not (3 or 4)).Sum(f => long.Parse(f, CultureInfo.InvariantCulture))
            / TicksPerSecond;
    }
}
