namespace NativeRanger.Cli.Commands;

/// <summary>Reads options that select something by name or by number.</summary>
internal static class Selection
{
    /// <summary>The choices of the given names, which may also be separated by commas; null where none is given.</summary>
    public static TChoice[]? Given<TChoice>(
        string[]? names,
        Func<string, TChoice?> find,
        string what,
        IEnumerable<string> known
    )
        where TChoice : class =>
        names is not { Length: > 0 }
            ? null
            :
            [
                .. Words(names)
                    .Select(name =>
                        find(name)
                        ?? throw new UserErrorException(
                            $"There is no {what} '{name}'; there are {string.Join(", ", known)}."
                        )
                    )
                    .Distinct(),
            ];

    /// <summary>The words of an option that may be separated by spaces or commas.</summary>
    public static IEnumerable<string> Words(IEnumerable<string> values) =>
        values.SelectMany(value => value.Split(',', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>Learning rates, each once.</summary>
    public static IReadOnlyList<double> Rates(double[] given)
    {
        foreach (var rate in given.Where(rate => !(double.IsFinite(rate) && rate >= 0)))
        {
            throw new UserErrorException($"--lr must be at least 0; it is {rate}.");
        }

        return [.. given.Distinct()];
    }

    public static int AtLeastOne(int value, string option) =>
        value >= 1 ? value : throw new UserErrorException($"{option} must be at least 1; it is {value}.");
}
