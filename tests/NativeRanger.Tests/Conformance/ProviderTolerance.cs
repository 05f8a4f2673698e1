using System.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Conformance;

/// <summary>How far the managed reference may be from the native library where MathNet computes by a native provider.</summary>
/// <remarks>
/// <para>
/// With MathNet's managed provider they are the same bits. Of a native provider (MKL) each elementwise operation may be off by one
/// ULP of its result. What is compared is the distance in ULPs of the largest magnitude of an array, S, after t steps:
/// </para>
/// <list type="bullet">
/// <item>An element takes part in at most 10 such operations per step. A moment m or v, a buffer or an accumulator is a sum
/// of such results, with factors of at most 1 on what was there before: its error is at most 10·t.</item>
/// <item>The update m/(√v+ε) divides by at least √(1-β2)·|g| of the largest gradient of the element, so that it is off by at
/// most 10·t/√(1-β2) ULPs of 1: 320·t for β2 = 0.999. The weights, S of which is about 1, move by the learning rate times
/// that, which is at most 0.1 in the registry: 32·t. Other recipes divide by nothing, or by a mean of many rows.</item>
/// <item>Adaptive clipping and standardisation multiply a gradient by a quotient that is itself off by a few ULPs; both
/// are among the 10.</item>
/// </list>
/// <para>
/// So 64·t, with a factor of 2 to spare. Counters, which nothing is added to, are equal. A wrong formula is off by 10⁶ ULPs and more.
/// </para>
/// </remarks>
internal static class ProviderTolerance
{
    private const double UlpsPerStep = 64;

    /// <summary>The largest distance in ULPs, and what is too far away, or null.</summary>
    public static (double Ulps, string? Difference) Compare<T>(Outcome<T> exact, Outcome<T> byProvider, int steps)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var farthest = 0.0;
        string? difference = exact.Counters.SequenceEqual(byProvider.Counters) ? null : "the counters differ";
        foreach (var (expected, actual) in exact.Arrays.Zip(byProvider.Arrays))
        {
            var scale = expected.Values.Select(T.Abs).Append(T.Zero).Max();
            var ulp = double.CreateChecked(T.BitIncrement(scale) - scale);
            for (var i = 0; i < expected.Values.Length; i++)
            {
                var ulps = double.CreateChecked(T.Abs(expected.Values[i] - actual.Values[i])) / ulp;
                farthest = Math.Max(farthest, ulps);
                if (!(ulps <= UlpsPerStep * steps))
                {
                    difference ??=
                        $"{expected.Name}[{i}]: {actual.Values[i]} instead of {expected.Values[i]}, {ulps} ULPs";
                }
            }
        }

        return (farthest, difference);
    }
}
