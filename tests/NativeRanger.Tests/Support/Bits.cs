using System.Numerics;

namespace NativeRanger.Tests.Support;

/// <summary>Comparison bit for bit; a NaN equals any NaN, since processors disagree on sign and payload.</summary>
internal static class Bits
{
    public static bool Same<T>(T a, T b)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        (T.IsNaN(a) && T.IsNaN(b))
        || (
            typeof(T) == typeof(float)
                ? BitConverter.SingleToInt32Bits(float.CreateTruncating(a))
                    == BitConverter.SingleToInt32Bits(float.CreateTruncating(b))
                : BitConverter.DoubleToInt64Bits(double.CreateTruncating(a))
                    == BitConverter.DoubleToInt64Bits(double.CreateTruncating(b))
        );

    /// <summary>The first difference as a sentence, or null.</summary>
    public static string? Difference<T>(string what, ReadOnlySpan<T> expected, ReadOnlySpan<T> actual)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (expected.Length != actual.Length)
        {
            return $"{what}: {actual.Length} elements instead of {expected.Length}";
        }

        for (var i = 0; i < expected.Length; i++)
        {
            if (!Same(expected[i], actual[i]))
            {
                return $"{what}[{i}] of {expected.Length}: {actual[i]:R} instead of {expected[i]:R}";
            }
        }

        return null;
    }
}
