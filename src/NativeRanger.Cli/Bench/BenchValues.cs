using System.Numerics;

namespace NativeRanger.Cli.Bench;

/// <summary>What measured arrays hold.</summary>
internal static class BenchValues
{
    private const int Pattern = 8192;

    /// <summary>Of either sign, of magnitude 0.005 to 0.015: no moment of it ever becomes subnormal.</summary>
    public static unsafe void Fill<T>(T* values, long count, int seed)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var random = new Random(seed);
        var pattern = new T[Pattern];
        foreach (ref var value in pattern.AsSpan())
        {
            var magnitude = 0.005 + (0.01 * random.NextDouble());
            value = T.CreateChecked(random.Next(2) == 0 ? magnitude : -magnitude);
        }

        for (var begin = 0L; begin < count; begin += Pattern)
        {
            var length = (int)Math.Min(Pattern, count - begin);
            pattern.AsSpan(0, length).CopyTo(new(values + begin, length));
        }
    }
}
