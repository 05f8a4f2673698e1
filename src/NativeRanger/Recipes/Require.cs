using System.Runtime.CompilerServices;

namespace NativeRanger;

/// <summary>Range checks of recipe options; every message names the option, the range and the value.</summary>
internal static class Require
{
    public static double NonNegative(double value, [CallerMemberName] string name = "") =>
        double.IsFinite(value) && value >= 0
            ? value
            : throw new ArgumentOutOfRangeException(
                name,
                value,
                $"{name} must be finite and at least 0; it is {value:R}."
            );

    public static double Positive(double value, [CallerMemberName] string name = "") =>
        double.IsFinite(value) && value > 0
            ? value
            : throw new ArgumentOutOfRangeException(
                name,
                value,
                $"{name} must be finite and above 0; it is {value:R}."
            );

    public static double? PositiveOrNull(double? value, [CallerMemberName] string name = "") =>
        value is null ? null : Positive(value.Value, name);

    public static double ExponentialRate(double value, [CallerMemberName] string name = "") =>
        value is >= 0 and < 1
            ? value
            : throw new ArgumentOutOfRangeException(
                name,
                value,
                $"{name} must be at least 0 and below 1; it is {value:R}."
            );

    public static double Fraction(double value, [CallerMemberName] string name = "") =>
        value is >= 0 and <= 1
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be from 0 to 1; it is {value:R}.");

    public static int AtLeastOne(int value, [CallerMemberName] string name = "") =>
        value >= 1
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be at least 1; it is {value}.");

    public static double Threshold(double value, [CallerMemberName] string name = "") =>
        double.IsFinite(value) && value >= 4
            ? value
            : throw new ArgumentOutOfRangeException(
                name,
                value,
                $"{name} must be finite and at least 4 (the rectification is a square root of ρ - 4); it is {value:R}."
            );

    public static TEnum Defined<TEnum>(TEnum value, [CallerMemberName] string name = "")
        where TEnum : struct, Enum =>
        Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(
                name,
                value,
                $"{name} must be one of {string.Join(", ", Enum.GetNames<TEnum>())}; it is {value}."
            );
}
