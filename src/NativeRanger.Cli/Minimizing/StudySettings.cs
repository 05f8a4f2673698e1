using System.Globalization;
using NativeRanger.Cli.Training;

namespace NativeRanger.Cli.Minimizing;

/// <summary>What a run may use, and when it has arrived.</summary>
/// <param name="Steps">The steps at which a run ends.</param>
/// <param name="TrialSteps">The steps after which the rates are compared a first time.</param>
/// <param name="Finalists">The rates that may go on after that.</param>
/// <param name="Rates">The learning rates that are compared.</param>
/// <param name="GradientTolerance">The relative gradient at which a run has arrived.</param>
/// <param name="Schedule">The factor on the rate.</param>
internal sealed record StudySettings(
    int Steps,
    int TrialSteps,
    int Finalists,
    IReadOnlyList<double> Rates,
    double GradientTolerance,
    ScheduleChoice Schedule
)
{
    /// <summary>Those of functions: rates from 1e-6, where a function is badly scaled, to 50, where its minimum is far away.</summary>
    public static StudySettings Default { get; } =
        new(
            Steps: 50_000,
            TrialSteps: 2_000,
            Finalists: 5,
            [
                .. Enumerable
                    .Range(-6, 8)
                    .SelectMany(exponent => new[] { 1, 2, 5 }.Select(digit => $"{digit}e{exponent}"))
                    .Select(rate => double.Parse(rate, CultureInfo.InvariantCulture)),
            ],
            GradientTolerance: 1e-8,
            ScheduleCatalogue.Constant
        );
}
