using System.Numerics;
using System.Text.RegularExpressions;

namespace NativeRanger.Cli.Verification;

/// <summary>
/// The gradient of a closed-loop trace, evaluated from its written definition: assignments separated by semicolons, of
/// which those to <c>f</c> are left out. Either per element, from <c>p_j</c> and <c>j</c> to <c>g_j</c>, or over the
/// elements of a single parameter named by letters, from <c>x</c>, <c>y</c> to <c>gx</c>, <c>gy</c>.
/// </summary>
/// <typeparam name="T">The type in which every operation is carried out.</typeparam>
internal sealed partial class GradientFormula<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const string ElementGradient = "g_j";

    private readonly List<(string Name, Expression<T> Value)> assignments = [];
    private readonly string[]? coordinates;

    public GradientFormula(TraceGradientSource source)
    {
        if (source.Definition is not { } definition)
        {
            throw new UnsupportedTraceException($"the gradient of '{source.Function}' has no definition");
        }

        foreach (
            var statement in definition.Split(
                ';',
                StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries
            )
        )
        {
            if (Assignment().Match(statement) is not { Success: true } match)
            {
                throw Unreadable(source, statement);
            }

            var left = match.Groups["name"].Value;
            if (left is "f")
            {
                coordinates ??= match.Groups["arguments"] is { Success: true } arguments
                    ? arguments.Value.Split(',', StringSplitOptions.TrimEntries)
                    : null;
                continue;
            }

            assignments.Add(
                (left, Expression<T>.Parse(match.Groups["value"].Value) ?? throw Unreadable(source, statement))
            );
        }

        if (assignments.Exists(a => a.Name is ElementGradient))
        {
            coordinates = null;
        }

        var wanted = coordinates is null ? [ElementGradient] : coordinates.Select(c => $"g{c}");
        if (
            wanted.FirstOrDefault(name =>
                !assignments.Exists(a => string.Equals(a.Name, name, StringComparison.Ordinal))
            ) is
            { } missing
        )
        {
            throw new UnsupportedTraceException(
                $"the definition of '{source.Function}' does not say what {missing} is"
            );
        }
    }

    /// <summary>Stores the gradient of one parameter.</summary>
    public void Evaluate(ReadOnlySpan<T> parameter, Span<T> gradient)
    {
        var variables = new Dictionary<string, T>(StringComparer.Ordinal);
        if (coordinates is null)
        {
            for (var j = 0; j < parameter.Length; j++)
            {
                variables["j"] = T.CreateChecked(j);
                variables["p_j"] = parameter[j];
                Assign(variables);
                gradient[j] = variables[ElementGradient];
            }

            return;
        }

        if (parameter.Length != coordinates.Length)
        {
            throw new TraceFormatException(
                $"The function has {coordinates.Length} coordinates; the parameter has {parameter.Length} elements."
            );
        }

        for (var i = 0; i < coordinates.Length; i++)
        {
            variables[coordinates[i]] = parameter[i];
        }

        Assign(variables);
        for (var i = 0; i < coordinates.Length; i++)
        {
            gradient[i] = variables[$"g{coordinates[i]}"];
        }
    }

    private void Assign(Dictionary<string, T> variables)
    {
        foreach (var (name, value) in assignments)
        {
            variables[name] = value.Evaluate(variables);
        }
    }

    private static UnsupportedTraceException Unreadable(TraceGradientSource source, string statement) =>
        new($"the definition of '{source.Function}' cannot be evaluated at '{statement}'");

    [GeneratedRegex(@"^(?<name>\w+)(\((?<arguments>[^)]*)\))?\s*=\s*(?<value>.+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Assignment();
}
