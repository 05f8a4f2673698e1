using MathNet.Numerics.Optimization;

namespace NativeRanger.Numerics;

/// <summary>What ended a run of <see cref="FirstOrderMinimizer"/>: finer than MathNet's <see cref="ExitCondition"/>.</summary>
public enum StopReason
{
    /// <summary>The gradient tolerance is met: <see cref="ExitCondition.RelativeGradient"/>.</summary>
    RelativeGradient,

    /// <summary>The parameter tolerance is met: <see cref="ExitCondition.LackOfProgress"/>.</summary>
    ParameterProgress,

    /// <summary>The function progress tolerance is met: <see cref="ExitCondition.LackOfProgress"/>.</summary>
    FunctionProgress,

    /// <summary>All steps have been taken: <see cref="ExitCondition.ExceedIterations"/>.</summary>
    IterationLimit,

    /// <summary>The next evaluation would exceed their limit: <see cref="ExitCondition.ExceedIterations"/>.</summary>
    EvaluationLimit,

    /// <summary>The time is up: <see cref="ExitCondition.ExceedIterations"/>.</summary>
    TimeLimit,

    /// <summary>There is no mini-batch left: <see cref="ExitCondition.ExceedIterations"/>.</summary>
    EndOfBatches,

    /// <summary>The cancellation token asked for it: <see cref="ExitCondition.ManuallyStopped"/>.</summary>
    Cancelled,

    /// <summary>The progress callback asked for it: <see cref="ExitCondition.ManuallyStopped"/>.</summary>
    Callback,

    /// <summary>
    /// A value or a gradient is not finite, and would be so again: <see cref="ExitCondition.InvalidValues"/>
    /// (<see cref="NonFinitePolicy.SkipStep"/> with a single objective).
    /// </summary>
    NonFinite,

    /// <summary>A <see cref="MinimizationException"/>, which holds this result: <see cref="ExitCondition.None"/>.</summary>
    Failure,
}

/// <summary>The words of MathNet for it.</summary>
internal static class StopReasons
{
    public static ExitCondition ToExitCondition(this StopReason reason) =>
        reason switch
        {
            StopReason.RelativeGradient => ExitCondition.RelativeGradient,
            StopReason.ParameterProgress or StopReason.FunctionProgress => ExitCondition.LackOfProgress,
            StopReason.Cancelled or StopReason.Callback => ExitCondition.ManuallyStopped,
            StopReason.NonFinite => ExitCondition.InvalidValues,
            StopReason.Failure => ExitCondition.None,
            _ => ExitCondition.ExceedIterations,
        };
}
