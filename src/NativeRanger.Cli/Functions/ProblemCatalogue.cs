using NativeRanger.Cli.Minimizing;

namespace NativeRanger.Cli.Functions;

/// <summary>
/// The functions by name. Those of J. Moré, B. Garbow, K. Hillstrom, Testing Unconstrained Optimization Software, ACM
/// Transactions on Mathematical Software 7, 1981, with their starts and sizes; and Himmelblau's and Booth's.
/// </summary>
internal static class ProblemCatalogue
{
    /// <summary>The functions that are given by a formula.</summary>
    public static IReadOnlyList<Problem> Functions { get; } =
    [.. FewVariables.All, .. DataFits.All, .. AnyDimension.All];

    /// <summary>The functions, and a fit to the built-in data.</summary>
    public static IReadOnlyList<Problem> All { get; } = [.. Functions, DigitsProblem.Create()];

    /// <summary>The function of that name, or null.</summary>
    public static Problem? Find(string name) =>
        All.FirstOrDefault(problem => string.Equals(problem.Name, name, StringComparison.OrdinalIgnoreCase));
}
