using NativeRanger.Cli.Minimizing;

namespace NativeRanger.Cli.Functions;

/// <summary>Something to minimise, from a start that everybody uses.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Label">Its name for people.</param>
/// <param name="Start">The standard start.</param>
/// <param name="Minimum">f*, the lowest value.</param>
/// <param name="CreateObjective">
/// Makes what gives the value at a point and stores the gradient; each may be used by one thread at a time.
/// </param>
internal sealed record Problem(
    string Name,
    string Label,
    double[] Start,
    double Minimum,
    Func<Func<double[], double[], double>> CreateObjective
)
{
    /// <summary>Where f* is taken, as far as it is known.</summary>
    public IReadOnlyList<double[]> Minimizers { get; init; } = [];

    /// <summary>What one has to know to read results; empty for nothing.</summary>
    public string Note { get; init; } = "";

    /// <summary>What runs on it may use.</summary>
    public StudySettings Settings { get; init; } = StudySettings.Default;

    public int Dimension => Start.Length;

    /// <summary>A sum of squares Σ rᵢ(x)², given by its residuals.</summary>
    public static Problem Squares(
        string name,
        string label,
        double[] start,
        double minimum,
        Func<Real[], Real[]> residuals
    ) =>
        new(
            name,
            label,
            start,
            minimum,
            () =>
            {
                var tape = new Tape();
                return (x, gradient) => tape.SumOfSquares(residuals(tape.Start(x)), gradient);
            }
        );
}
