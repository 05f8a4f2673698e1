using System.Globalization;
using System.Text.Json;

namespace NativeRanger.Checkpoints;

/// <summary>One option of a kind of recipe, as text.</summary>
/// <param name="Name">The name in checkpoints.</param>
/// <param name="Quoted">Whether the text is a JSON string; otherwise it is a number, a boolean or null.</param>
/// <param name="Get">The text of its value.</param>
/// <param name="Set">The recipe with the value that a text says.</param>
internal sealed record RecipeOption(
    string Name,
    bool Quoted,
    Func<Optimizer, string> Get,
    Func<Optimizer, string, Optimizer> Set
);

/// <summary>Makes the options of recipes of one type.</summary>
internal static class RecipeOption<TOptimizer>
    where TOptimizer : Optimizer
{
    private const string Null = "null";

    public static RecipeOption Number(
        string name,
        Func<TOptimizer, double> get,
        Func<TOptimizer, double, Optimizer> set
    ) => Plain(name, o => Format(get(o)), (o, text) => set(o, ParseNumber(text)));

    public static RecipeOption NumberOrNull(
        string name,
        Func<TOptimizer, double?> get,
        Func<TOptimizer, double?, Optimizer> set
    ) =>
        Plain(
            name,
            o => get(o) is { } value ? Format(value) : Null,
            (o, text) => set(o, string.Equals(text, Null, StringComparison.Ordinal) ? null : ParseNumber(text))
        );

    public static RecipeOption Integer(string name, Func<TOptimizer, int> get, Func<TOptimizer, int, Optimizer> set) =>
        Plain(
            name,
            o => get(o).ToString(CultureInfo.InvariantCulture),
            (o, text) => set(o, int.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture))
        );

    public static RecipeOption Flag(string name, Func<TOptimizer, bool> get, Func<TOptimizer, bool, Optimizer> set) =>
        Plain(name, o => get(o) ? "true" : "false", (o, text) => set(o, bool.Parse(text)));

    /// <summary>One of the members of an enumeration, which are named in snake case.</summary>
    public static RecipeOption Choice<TEnum>(
        string name,
        Func<TOptimizer, TEnum> get,
        Func<TOptimizer, TEnum, Optimizer> set
    )
        where TEnum : struct, Enum =>
        new(
            name,
            Quoted: true,
            o => NameOf(get((TOptimizer)o)),
            (o, text) =>
            {
                foreach (var value in Enum.GetValues<TEnum>())
                {
                    if (string.Equals(NameOf(value), text, StringComparison.Ordinal))
                    {
                        return set((TOptimizer)o, value);
                    }
                }

                throw new FormatException($"'{text}' is no value of {name}.");
            }
        );

    private static RecipeOption Plain(
        string name,
        Func<TOptimizer, string> get,
        Func<TOptimizer, string, Optimizer> set
    ) => new(name, Quoted: false, o => get((TOptimizer)o), (o, text) => set((TOptimizer)o, text));

    private static string NameOf<TEnum>(TEnum value)
        where TEnum : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    private static string Format(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static double ParseNumber(string text) =>
        double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
}
